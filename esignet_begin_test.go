package signet_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// Nobody has a session on eSignet's API, with which a login could go on in silence.
func TestESignetIgnoresPromptNone(t *testing.T) {
	t.Parallel()
	for name, sessions := range map[string]login.Sessions{"without sessions": {}, "with sessions": {Idle: time.Minute}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newESWorld(t, func(c *signet.Config) { c.Sessions = sessions })
			for _, version := range []string{"v2", "v3"} {
				request := broken(w.details(uuid.NewString()), "prompt", "none")
				assert.Empty(t, w.post("/authorization/"+version+"/oauth-details", esTransaction{}, request).Errors, version)
			}
			form := w.pushForm()
			form.Set("prompt", "none")
			res, body := w.form("/oauth/par", form, "")
			require.Equal(t, http.StatusCreated, res.StatusCode, body)
			assert.Empty(t, w.opened("portal", body["request_uri"]).Errors)
		})
	}
}

// opened is what the pages get of a pushed request.
func (w *esWorld) opened(client string, requestURI any) esAnswer {
	w.Helper()
	return w.post("/authorization/par-oauth-details", esTransaction{}, map[string]any{"clientId": client, "requestUri": requestURI})
}

func TestESignetRefusesToVerifyNoClaims(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	verification := map[string]any{"trust_framework": nil}
	nothing, something := map[string]any{"verification": verification, "claims": nil},
		map[string]any{"verification": verification, "claims": map[string]any{"name": nil}}
	for name, c := range map[string]struct {
		verified any
		code     string
	}{
		"nothing":           {nothing, "invalid_verified_claims"},
		"nothing in a list": {[]any{something, nothing}, "invalid_verified_claims"},
		"something":         {something, ""},
		"no member":         {map[string]any{"verification": verification, "claims": map[string]any{}}, "invalid_claim"},
		"null":              {[]any{nil}, "invalid_claim"},
		"unverified":        {map[string]any{"verification": nil, "claims": map[string]any{"name": nil}}, "invalid_claim"},
	} {
		request := w.details(uuid.NewString())
		request["claims"] = map[string]any{"userinfo": map[string]any{"verified_claims": c.verified}}
		assert.Equal(t, c.code, w.post("/authorization/v3/oauth-details", esTransaction{}, request).code(), name)
	}
	claims, err := json.Marshal(map[string]any{"userinfo": map[string]any{"verified_claims": nothing}})
	require.NoError(t, err)
	form := w.pushForm()
	form.Set("claims", string(claims))
	res, body := w.form("/oauth/par", form, "")
	require.Equal(t, http.StatusCreated, res.StatusCode, "what claims are for is not looked at here")
	assert.Equal(t, "invalid_verified_claims", w.opened("portal", body["request_uri"]).code())
}

func TestESignetRefusesPushedClaimsWithoutOpenID(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) { c.Clients = portalFor(t, c, "appointments") })
	form := w.pushForm()
	form.Set("scope", "appointments")
	form.Set("claims", `{"userinfo":{"name":null}}`)
	res, body := w.form("/oauth/par", form, "")
	require.Equal(t, http.StatusCreated, res.StatusCode, body)
	assert.Equal(t, "invalid_scope", w.opened("portal", body["request_uri"]).code())
}

// portalFor is the client with more scopes, which the server need not know.
func portalFor(t *testing.T, c *signet.Config, scopes ...string) oauth.ClientStore {
	t.Helper()
	portal, err := c.Clients.Client(t.Context(), "portal")
	require.NoError(t, err)
	portal.Scopes = append(portal.Scopes, scopes...)
	clients, err := oauth.NewStaticClients(portal)
	require.NoError(t, err)
	return clients
}

// leaving is a store of clients that may be gone.
type leaving struct {
	oauth.ClientStore
	gone bool
}

func (l *leaving) Client(ctx context.Context, id string) (*oauth.Client, error) {
	if l.gone {
		return nil, oauth.ErrUnknownClient
	}
	return l.ClientStore.Client(ctx, id)
}

// A request_uri is known to its client alone, who learns that it is a client no more.
func TestESignetTellsWhoeverPushedNothingNoClients(t *testing.T) {
	t.Parallel()
	var clients *leaving
	w := newESWorld(t, func(c *signet.Config) {
		clients = &leaving{ClientStore: c.Clients}
		c.Clients = clients
	})
	_, body := w.form("/oauth/par", w.pushForm(), "")
	for client, uri := range map[string]any{"nobody": body["request_uri"], "portal": "urn:ietf:params:oauth:request_uri:unknown"} {
		assert.Equal(t, "invalid_request", w.opened(client, uri).code(), client)
	}
	clients.gone = true
	assert.Equal(t, "invalid_client_id", w.opened("portal", body["request_uri"]).code())
	assert.Equal(t, "invalid_request", w.opened("portal", "urn:ietf:params:oauth:request_uri:unknown").code())
}

func TestESignetLooksAtScopesBeforeClients(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) { c.Clients = portalFor(t, c, "appointments") })
	for _, c := range []struct{ client, scope, code, description string }{
		{"nobody", "profile", "invalid_scope", "invalid_scope"},
		{"nobody", "unheard-of", "invalid_scope", "invalid_scope"},
		{"nobody", " ", "invalid_scope", "invalid_scope"},
		{"nobody", "openid unheard-of", "invalid_client_id", "invalid_client_id"},
		{"portal", "appointments profile", "invalid_scope", "invalid_scope"},
		{"portal", "appointments unheard-of", "", ""},
		{"portal", "unheard-of", "invalid_scope", "invalid_scope"},
	} {
		request := w.details(uuid.NewString())
		request["clientId"], request["scope"] = c.client, c.scope
		delete(request, "claims")
		assert.Equal(t, c.code, w.post("/authorization/v3/oauth-details", esTransaction{}, request).code(), "%s: %s", c.client, c.scope)
		form := w.pushForm()
		form.Set("client_id", c.client)
		form.Set("scope", c.scope)
		_, body := w.form("/oauth/par", form, "")
		description, _ := body["error_description"].(string)
		assert.Equal(t, c.description, description, "%s: %s", c.client, c.scope)
	}
	request := w.details(uuid.NewString())
	request["clientId"], request["scope"], request["redirectUri"] = "nobody", "profile", "nowhere"
	assert.Equal(t, []string{
		"invalid_redirect_uri request.redirectUri: invalid_redirect_uri", "invalid_scope request.scope: invalid_scope",
	}, w.post("/authorization/v3/oauth-details", esTransaction{}, request).all(), "all that is wrong, whoever asks")
}

// Claims are looked at after the redirect URI.
func TestESignetLooksAtRedirectURIsBeforeClaims(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) { c.Clients = portalFor(t, c, "appointments") })
	request := w.details(uuid.NewString())
	request["scope"], request["redirectUri"] = "appointments", "https://evil.example/cb"
	assert.Equal(t, "invalid_redirect_uri", w.post("/authorization/v3/oauth-details", esTransaction{}, request).code())
	request["redirectUri"] = "https://rp.example/cb"
	assert.Equal(t, "invalid_scope", w.post("/authorization/v3/oauth-details", esTransaction{}, request).code())
}
