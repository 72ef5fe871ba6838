package oidc_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestIdentityAssuranceConformance answers the requests of the modules of the OpenID Foundation's suite (ekyc-server-…) as
// they want it, with one exception that cannot be had: one-claim-with-random-value-omitted stops unless userinfo says
// verified_claims with a verification and no claims. The specification has verified_claims left out when the claims in
// it would be empty, and so it is here: who gets none of the claims is not told how they were verified.
func TestIdentityAssuranceConformance(t *testing.T) {
	t.Parallel()
	request := func(claims string) string {
		return `{"name":null,"verified_claims":{"verification":{"trust_framework":null},"claims":` + claims + `}}`
	}
	both := func(target string) string { return fmt.Sprintf(`{"userinfo":%s,"id_token":%s}`, target, target) }
	const (
		given   = `{"verification":{"trust_framework":"gold"},"claims":{"given_name":"Dara"}}`
		nothing = ``
	)
	const sample = `{"verification":{"trust_framework":"gold","time":"2026-02-28T03:00:00Z","evidence":[{"type":"document",
		"check_details":[{"check_method":"vri","organization":"Ministry"}],
		"document_details":{"type":"passport","issuer":{"name":"Ministry","country":"KH"}}}]},
		"claims":{"given_name":"Dara","birthdate":"1990-05-17"}}`
	for module, tc := range map[string]struct{ request, userinfo, idToken string }{
		"happypath":                             {both(request(`{"given_name":null}`)), given, given},
		"happypath-emptyobject":                 {both(request(`{"given_name":{}}`)), given, given},
		"happypath-essentialfalse":              {both(request(`{"given_name":{"essential":false}}`)), given, given},
		"unknown-claim-omitted":                 {both(request(`{"given_name":null,"shoe_size":null}`)), given, given},
		"unknown-essential-claim-omitted":       {both(request(`{"given_name":null,"shoe_size":{"essential":true}}`)), given, given},
		"unknown-claim-specialchars-omitted":    {both(request(`{"given_name":null,"a/b%c&d,e":null}`)), given, given},
		"one-claim-with-random-value-omitted":   {both(request(`{"given_name":{"value":"0f8c1d2e-6f0a-4a55-9a3b-6f0a4a559a3b"}}`)), nothing, nothing},
		"request-only-in-idtoken":               {`{"id_token":` + request(`{"given_name":null}`) + `}`, nothing, given},
		"request-only-in-userinfo":              {`{"userinfo":` + request(`{"given_name":null}`) + `}`, given, nothing},
		"testuserprovidedrequest: a value":      {both(request(`{"given_name":{"values":["Dara","Sok"]}}`)), given, given},
		"testuserprovidedrequest: an assurance": {`{"userinfo":{"verified_claims":{"verification":{"trust_framework":{"value":"gold"},"assurance_level":{"values":["high"]}},"claims":{"given_name":null}}}}`, `{"verification":{"trust_framework":"gold","assurance_level":"high"},"claims":{"given_name":"Dara"}}`, nothing},
		"testbasedonuserinfo-defaults": {`{"userinfo":{"verified_claims":{"verification":{"trust_framework":{"value":"gold"},
			"time":null,"evidence":[{"type":{"value":"document"},
			"check_details":[{"check_method":{"value":"vri"},"organization":null}],
			"document_details":{"type":{"value":"passport"},"issuer":{"name":null,"country":{"value":"KH"}}}}]},
			"claims":{"given_name":{"value":"Dara"},"birthdate":null}}}}`, sample, nothing},
		"test-userinfo-notfoundinop: a framework": {`{"userinfo":{"verified_claims":{"verification":{"trust_framework":{"value":"lead"}},"claims":{"given_name":null}}}}`, nothing, nothing},
		"test-userinfo-notfoundinop: evidence":    {`{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"evidence":[{"type":{"value":"utility_bill"}}]},"claims":{"given_name":null}}}}`, nothing, nothing},
		"test-userinfo-notfoundinop: a claim":     {`{"userinfo":` + request(`{"shoe_size":{"essential":true}}`) + `}`, nothing, nothing},
	} {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			for _, fetched := range []string{"once", "at userinfo"} {
				f := newFixture(t, assured)
				if fetched == "at userinfo" {
					f = newFixture(t, assured, atUserinfo)
				}
				f.clients["health"].UserinfoJSON = true
				verifiedPeople(f)
				x := f.extended(t, "health", "openid", "claims", tc.request)
				_, token := open(t, x.Response["id_token"])
				requireVerified(t, tc.idToken, token)
				requireVerified(t, tc.userinfo, f.userinfo(t, x))
			}
		})
	}
}

func requireVerified(t *testing.T, want string, answer map[string]any) {
	t.Helper()
	if want == "" {
		assert.NotContains(t, answer, "verified_claims")
		return
	}
	said, err := json.Marshal(answer["verified_claims"])
	require.NoError(t, err)
	assert.JSONEq(t, want, string(said))
	whole, err := json.Marshal(answer)
	require.NoError(t, err)
	requireValidAnswer(t, whole)
}
