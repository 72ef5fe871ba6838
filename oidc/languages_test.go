package oidc_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oidc"
)

func TestClaimsComeInTheLanguagesThatWereAskedFor(t *testing.T) {
	t.Parallel()
	all := map[string]string{"name": `"Sok"`, "name#en": `"Dara Sok"`, "name#km": `"សុខ"`, "name#fr-CA": `"Sok du Québec"`}
	tagged := map[string]string{"name#en": `"Dara Sok"`, "name#km": `"សុខ"`, "name#a b": `"x"`, "names#fr": `"x"`, "name#": `"x"`}
	for name, tc := range map[string]struct {
		released map[string]string
		locales  string
		claims   string
		want     string
	}{
		"a system without languages": {
			released: map[string]string{"name": `"Sok"`}, locales: "km en", want: `{"name":"Sok"}`,
		},
		"nothing was asked for": {released: all, want: `{"name":"Sok"}`},
		"one language":          {released: all, locales: "km", want: `{"name":"សុខ","name#km":"សុខ"}`},
		"several, the best one without a tag too": {
			released: all, locales: "km en", want: `{"name":"សុខ","name#km":"សុខ","name#en":"Dara Sok"}`,
		},
		"the best one is not there": {
			released: all, locales: "th en", want: `{"name":"Sok","name#en":"Dara Sok"}`,
		},
		"none is there":               {released: all, locales: "th", want: `{"name":"Sok"}`},
		"in other letters":            {released: all, locales: "KM", want: `{"name":"សុខ","name#km":"សុខ"}`},
		"more precise than there is":  {released: all, locales: "en-Latn-x-a", want: `{"name":"Dara Sok","name#en":"Dara Sok"}`},
		"less precise than there is":  {released: all, locales: "fr", want: `{"name":"Sok du Québec","name#fr-CA":"Sok du Québec"}`},
		"another region":              {released: all, locales: "fr-FR", want: `{"name":"Sok"}`},
		"one language twice":          {released: all, locales: "en en-GB", want: `{"name":"Dara Sok","name#en":"Dara Sok"}`},
		"in the name of the claim":    {released: all, claims: `{"userinfo":{"name#en":null}}`, want: `{"name":"Dara Sok","name#en":"Dara Sok"}`},
		"only with tags, one of them": {released: tagged, locales: "th en", want: `{"name":"Dara Sok","name#en":"Dara Sok"}`},
		"only with tags, no language": {released: tagged, want: `{"name":"សុខ"}`},
		"only with tags, none there":  {released: tagged, locales: "th", want: `{"name":"សុខ"}`},
		"only values that were asked for": {
			released: all, locales: "km en", claims: `{"userinfo":{"name":{"value":"Dara Sok"}}}`, want: `{"name#en":"Dara Sok"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *oidc.Config) { c.ClaimsLocales = []string{"lo", "km"} })
			f.people.values = tc.released
			claims := tc.claims
			if claims == "" {
				claims = `{"userinfo":{"name":null}}`
			}
			x := f.extended(t, "health", "openid", "claims_locales", tc.locales, "claims", claims)
			assert.Equal(t, tc.want, string(x.Data))
		})
	}
}

func TestVerifiedClaimsComeInTheLanguagesThatWereAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	f.people.verified = []authenticator.VerifiedClaims{{
		Verification: []byte(`{"trust_framework":"gold"}`),
		Values:       map[string]json.RawMessage{"name": []byte(`"Sok"`), "name#en": []byte(`"Dara"`), "name#km": []byte(`"សុខ"`)},
	}}
	x := f.extended(t, "health", "openid", "claims", requestFor(`{"trust_framework":null}`, `{"name#en":null}`))
	assert.JSONEq(t, `{"verified_claims":{"verification":{"trust_framework":"gold"},"claims":{"name":"Dara","name#en":"Dara"}}}`,
		string(x.Data))
}
