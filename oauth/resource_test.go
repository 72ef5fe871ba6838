package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

const (
	clinicAPI = "https://api.example/clinic"
	schoolAPI = "https://api.example/school"
)

// withResources returns a provider with two resources and a client that may ask for all their scopes.
func withResources(t *testing.T) *provider {
	t.Helper()
	p := newProvider(t, func(c *oauth.Config) {
		c.Resources = []oauth.Resource{
			{Identifier: clinicAPI, Scopes: []string{"visits"}}, {Identifier: schoolAPI, Scopes: []string{"marks"}},
		}
	})
	client := *p.portal.client
	client.Scopes = []string{"openid", "records", "visits", "marks"}
	p.portal.client = &client
	p.clients.put(&client)
	return p
}

// restrictions returns what a token may be used for.
func restrictions(t *testing.T, token string) (claims struct {
	Audience []string `json:"aud"`
	Scope    string   `json:"scope"`
	GrantID  string   `json:"grant_id"`
}) {
	t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(decoded, &claims))
	return claims
}

func TestTokenIsForTheResourcesThatWereAskedForAndNoOthers(t *testing.T) {
	t.Parallel()
	both := []string{clinicAPI, schoolAPI}
	for name, test := range map[string]struct {
		scope              string
		requested, named   []string
		wantAudience       []string
		wantScope          string
		opensTheProvider   bool
		atRequest, atToken oauth.ErrorCode
	}{
		"no resource": {scope: "openid records", wantAudience: []string{issuer}, wantScope: "openid records", opensTheProvider: true},
		"a scope brings its resource": {
			scope: "visits", wantAudience: []string{clinicAPI}, wantScope: "visits",
		},
		"a scope of no resource keeps the provider": {
			scope: "openid visits", wantAudience: []string{clinicAPI, issuer}, wantScope: "openid visits", opensTheProvider: true,
		},
		"named in the request": {
			scope: "visits marks", requested: both, wantAudience: both, wantScope: "visits marks",
		},
		"one of two at the token endpoint": {
			scope: "visits marks", requested: both, named: []string{schoolAPI}, wantAudience: []string{schoolAPI}, wantScope: "marks",
		},
		"one that only a scope brought": {
			scope: "openid visits marks", named: []string{clinicAPI}, wantAudience: []string{clinicAPI}, wantScope: "openid visits",
		},
		"named twice":                   {scope: "visits", requested: []string{clinicAPI, clinicAPI}, wantAudience: []string{clinicAPI}, wantScope: "visits"},
		"without value":                 {scope: "visits", requested: []string{""}, wantAudience: []string{clinicAPI}, wantScope: "visits"},
		"unknown in the request":        {scope: "visits", requested: []string{"https://api.example/"}, atRequest: oauth.InvalidTarget},
		"unknown at the token endpoint": {scope: "visits", named: []string{"https://api.example/"}, atToken: oauth.InvalidTarget},
		"not granted":                   {scope: "visits", named: []string{schoolAPI}, atToken: oauth.InvalidTarget},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := withResources(t)
			answer := response(t, p.authorize(with(with(p.portal.request(), "scope", test.scope), "resource", test.requested...)))
			require.Equal(t, string(test.atRequest), answer.Get("error"))
			if test.atRequest != "" {
				return
			}
			redemption := with(p.portal.redemption(t, answer.Get("code")), "resource", test.named...)
			rec := post(p.TokenHandler(), redemption)
			if test.atToken != "" {
				require.Equal(t, http.StatusBadRequest, rec.Code)
				assert.Equal(t, string(test.atToken), decode[map[string]string](t, rec)["error"])
				return
			}
			require.Equal(t, http.StatusOK, rec.Code, rec.Body)
			tokens := decode[tokenResponse](t, rec)
			claims := restrictions(t, tokens.AccessToken)
			assert.Equal(t, test.wantAudience, claims.Audience)
			assert.Equal(t, test.wantScope, claims.Scope)
			assert.Equal(t, test.wantScope, tokens.Scope)
			assert.Equal(t, test.opensTheProvider, p.live(t, tokens.AccessToken))

			form := p.portal.authenticated(t, endpoints.Introspection, map[string][]string{"token": {tokens.AccessToken}})
			introspected := decode[struct {
				Active   bool     `json:"active"`
				Audience []string `json:"aud"`
				Scope    string   `json:"scope"`
			}](t, post(p.IntrospectionHandler(), form))
			assert.True(t, introspected.Active)
			assert.Equal(t, test.wantAudience, introspected.Audience)
			assert.Equal(t, test.wantScope, introspected.Scope)
		})
	}
}

func TestRequestObjectNamesResourcesAsTextOrAsArray(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		claim any
		want  []string
		code  oauth.ErrorCode
	}{
		"text":             {claim: clinicAPI, want: []string{clinicAPI}},
		"array":            {claim: []string{clinicAPI, schoolAPI}, want: []string{clinicAPI, schoolAPI}},
		"null":             {claim: nil},
		"unknown":          {claim: []string{"https://api.example/"}, code: oauth.InvalidTarget},
		"array of numbers": {claim: []int{1}, code: oauth.InvalidRequestObject},
		"object":           {claim: map[string]string{"a": "b"}, code: oauth.InvalidRequestObject},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := withResources(t)
			client := *p.portal.client
			client.RequestObjectAlgorithm = jose.ES256
			p.clients.put(&client)
			claims := map[string]any{"iss": "portal", "aud": issuer, "resource": test.claim}
			for name, values := range with(p.portal.request(), "scope", "visits marks") {
				claims[name] = values[0]
			}
			object := sign(t, jose.ES256, jose.JSONWebKey{Key: p.portal.key, KeyID: "portal-1"}, "oauth-authz-req+jwt", claims)
			answer := response(t, p.authorize(url.Values{"client_id": {"portal"}, "request": {object}}))
			require.Equal(t, string(test.code), answer.Get("error"))
			if test.code == "" {
				assert.Equal(t, test.want, p.login.begun.Resources)
			}
		})
	}
}

func TestCodeForUnknownResourceIsNotSpentByTheMistake(t *testing.T) {
	t.Parallel()
	p := withResources(t)
	code := response(t, p.authorize(with(p.portal.request(), "scope", "visits"))).Get("code")
	rec := post(p.TokenHandler(), with(p.portal.redemption(t, code), "resource", schoolAPI))
	require.Equal(t, http.StatusBadRequest, rec.Code)
	p.redeem(t, p.portal, code)
}

func TestResourcesAreCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, resources := range map[string][]oauth.Resource{
		"relative":              {{Identifier: "/api"}},
		"fragment":              {{Identifier: clinicAPI + "#x"}},
		"twice":                 {{Identifier: clinicAPI}, {Identifier: clinicAPI}},
		"scope of two":          {{Identifier: clinicAPI, Scopes: []string{"a"}}, {Identifier: schoolAPI, Scopes: []string{"a"}}},
		"scope that is no word": {{Identifier: clinicAPI, Scopes: []string{"a b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := p.config
			config.Resources = resources
			_, err := oauth.New(config)
			require.ErrorContains(t, err, "Config.Resources")
		})
	}
}
