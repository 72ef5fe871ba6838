package oidc_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func TestAsked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		scope  string
		claims string
		client oauth.Client
		want   oidc.ClaimSet
	}{
		"openid alone asks for nothing": {scope: "openid"},
		"scopes ask for voluntary claims in the order of the specification": {
			scope: "address openid phone email",
			want: oidc.ClaimSet{
				Voluntary: []string{"email", "phone_number", "address"},
				Userinfo:  []string{"email", "email_verified", "phone_number", "phone_number_verified", "address"},
			},
		},
		"the claims parameter makes a claim of a scope essential": {
			scope:  "openid email",
			claims: `{"userinfo":{"email":{"essential":true}}}`,
			want: oidc.ClaimSet{
				Essential: []string{"email"},
				Userinfo:  []string{"email", "email_verified"},
			},
		},
		"whether a claim is verified is asked for alone only without that claim": {
			scope:  "openid",
			claims: `{"userinfo":{"email_verified":null,"phone_number":null},"id_token":{"phone_number_verified":null}}`,
			want: oidc.ClaimSet{
				Voluntary: []string{"email_verified", "phone_number"},
				Userinfo:  []string{"email_verified", "phone_number"}, IDToken: []string{"phone_number_verified"},
			},
		},
		"a claim for both places is asked once, and essential if it is for one": {
			scope:  "openid",
			claims: `{"userinfo":{"name":null,"birthdate":null},"id_token":{"name":{"essential":true},"gender":null}}`,
			want: oidc.ClaimSet{
				Essential: []string{"name"}, Voluntary: []string{"gender", "birthdate"},
				Userinfo: []string{"name", "birthdate"}, IDToken: []string{"name", "gender"},
			},
		},
		"claims of the protocol are never asked": {
			scope: "openid",
			claims: `{"userinfo":{"sub":null,"iss":null,"name":null},
				"id_token":{"acr":{"essential":true},"auth_time":{"essential":true},"amr":null,"nonce":null,"at_hash":null}}`,
			want: oidc.ClaimSet{Voluntary: []string{"name"}, Userinfo: []string{"name"}},
		},
		"unknown claims are dropped": {
			scope:  "openid unknown",
			claims: `{"userinfo":{"shoe_size":{"essential":true},"":null,"Name":null}}`,
			want:   oidc.ClaimSet{Scopes: []string{"unknown"}},
		},
		"scopes that do not ask for claims are asked for themselves": {
			scope: "records openid email appointments",
			want: oidc.ClaimSet{
				Voluntary: []string{"email"},
				Userinfo:  []string{"email", "email_verified"},
				Scopes:    []string{"records", "appointments"},
			},
		},
		"claims that the client is not registered for are dropped": {
			scope:  "openid email",
			claims: `{"id_token":{"name":{"essential":true}}}`,
			client: oauth.Client{Claims: []string{"email", "acr", "sub"}},
			want:   oidc.ClaimSet{Voluntary: []string{"email"}, Userinfo: []string{"email"}},
		},
		"a client that is registered for no claims asks for none": {
			scope: "openid profile", client: oauth.Client{Claims: []string{}},
		},
		"a claim with a language is asked for once": {
			scope:  "openid",
			claims: `{"userinfo":{"name#km":{"essential":true},"name":null,"name#en":null}}`,
			want:   oidc.ClaimSet{Essential: []string{"name"}, Userinfo: []string{"name"}},
		},
		"without openid no claims are asked for, and scopes are only scopes": {
			scope:  "profile email",
			claims: `{"userinfo":{"name":null}}`,
			want:   oidc.ClaimSet{Scopes: []string{"profile", "email"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			req := request("", tc.scope, "claims", tc.claims)
			r, err := f.ParseRequest(t.Context(), &tc.client, req)
			require.NoError(t, err)
			assert.Equal(t, tc.want, f.Asked(&tc.client, r, req.Scope))
		})
	}
}

func TestAskedForFewerScopesAsksForFewerClaims(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r, err := f.parse(t.Context(), "health", "openid email", "claims", `{"id_token":{"name":null}}`)
	require.NoError(t, err)
	c := f.clients["health"]
	assert.Equal(t, []string{"name"}, f.Asked(c, r, []string{"openid"}).Voluntary)
	assert.Equal(t, oidc.ClaimSet{Scopes: []string{"email"}}, f.Asked(c, r, []string{"email"}))
}

func TestAskedKnowsTheDeploymentsOwnClaims(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) {
		c.Scopes = map[string][]string{"farm": {"village", "hectares", "crops", "name"}}
		c.ClaimsSupported = []string{"village", "crops", "name", "https://farm.example/rice"}
	})
	r, err := f.parse(t.Context(), "health", "openid farm email",
		"claims", `{"userinfo":{"https://farm.example/rice":null}}`)
	require.NoError(t, err)
	set := f.Asked(f.clients["health"], r, []string{"openid", "farm", "email"})
	assert.Equal(t, []string{"name", "crops", "https://farm.example/rice", "village"}, set.Voluntary,
		"standard claims first, the others in alphabetical order, and only the supported ones")
}

func TestACRs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		asked      string
		registered []string
		want       []string
	}{
		"all in the provider's order":                   {want: []string{"loa:2", "loa:1"}},
		"those of the client in its order":              {registered: []string{"loa:1", "loa:2"}, want: []string{"loa:1", "loa:2"}},
		"those of the request in its order":             {asked: "loa:1 loa:2", want: []string{"loa:1", "loa:2"}},
		"only those that the client may ask for":        {asked: "loa:2 loa:1", registered: []string{"loa:1"}, want: []string{"loa:1"}},
		"any of the client when none can be had":        {asked: "loa:9", registered: []string{"loa:1"}, want: []string{"loa:1"}},
		"each once":                                     {asked: "loa:1 loa:1", want: []string{"loa:1"}},
		"none that the provider does not know":          {registered: []string{"loa:9", "loa:2"}, want: []string{"loa:2"}},
		"none if the client may ask for none":           {registered: []string{}},
		"none if the provider knows none of the client": {registered: []string{"loa:9"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c := &oauth.Client{ACRValues: tc.registered}
			r, err := f.ParseRequest(t.Context(), c, request("", "openid", "acr_values", tc.asked))
			require.NoError(t, err)
			got, err := f.ACRs(c, r)
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestStandardScopesCannotBeChangedForOthers(t *testing.T) {
	t.Parallel()
	delete(oidc.StandardScopes(), "email")
	assert.Contains(t, oidc.StandardScopes(), "email")
}
