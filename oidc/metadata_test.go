package oidc_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/pkg/client"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func serve(h http.Handler, method string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
	return w
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) {
		c.Scopes = map[string][]string{"email": {"email", "email_verified"}, "profile": {"name"}}
		c.UILocales, c.ClaimsLocales = []string{"en", "km"}, []string{"km"}
	})
	w := serve(f.DiscoveryHandler(oauth.Metadata{
		Issuer:                 "https://other.example",
		AuthorizationEndpoint:  issuer + "/authorize",
		TokenEndpoint:          issuer + "/token",
		ScopesSupported:        []string{"openid", "farm"},
		ResponseTypesSupported: []string{"code"},
		AuthorizationResponseIssParameterSupported: true,
		RequestObjectSigningAlgs:                   []jose.SignatureAlgorithm{jose.ES256, jose.RS256},
	}), "GET")
	require.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.Equal(t, "public, max-age=300", w.Header().Get("Cache-Control"))
	assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
	assert.Empty(t, w.Header().Get("Access-Control-Allow-Credentials"))
	var document map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &document))
	for name, want := range map[string]any{
		"issuer":                                         issuer,
		"authorization_endpoint":                         issuer + "/authorize",
		"token_endpoint":                                 issuer + "/token",
		"userinfo_endpoint":                              issuer + "/userinfo",
		"jwks_uri":                                       issuer + "/jwks",
		"scopes_supported":                               []any{"openid", "email", "profile", "farm"},
		"response_types_supported":                       []any{"code"},
		"subject_types_supported":                        []any{"pairwise"},
		"id_token_signing_alg_values_supported":          []any{"ES256", "ES384", "EdDSA", "PS256", "RS256"},
		"userinfo_signing_alg_values_supported":          []any{"ES256", "ES384", "EdDSA", "PS256", "RS256"},
		"acr_values_supported":                           []any{"loa:2", "loa:1"},
		"claim_types_supported":                          []any{"normal"},
		"ui_locales_supported":                           []any{"en", "km"},
		"claims_locales_supported":                       []any{"km"},
		"claims_parameter_supported":                     true,
		"request_parameter_supported":                    true,
		"request_object_signing_alg_values_supported":    []any{"ES256", "RS256"},
		"request_uri_parameter_supported":                false,
		"authorization_response_iss_parameter_supported": true,
		"claims_supported": []any{
			"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash",
			"name", "email", "email_verified",
		},
	} {
		assert.Equal(t, want, document[name], name)
	}
}

func TestDiscoveryByAForeignRelyingParty(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	f := newFixture(t, func(c *oidc.Config) {
		c.Issuer = server.URL
	})
	mux.Handle("/.well-known/openid-configuration", f.DiscoveryHandler(oauth.Metadata{}))
	document, err := client.Discover(t.Context(), server.URL, server.Client())
	require.NoError(t, err)
	assert.Equal(t, issuer+"/userinfo", document.UserinfoEndpoint)
	assert.False(t, document.RequestURIParameterSupported)
	assert.False(t, document.RequestParameterSupported, "the server has no algorithm for it")
}

func TestKeySet(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) { c.DocumentMaxAge = time.Hour })
	w := serve(f.JWKSHandler(), "GET")
	require.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.Equal(t, "public, max-age=3600", w.Header().Get("Cache-Control"))
	assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &set))
	require.Len(t, set.Keys, len(allAlgorithms))
	for _, key := range set.Keys {
		assert.True(t, key.Valid() && key.IsPublic())
		assert.Equal(t, "sig", key.Use)
		assert.Len(t, set.Key(key.KeyID), 1)
	}
}

// leakyKeys publishes what must stay private.
type leakyKeys struct {
	keystore.Keystore
	key any
}

func (k leakyKeys) Keys(context.Context) ([]jose.JSONWebKey, error) {
	return []jose.JSONWebKey{{Key: k.key, KeyID: "leak"}}, nil
}

func TestKeySetIsNeverWrong(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]keystore.Keystore{
		"a keystore that is down":           brokenBackend{},
		"a keystore with a symmetric key":   leakyKeys{key: []byte("secret-secret-secret-secret-secr")},
		"a keystore with something else":    leakyKeys{key: "secret"},
		"a keystore with nothing in a key ": leakyKeys{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *oidc.Config) { c.Keys = keys })
			w := serve(f.JWKSHandler(), "GET")
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			assert.NotContains(t, w.Body.String(), "secret")
			assert.NotContains(t, w.Body.String(), "10.1.2.3")
		})
	}
}

func TestDocumentsAllowGetAndHead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, h := range []http.Handler{f.JWKSHandler(), f.DiscoveryHandler(oauth.Metadata{})} {
		assert.Equal(t, http.StatusOK, serve(h, "HEAD").Code)
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
			w := serve(h, method)
			assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
			assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
		}
	}
}

func TestMetadataDoesNotChangeTheServers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	scopes := make([]string, 1, 10)
	scopes[0] = "farm"
	f.Metadata(oauth.Metadata{ScopesSupported: scopes})
	assert.Equal(t, []string{"farm", "", ""}, scopes[:3])
}
