package oidc_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
)

// userinfo calls userinfo with the token of the exchange, and returns what it says as JSON.
func (f *fixture) userinfo(tb testing.TB, x *oauth.Exchange) map[string]any {
	tb.Helper()
	w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
	require.Equal(tb, http.StatusOK, w.Code, w.Body.String())
	var claims map[string]any
	if w.Header().Get("Content-Type") == "application/jwt" {
		_, claims = open(tb, w.Body.String())
		return claims
	}
	require.NoError(tb, json.Unmarshal(w.Body.Bytes(), &claims))
	return claims
}

func TestClaimsFetchedAtUserinfoAreNotKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t, atUserinfo)
	x := f.extended(t, "health", "openid email", "nonce", "n-0S6", "claims_locales", "km",
		"claims", `{"id_token":{"name":null},"userinfo":{"birthdate":null}}`)
	_, token := open(t, x.Response["id_token"])
	assert.Equal(t, "Sok Dara", token["name"])
	for _, value := range []string{"Sok Dara", "dara@example.org", "1990-05-17"} {
		assert.NotContains(t, string(x.Data), value)
	}
	for range 2 {
		claims := f.userinfo(t, x)
		assert.Equal(t, "dara@example.org", claims["email"])
		assert.Equal(t, "1990-05-17", claims["birthdate"])
		assert.NotContains(t, claims, "name")
	}
	f.people.values["email"] = `"new@example.org"`
	assert.Equal(t, "new@example.org", f.userinfo(t, x)["email"], "claims are as they are now")
	fetch := func(names ...string) *authenticator.ClaimsRequest {
		return &authenticator.ClaimsRequest{
			Transaction: "transaction-1", ClientID: "health", Names: names, Locales: []string{"km"},
			Identity: authenticator.Identity{Subject: "person-1", State: []byte("kyc-token")},
		}
	}
	atUserinfo := fetch("email", "email_verified", "birthdate")
	assert.Equal(t, []*authenticator.ClaimsRequest{fetch("name"), atUserinfo, atUserinfo, atUserinfo}, f.people.asked,
		"each time for what is delivered there")
}

func TestNothingIsFetchedAtUserinfoIfNothingIsShared(t *testing.T) {
	t.Parallel()
	f := newFixture(t, atUserinfo)
	x := f.extended(t, "health", "openid")
	assert.Equal(t, map[string]any{"sub": x.Grant.Subject, "iss": issuer, "aud": "health"}, f.userinfo(t, x))
	assert.Empty(t, f.people.asked)
}

func TestTokensAreReadAsTheyWereMeantWhateverTheConfigurationIsNow(t *testing.T) {
	t.Parallel()
	once, each := newFixture(t), newFixture(t, atUserinfo)
	kept, fetched := once.extended(t, "health", "openid email"), each.extended(t, "health", "openid email")
	once.tokens[fetched.AccessToken], each.tokens[kept.AccessToken] =
		each.tokens[fetched.AccessToken], once.tokens[kept.AccessToken]
	for _, f := range []*fixture{once, each} {
		claims := f.userinfo(t, kept)
		assert.Equal(t, "dara@example.org", claims["email"])
		assert.NotContains(t, claims, "identity")
	}
}

func TestFetchingAtUserinfoFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change  func(*fixture, *oauth.AccessToken)
		status  int
		code    oauth.ErrorCode
		outcome audit.Outcome
	}{
		"when the identity system is down": {
			func(f *fixture, _ *oauth.AccessToken) { f.people.err = errBackend }, 503, oauth.TemporarilyUnavailable, audit.Failed,
		},
		"when the identity system says that it is unavailable": {
			func(f *fixture, _ *oauth.AccessToken) {
				f.people.err = &authenticator.Error{Reason: authenticator.Unavailable, Err: errBackend}
			}, 503, oauth.TemporarilyUnavailable, audit.Failed,
		},
		"when a claim is malformed": {
			func(f *fixture, _ *oauth.AccessToken) { f.people.values["email"] = `1},"sub":"x"` },
			503, oauth.TemporarilyUnavailable, audit.Failed,
		},
		"when the identity system does not know the person any more": {
			func(f *fixture, _ *oauth.AccessToken) {
				f.people.err = &authenticator.Error{Reason: authenticator.WrongCredentials, Err: errBackend}
			}, 401, oauth.InvalidToken, audit.Refused,
		},
		"when the person is locked": {
			func(f *fixture, _ *oauth.AccessToken) {
				f.people.err = &authenticator.Error{Reason: authenticator.Locked}
			}, 401, oauth.InvalidToken, audit.Refused,
		},
		"when the token is for somebody else": {
			func(_ *fixture, t *oauth.AccessToken) { t.Grant.Subject = "other" }, 503, oauth.ServerError, audit.Failed,
		},
		"when what the token carries is cut off": {
			func(_ *fixture, t *oauth.AccessToken) { t.Data = t.Data[:1] }, 503, oauth.ServerError, audit.Failed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, atUserinfo)
			x := f.extended(t, "health", "openid email")
			tc.change(f, f.tokens[x.AccessToken])
			w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.status == 503, w.Header().Get("Retry-After") != "")
			assert.Equal(t, tc.status == 401, w.Header().Get("WWW-Authenticate") != "")
			var body map[string]string
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			assert.Equal(t, string(tc.code), body["error"])
			assert.NotContains(t, w.Body.String(), "10.1.2.3")
			assert.NotContains(t, w.Body.String(), "dara")
			require.NotEmpty(t, *f.events)
			assert.Equal(t, tc.outcome, (*f.events)[len(*f.events)-1].Outcome)
		})
	}
}

func TestUserinfoTellsWhyTheIdentitySystemDoesNotAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t, atUserinfo)
	x := f.extended(t, "health", "openid email")
	f.people.err = errBackend
	_, err := f.Userinfo(t.Context(), f.tokens[x.AccessToken])
	require.True(t, errors.Is(err, errBackend), "for the log")
}
