package oauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

func TestNewReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := oauth.New(oauth.Config{})
	for _, want := range []string{"issuer", "Endpoints.Authorization", "Endpoints.Token", "Clients", "Keys", "Store"} {
		require.ErrorContains(t, err, want)
	}
	config := newProvider(t).config
	config.Issuer = "https://id.example/"
	config.Endpoints = oauth.Endpoints{
		Authorization: "/authorize", Token: "http://id.example/token", Introspection: "https:///introspect",
		Revocation: "https://id.example/revoke#x", JWKS: "https://user@id.example/jwks",
	}
	config.Scopes = []string{"openid", "two words"}
	config.Algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.HS256, "none"}
	config.AccessTokenAlgorithm = jose.PS256 // there is no such key
	config.AccessTokenAudience = []string{}
	config.AccessTokenLifetime = 25 * time.Hour
	config.CodeLifetime = 61 * time.Second
	_, err = oauth.New(config)
	for _, want := range []string{
		"slash", "Endpoints.Authorization", "Endpoints.Token", "Endpoints.Introspection", "Endpoints.Revocation", "Endpoints.JWKS",
		"two words", "HS256", "none", "PS256", "AccessTokenAudience", "AccessTokenLifetime", "CodeLifetime",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestNewRefusesWhatIsOutOfBounds(t *testing.T) {
	t.Parallel()
	config := newProvider(t).config
	for name, change := range map[string]func(*oauth.Config){
		"negative code lifetime":  func(c *oauth.Config) { c.CodeLifetime = -1 },
		"tiny code lifetime":      func(c *oauth.Config) { c.CodeLifetime = time.Millisecond },
		"negative token lifetime": func(c *oauth.Config) { c.AccessTokenLifetime = -1 },
		"tiny token lifetime":     func(c *oauth.Config) { c.AccessTokenLifetime = time.Second },
		"empty audience":          func(c *oauth.Config) { c.AccessTokenAudience = []string{"https://api.example", ""} },
		"no algorithms":           func(c *oauth.Config) { c.Algorithms = []jose.SignatureAlgorithm{} },
	} {
		c := config
		change(&c)
		_, err := oauth.New(c)
		require.Error(t, err, name)
	}
}

func TestIssuerIdentifier(t *testing.T) {
	t.Parallel()
	for issuer, valid := range map[string]bool{
		"https://id.example": true, "https://id.example/tenant": true, "https://id.example:8443": true,
		"http://localhost:8080": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true,
		"": false, "id.example": false, "https://": false, "https://:443": false, "http://id.example": false,
		"https://id.example/": false, "https://id.example?": false, "https://id.example?x": false, "https://id.example#": false,
		"https://id.example#x": false, "https://user:pass@id.example": false, "ftp://id.example": false, "https:id.example": false,
	} {
		require.Equal(t, valid, oauth.CheckIssuer(issuer) == nil, "%q", issuer)
	}
}

func TestMetadataIsCompleteAndTrue(t *testing.T) {
	t.Parallel()
	p := newProvider(t, func(c *oauth.Config) { c.Algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.PS256} })
	rec := serve(p.MetadataHandler(), httptest.NewRequest(http.MethodGet, "/.well-known/oauth-authorization-server", nil))
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	require.Equal(t, "*", rec.Header().Get("Access-Control-Allow-Origin"))
	require.JSONEq(t, `{
		"issuer": "https://id.example",
		"authorization_endpoint": "https://id.example/authorize",
		"token_endpoint": "https://id.example/token",
		"introspection_endpoint": "https://id.example/introspect",
		"revocation_endpoint": "https://id.example/revoke",
		"jwks_uri": "https://id.example/jwks",
		"scopes_supported": ["openid", "records"],
		"response_types_supported": ["code"],
		"response_modes_supported": ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"],
		"authorization_signing_alg_values_supported": ["ES256"],
		"request_object_signing_alg_values_supported": ["ES256", "PS256"],
		"grant_types_supported": ["authorization_code"],
		"code_challenge_methods_supported": ["S256"],
		"authorization_response_iss_parameter_supported": true,
		"token_endpoint_auth_methods_supported": ["private_key_jwt"],
		"token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"],
		"introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
		"introspection_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"],
		"revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
		"revocation_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"]
	}`, rec.Body.String())
}

func TestMetadataDoesNotNameWhatIsNotOffered(t *testing.T) {
	t.Parallel()
	p := newProvider(t, func(c *oauth.Config) {
		c.Endpoints = oauth.Endpoints{Authorization: endpoints.Authorization, Token: endpoints.Token}
		c.Scopes = nil
	})
	body, err := json.Marshal(p.Metadata())
	require.NoError(t, err)
	for _, absent := range []string{"introspection", "revocation", "jwks_uri", "scopes_supported", "null"} {
		require.NotContains(t, string(body), absent)
	}
}

// The algorithms of the metadata are a copy: whoever extends them does not extend what is accepted.
func TestMetadataIsNotTheAllowList(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	algs := p.Metadata().TokenEndpointAuthSigningAlgs
	want := slices.Clone(algs)
	algs[0] = "none"
	require.True(t, reflect.DeepEqual(want, p.Metadata().TokenEndpointAuthSigningAlgs))
}

func TestEndpointsRefuseOtherMethods(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, c := range map[string]struct {
		handler http.Handler
		allow   string
	}{
		"authorization": {p.AuthorizationHandler(p.login), "GET, POST"},
		"token":         {p.TokenHandler(), "POST"},
		"introspection": {p.IntrospectionHandler(), "POST"},
		"revocation":    {p.RevocationHandler(), "POST"},
		"metadata":      {p.MetadataHandler(), "GET, HEAD"},
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "QUERY"} {
			if slices.Contains(strings.Split(c.allow, ", "), method) {
				continue
			}
			rec := serve(c.handler, httptest.NewRequest(method, "/", nil))
			require.Equal(t, http.StatusMethodNotAllowed, rec.Code, "%s %s", name, method)
			require.Equal(t, c.allow, rec.Header().Get("Allow"), name)
		}
	}
	require.Empty(t, p.events.take())
}

func TestErrorKeepsItsCauseToItself(t *testing.T) {
	t.Parallel()
	cause := http.ErrServerClosed
	e := oauth.AsError(cause)
	require.Equal(t, oauth.ServerError, e.Code)
	require.Equal(t, http.StatusServiceUnavailable, e.StatusCode())
	require.NotContains(t, e.Description, cause.Error())
	require.ErrorIs(t, e, cause)
	require.Same(t, e, oauth.AsError(e))
	require.Equal(t, http.StatusBadRequest, (&oauth.Error{Code: oauth.InvalidScope}).StatusCode())
	require.Equal(t, "invalid_scope: too wide: the cause", (&oauth.Error{
		Code: oauth.InvalidScope, Description: "too wide", Cause: errors.New("the cause"),
	}).Error())
}
