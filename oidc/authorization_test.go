package oidc_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oidc"
)

func TestAuthorizeKeepsWhatWasAskedAndConsented(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	scope := []string{"openid", "email"}
	r, err := f.parse(t.Context(), "health", "openid email", "nonce", "n", "claims_locales", "km",
		"claims", `{"userinfo":{"gender":{"value":"x"}},"id_token":{"name":null,"acr":null}}`)
	require.NoError(t, err)
	person := &authenticator.Identity{Subject: "person-1", State: []byte("state")}

	a, err := f.Authorize(f.clients["health"], r, scope, person,
		[]string{"name", "email", "gender", "address", "acr", "sub", "email"})
	require.NoError(t, err)
	want := &oidc.Authorization{
		Nonce:    "n",
		Identity: *person,
		Userinfo: []oidc.ConsentedClaim{
			{Name: "email"}, {Name: "email_verified"}, {Name: "gender", Values: []json.RawMessage{[]byte(`"x"`)}},
		},
		IDToken:       []oidc.ConsentedClaim{{Name: "name"}},
		ClaimsLocales: []string{"km"},
	}
	assert.Equal(t, want, a, "address was consented and not asked, and email_verified goes with email")

	data, err := json.Marshal(a)
	require.NoError(t, err)
	var b oidc.Authorization
	require.NoError(t, json.Unmarshal(data, &b))
	assert.Equal(t, want, &b, "it survives its storage")
}

func TestAuthorizeOfNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, scope := range map[string]string{"a refusal of all claims": "openid email", "plain OAuth": "email"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := f.parse(t.Context(), "health", scope)
			require.NoError(t, err)
			consented := []string{"email"}
			if r.OpenID {
				consented = nil
			}
			a, err := f.Authorize(f.clients["health"], r, strings.Fields(scope),
				&authenticator.Identity{Subject: "person-1"}, consented)
			require.NoError(t, err)
			assert.Empty(t, a.Userinfo)
			assert.Empty(t, a.IDToken)
		})
	}
}

func TestAuthorizeRefusesAnIdentityThatBreaksItsContract(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r, err := f.parse(t.Context(), "health", "openid")
	require.NoError(t, err)
	for name, person := range map[string]authenticator.Identity{
		"no subject":        {},
		"a long subject":    {Subject: strings.Repeat("p", 257)},
		"too great a state": {Subject: "person-1", State: bytes.Repeat([]byte("s"), 8<<10+1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.Authorize(f.clients["health"], r, []string{"openid"}, &person, nil)
			assert.Error(t, err)
		})
	}
}
