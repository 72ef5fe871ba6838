package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// active introspects the token as the client and checks that an inactive one is described by nothing else.
func (p *provider) active(tb testing.TB, c *party, token string) bool {
	tb.Helper()
	rec := post(p.IntrospectionHandler(), c.authenticated(tb, endpoints.Introspection, url.Values{"token": {token}}))
	require.Equal(tb, http.StatusOK, rec.Code, rec.Body)
	require.Equal(tb, "application/json", rec.Header().Get("Content-Type"))
	require.Equal(tb, "no-store", rec.Header().Get("Cache-Control"))
	if rec.Body.String() == `{"active":false}` {
		return false
	}
	require.Equal(tb, true, decode[map[string]any](tb, rec)["active"])
	return true
}

// revoke revokes the token as the client; the answer is always the same.
func (p *provider) revoke(tb testing.TB, c *party, token string) {
	tb.Helper()
	rec := post(p.RevocationHandler(), c.authenticated(tb, endpoints.Revocation, url.Values{"token": {token}}))
	require.Equal(tb, http.StatusOK, rec.Code, rec.Body)
	require.Equal(tb, "no-store", rec.Header().Get("Cache-Control"))
	require.Empty(tb, rec.Body)
}

func TestIntrospectionTellsTheOwner(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	form := p.portal.authenticated(t, issuer, url.Values{"token": {token}, "token_type_hint": {"refresh_token"}})
	now := p.clock.Now().Unix()
	require.Equal(t, map[string]any{
		"active": true, "iss": issuer, "client_id": "portal", "sub": "pseudonym-7c1f", "aud": []any{issuer},
		"scope": "openid records", "token_type": "Bearer", "exp": float64(now + 600), "iat": float64(now),
		"auth_time": float64(now - 60), "acr": "loa:2",
	}, decode[map[string]any](t, post(p.IntrospectionHandler(), form)))
}

func TestTwoTokensTwoClients(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	parties := []*party{p.portal, p.clinic}
	tokens := map[*party]string{}
	codes := map[*party]string{}
	for _, c := range parties {
		tokens[c] = p.redeem(t, c, p.code(t, c)).AccessToken
		codes[c] = p.code(t, c)
	}
	for _, owner := range parties {
		for _, asker := range parties {
			require.Equal(t, owner == asker, p.active(t, asker, tokens[owner]), "%s introspects", asker.client.ID)
			if owner == asker {
				continue
			}
			p.revoke(t, asker, tokens[owner])
			require.True(t, p.live(t, tokens[owner]), "%s revokes", asker.client.ID)
			rec := post(p.TokenHandler(), with(asker.redemption(t, codes[owner]), "redirect_uri", owner.client.RedirectURIs[0]))
			body := requireRefused(t, rec, 400, oauth.InvalidGrant)
			unknown := requireRefused(t, post(p.TokenHandler(), asker.redemption(t, "unknown")), 400, oauth.InvalidGrant)
			require.Equal(t, unknown, body, "a code of somebody else's is like one that never was")
		}
	}
	for _, c := range parties {
		p.redeem(t, c, codes[c])
	}
}

func TestRevokedTokenIsDead(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	other := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	p.revoke(t, p.portal, token)
	require.False(t, p.live(t, token))
	require.False(t, p.active(t, p.portal, token))
	require.True(t, p.live(t, other))
	p.revoke(t, p.portal, token) // again, which is no error (RFC 7009 section 2.2)
}

func TestTokenThatIsNoneIsInactiveAndItsRevocationNoError(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, token := range map[string]string{
		"text": "zebra", "a JWT of the client's": p.portal.assertion(t, nil), "NUL": "\x00.\x00.\x00", "long": strings.Repeat("x.", 20<<10),
		"a code": p.code(t, p.portal),
	} {
		t.Run(name, func(t *testing.T) {
			require.False(t, p.active(t, p.portal, token))
			p.revoke(t, p.portal, token)
		})
	}
}

func TestIntrospectionAndRevocationRefuse(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	for endpoint, handler := range map[string]http.Handler{
		endpoints.Introspection: p.IntrospectionHandler(), endpoints.Revocation: p.RevocationHandler(),
	} {
		for name, c := range map[string]struct {
			change func(url.Values) url.Values
			status int
			code   oauth.ErrorCode
		}{
			"no token":            {without("token"), 400, oauth.InvalidRequest},
			"empty token":         {to("token", ""), 400, oauth.InvalidRequest},
			"token twice":         {to("token", token, token), 400, oauth.InvalidRequest},
			"hint twice":          {to("token_type_hint", "a", "b"), 400, oauth.InvalidRequest},
			"token not in UTF-8":  {to("token", "\xff"), 400, oauth.InvalidRequest},
			"no assertion":        {without("client_assertion"), 401, oauth.InvalidClient},
			"the access token":    {to("client_assertion", token), 401, oauth.InvalidClient},
			"for another purpose": {to("client_assertion", p.portal.assertion(t, map[string]any{"aud": endpoints.Token})), 401, oauth.InvalidClient},
		} {
			t.Run(endpoint+" "+name, func(t *testing.T) {
				form := c.change(p.portal.authenticated(t, endpoint, url.Values{"token": {token}}))
				requireRefused(t, post(handler, form), c.status, c.code)
			})
		}
	}
	require.True(t, p.live(t, token))
}
