package oidc_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func TestHintRestrictsTheLoginToItsSubject(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.extended(t, "health", "openid")
	for _, client := range []string{"health", "health-app"} {
		r, err := f.parse(t.Context(), client, "openid", "id_token_hint", x.Response["id_token"])
		require.NoError(t, err)
		assert.Equal(t, []string{x.Grant.Subject}, r.Subjects)

		c, scope := f.clients[client], []string{"openid"}
		_, err = f.Authorize(c, r, scope, &authenticator.Identity{Subject: "person-1"}, nil)
		require.NoError(t, err)
		_, err = f.Authorize(c, r, scope, &authenticator.Identity{Subject: "person-2"}, nil)
		requireCode(t, oauth.LoginRequired, err)
	}
}

func TestHintMayHaveExpired(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.exchange(t, "health", "openid")
	x.IssuedAt = now.AddDate(-2, 0, 0)
	require.NoError(t, f.Extend(t.Context(), x))
	r, err := f.parse(t.Context(), "health", "openid", "id_token_hint", x.Response["id_token"])
	require.NoError(t, err)
	assert.True(t, r.AcceptsSubject(x.Grant.Subject))
}

func TestHintIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	foreign, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	sign := func(keys *keystore.Memory, alg jose.SignatureAlgorithm, typ string, change func(map[string]any)) string {
		claims := map[string]any{
			"iss": issuer, "sub": "subject", "aud": "health", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(),
		}
		if change != nil {
			change(claims)
		}
		key, err := keys.Signer(t.Context(), keystore.TokenSigning, alg)
		require.NoError(t, err)
		token, err := key.SignJSON(t.Context(), typ, claims)
		require.NoError(t, err)
		return token
	}
	own := func(change func(map[string]any)) string { return sign(testKeys(), jose.ES256, "JWT", change) }
	good := own(nil)
	_, err = f.parse(t.Context(), "health", "openid", "id_token_hint", good)
	require.NoError(t, err, "the tokens below differ from a good one in one thing")

	userinfo := f.extended(t, "health", "openid")
	response, err := f.Userinfo(t.Context(), f.tokens[userinfo.AccessToken])
	require.NoError(t, err)

	for name, hint := range map[string]string{
		"no token":                       "x.y.z",
		"changed":                        good[:len(good)-8] + "AAAAAAAA",
		"cut":                            good[:len(good)-1],
		"without algorithm":              "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUifQ.",
		"signed by another key":          sign(foreign, jose.ES256, "JWT", nil),
		"an access token":                sign(testKeys(), jose.ES256, "at+jwt", nil),
		"a userinfo response":            string(response.Body),
		"of another issuer":              own(func(c map[string]any) { c["iss"] = "https://other.example" }),
		"without issuer":                 own(func(c map[string]any) { delete(c, "iss") }),
		"without subject":                own(func(c map[string]any) { delete(c, "sub") }),
		"with a number for a subject":    own(func(c map[string]any) { c["sub"] = 1 }),
		"without expiry":                 own(func(c map[string]any) { delete(c, "exp") }),
		"without audience":               own(func(c map[string]any) { delete(c, "aud") }),
		"for an unknown client":          own(func(c map[string]any) { c["aud"] = "nobody" }),
		"for a client of another sector": own(func(c map[string]any) { c["aud"] = "bank" }),
		"for two clients":                own(func(c map[string]any) { c["aud"] = []string{"health", "bank"} }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.parse(t.Context(), "health", "openid", "id_token_hint", hint)
			requireCode(t, oauth.InvalidRequest, err)
		})
	}
}

func TestHintWithAnAlgorithmThatIsNotOfferedIsRefused(t *testing.T) {
	t.Parallel()
	hint := newFixture(t).extended(t, "health", "openid").Response["id_token"]
	f := newFixture(t, func(c *oidc.Config) {
		c.DefaultAlgorithm, c.Algorithms = jose.PS256, []jose.SignatureAlgorithm{jose.PS256}
	})
	_, err := f.parse(t.Context(), "health", "openid", "id_token_hint", hint)
	requireCode(t, oauth.InvalidRequest, err)
}

func TestHintAndClaimsMustAgree(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.extended(t, "health", "openid")
	hint := x.Response["id_token"]
	for subject, ok := range map[string]bool{x.Grant.Subject: true, "somebody-else": false} {
		claims, err := json.Marshal(map[string]any{"id_token": map[string]any{"sub": map[string]any{"value": subject}}})
		require.NoError(t, err)
		_, err = f.parse(t.Context(), "health", "openid", "id_token_hint", hint, "claims", string(claims))
		if ok {
			require.NoError(t, err)
		} else {
			requireCode(t, oauth.InvalidRequest, err)
		}
	}
}

func TestHintCannotBeVerifiedWhileABackendIsDown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	hint := f.extended(t, "health", "openid").Response["id_token"]
	for name, change := range map[string]func(*oidc.Config){
		"keys":    func(c *oidc.Config) { c.Keys = brokenBackend{} },
		"clients": func(c *oidc.Config) { c.Clients = brokenBackend{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFixture(t, change).parse(t.Context(), "health-app", "openid", "id_token_hint", hint)
			require.ErrorIs(t, err, errBackend)
			requireCode(t, oauth.ServerError, oauth.AsError(err))
		})
	}
}
