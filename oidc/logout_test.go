package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

const bye = "https://health.example/bye"

// newLogoutFixture is a provider with sessions whose client health registered where people go after a logout.
func newLogoutFixture(tb testing.TB) (f *fixture, hint string, subject string) {
	tb.Helper()
	f = newFixture(tb, func(c *oidc.Config) { c.EndSessionEndpoint = issuer + "/logout" })
	f.clients["health"].PostLogoutRedirectURIs = []string{bye, "https://health.example/bye?lang=km"}
	x := f.extended(tb, "health", "openid")
	return f, x.Response["id_token"], x.Grant.Subject
}

func TestLogoutRequest(t *testing.T) {
	t.Parallel()
	f, hint, subject := newLogoutFixture(t)
	r, err := f.ParseLogoutRequest(t.Context(), url.Values{
		"id_token_hint": {hint}, "client_id": {"health"}, "post_logout_redirect_uri": {"https://health.example/bye?lang=km"},
		"state": {"a b"}, "ui_locales": {"km en"}, "logout_hint": {"whatever"}, "unknown": {"x", "y"},
	})
	require.NoError(t, err)
	assert.Nil(t, r.Problem)
	assert.True(t, r.Hinted())
	assert.Equal(t, subject, r.Subject)
	assert.Equal(t, "health", r.Client.ID)
	assert.Equal(t, "https://health.example/bye?lang=km&state=a%20b", r.ReturnURL())
	assert.Equal(t, []string{"km", "en"}, r.UILocales)
}

func TestLogoutRequestWithoutAnything(t *testing.T) {
	t.Parallel()
	f, _, _ := newLogoutFixture(t)
	r, err := f.ParseLogoutRequest(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, &oidc.LogoutRequest{}, r)
	assert.Empty(t, r.ReturnURL())
}

func TestLogoutRequestLeavesOutWhatIsWrong(t *testing.T) {
	t.Parallel()
	f, hint, _ := newLogoutFixture(t)
	bank := f.extended(t, "bank", "openid").Response["id_token"]
	key, err := testKeys().Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	sign := func(typ string, claims map[string]any) string {
		all := map[string]any{"iss": issuer, "sub": "s", "aud": "health", "exp": now.Add(time.Hour).Unix()}
		for name, value := range claims {
			all[name] = value
		}
		token, err := key.SignJSON(t.Context(), typ, all)
		require.NoError(t, err)
		return token
	}
	for name, c := range map[string]struct {
		form   url.Values
		hinted bool
	}{
		"a hint of another client":  {url.Values{"id_token_hint": {bank}, "client_id": {"health"}}, false},
		"a hint that was changed":   {url.Values{"id_token_hint": {hint[:len(hint)-4] + "AAAA"}}, false},
		"two audiences":             {url.Values{"id_token_hint": {sign("JWT", map[string]any{"aud": []string{"health", "bank"}})}}, false},
		"another issuer":            {url.Values{"id_token_hint": {sign("JWT", map[string]any{"iss": "https://evil.example"})}}, false},
		"an access token":           {url.Values{"id_token_hint": {sign("at+jwt", nil)}}, false},
		"a logout token":            {url.Values{"id_token_hint": {sign("logout+jwt", nil)}}, false},
		"a sid that is no string":   {url.Values{"id_token_hint": {sign("JWT", map[string]any{"sid": 7})}}, false},
		"an unknown client":         {url.Values{"client_id": {"nobody"}}, false},
		"a hint of a gone client":   {url.Values{"id_token_hint": {sign("JWT", map[string]any{"aud": "gone"})}}, false},
		"no client":                 {url.Values{}, false},
		"another URI":               {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye + "/"}}, true},
		"another client's":          {url.Values{"id_token_hint": {bank}}, true},
		"a repeated parameter":      {url.Values{"id_token_hint": {hint, hint}}, false},
		"a long state":              {url.Values{"id_token_hint": {hint}, "state": {strings.Repeat("s", 2049)}}, false},
		"a parameter out of bounds": {url.Values{"id_token_hint": {strings.Repeat("a", 1<<17)}}, false},
		"a parameter without text":  {url.Values{"id_token_hint": {hint}, "state": {"\xff"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form := c.form
			if form.Get("post_logout_redirect_uri") == "" {
				form.Set("post_logout_redirect_uri", bye)
			}
			r, err := f.ParseLogoutRequest(t.Context(), form)
			require.NoError(t, err, "the person can log out in any case")
			require.NotNil(t, r.Problem)
			assert.Equal(t, oauth.InvalidRequest, r.Problem.Code)
			assert.Equal(t, c.hinted, r.Hinted())
			assert.Empty(t, r.RedirectURI)
			assert.Empty(t, r.State)
			assert.Empty(t, r.ReturnURL())
		})
	}
}

func TestLogoutRequestCannotBeReadWhileABackendIsDown(t *testing.T) {
	t.Parallel()
	_, hint, _ := newLogoutFixture(t)
	noKeys := newFixture(t, func(c *oidc.Config) { c.Keys = brokenBackend{} })
	_, err := noKeys.ParseLogoutRequest(t.Context(), url.Values{"id_token_hint": {hint}})
	require.ErrorIs(t, err, errBackend)
	noClients := newFixture(t, func(c *oidc.Config) { c.Clients = brokenBackend{} })
	_, err = noClients.ParseLogoutRequest(t.Context(), url.Values{"client_id": {"health"}})
	require.ErrorIs(t, err, errBackend)
}

func TestSessionIDIsInTheIDToken(t *testing.T) {
	t.Parallel()
	f, plain, _ := newLogoutFixture(t)
	_, claims := open(t, plain)
	assert.NotContains(t, claims, "sid")
	r, err := f.ParseLogoutRequest(t.Context(), url.Values{"id_token_hint": {plain}})
	require.NoError(t, err)
	assert.Empty(t, r.SessionID)
	assert.Contains(t, f.Metadata(oauth.Metadata{}).ClaimsSupported, "sid")
}

func TestEndSessionEndpointMustBeOneThatClientsCanTrust(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"http://id.example/logout", "/logout", "https://id.example", "logout"} {
		f := &fixture{clients: clientStore{}, people: &people{}, events: &events{}}
		c := configFor(f)
		c.EndSessionEndpoint = endpoint
		_, err := oidc.New(c)
		assert.ErrorContains(t, err, "EndSessionEndpoint", endpoint)
	}
}

func TestPromptNoneIsForTheLoginToAnswerWhereThereAreSessions(t *testing.T) {
	t.Parallel()
	f, _, _ := newLogoutFixture(t)
	assert.NoError(t, f.CheckRequest(t.Context(), f.clients["health"], request("health", "openid", "prompt", "none")))
	without := newFixture(t)
	requireCode(t, oauth.LoginRequired,
		without.CheckRequest(t.Context(), without.clients["health"], request("health", "openid", "prompt", "none")))
}

// FuzzLogoutRequest makes sure that nothing but what the client registered, with the hint that it got, is ever gone back
// to without asking.
func FuzzLogoutRequest(f *testing.F) {
	fx, hint, subject := newLogoutFixture(f)
	f.Add(hint, "health", bye, "s", "en")
	f.Add(hint, "", bye+"?foo=bar", "s", "")
	f.Add(hint[:len(hint)-2], "bank", bye, "", "km en")
	f.Add("", "health", bye, "\x00", "x")
	f.Add("eyJhbGciOiJub25lIn0."+strings.Split(hint, ".")[1]+".", "", bye, "", "")
	f.Fuzz(func(t *testing.T, idTokenHint, clientID, uri, state, locales string) {
		r, err := fx.ParseLogoutRequest(t.Context(), url.Values{
			"id_token_hint": {idTokenHint}, "client_id": {clientID}, "post_logout_redirect_uri": {uri}, "state": {state},
			"ui_locales": {locales},
		})
		require.NoError(t, err)
		if r.Hinted() && (idTokenHint != hint || r.Subject != subject || r.Client.ID != "health") {
			t.Fatal("a hint that nobody issued is believed")
		}
		if r.RedirectURI != "" && (r.RedirectURI != uri || r.Client.ID != "health" || r.Problem != nil) {
			t.Fatal("a URI that is not registered is believed")
		}
		back := r.ReturnURL()
		if r.RedirectURI == "" {
			require.Empty(t, back)
			return
		}
		u, err := url.Parse(back)
		require.NoError(t, err)
		require.Equal(t, state, u.Query().Get("state"))
		require.Equal(t, "health.example", u.Host)
	})
}
