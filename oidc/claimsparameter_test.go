package oidc_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func TestClaimsParameter(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, tc := range map[string]struct {
		claims string
		want   oidc.ClaimsParameter
	}{
		"the example of the specification": {
			claims: `{"userinfo": {"given_name": {"essential": true}, "nickname": null},
				"id_token": {"auth_time": {"essential": true}, "gender": {"values": ["x", 1, {"a": null}]}}}`,
			want: oidc.ClaimsParameter{
				Userinfo: map[string]oidc.ClaimRequest{"given_name": {Essential: true}, "nickname": {}},
				IDToken: map[string]oidc.ClaimRequest{
					"auth_time": {Essential: true},
					"gender":    {Values: []json.RawMessage{[]byte(`"x"`), []byte("1"), []byte(`{"a": null}`)}},
				},
			},
		},
		"a value is values of one": {
			claims: `{"userinfo":{"gender":{"value":"x"}}}`,
			want: oidc.ClaimsParameter{Userinfo: map[string]oidc.ClaimRequest{
				"gender": {Values: []json.RawMessage{[]byte(`"x"`)}},
			}},
		},
		"unknown members": {
			claims: `{"attic": 7, "userinfo": {"name": {"reason": "to greet you", "essential": false}}}`,
			want:   oidc.ClaimsParameter{Userinfo: map[string]oidc.ClaimRequest{"name": {}}},
		},
		"names of another case are other names": {
			claims: `{"UserInfo": 1, "userinfo": {"name": {"Essential": 1}}}`,
			want:   oidc.ClaimsParameter{Userinfo: map[string]oidc.ClaimRequest{"name": {}}},
		},
		"why a claim is asked for": {
			claims: `{"userinfo":{"name":{"purpose":"to greet you"}}}`,
			want:   oidc.ClaimsParameter{Userinfo: map[string]oidc.ClaimRequest{"name": {Purpose: "to greet you"}}},
		},
		"null for all": {claims: `{"userinfo": null, "id_token": null}`},
		"nothing":      {claims: `{}`},
		"verified claims are passed over by a provider that has none": {claims: `{"userinfo": {"verified_claims": [{}, {}]}}`},
		"a language without its language":                             {claims: `{"userinfo": {"name#": null}}`, want: oidc.ClaimsParameter{Userinfo: map[string]oidc.ClaimRequest{"name": {}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := f.parse(t.Context(), "health", "openid", "claims", tc.claims)
			require.NoError(t, err)
			assert.Equal(t, tc.want, r.Claims)
		})
	}
}

func TestClaimsParameterReadsLanguagesOfNames(t *testing.T) {
	t.Parallel()
	r, err := newFixture(t).parse(t.Context(), "health", "openid", "claims_locales", "en",
		"claims", `{"userinfo": {"name": {"value": "x"}, "name#km": {"essential": true, "value": "y"}, "name#en": null}}`)
	require.NoError(t, err)
	assert.Equal(t, []string{"en", "km"}, r.ClaimsLocales)
	assert.Equal(t, map[string]oidc.ClaimRequest{
		"name": {Essential: true, Values: []json.RawMessage{[]byte(`"x"`)}},
	}, r.Claims.Userinfo)
}

func TestClaimsParameterRefuses(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf(`"c%d":null`, i))
		}
		return strings.Join(names, ",")
	}
	f := newFixture(t)
	for name, claims := range map[string]string{
		"no JSON":                           `userinfo`,
		"half of an object":                 `{"userinfo":{`,
		"two objects":                       `{}{}`,
		"an array":                          `[]`,
		"null":                              `null`,
		"a string":                          `"userinfo"`,
		"what is not UTF-8":                 "{\"\xff\":1}",
		"userinfo as an array":              `{"userinfo":[]}`,
		"userinfo as a string":              `{"userinfo":"name"}`,
		"id_token as a boolean":             `{"id_token":true}`,
		"a claim as a boolean":              `{"userinfo":{"name":true}}`,
		"a claim as a string":               `{"userinfo":{"name":"essential"}}`,
		"a claim as an array":               `{"userinfo":{"name":[]}}`,
		"essential as a string":             `{"userinfo":{"name":{"essential":"true"}}}`,
		"essential as a number":             `{"userinfo":{"name":{"essential":1}}}`,
		"essential as null":                 `{"userinfo":{"name":{"essential":null}}}`,
		"values as a string":                `{"userinfo":{"name":{"values":"x"}}}`,
		"values as null":                    `{"userinfo":{"name":{"values":null}}}`,
		"no values":                         `{"userinfo":{"name":{"values":[]}}}`,
		"too many values":                   `{"userinfo":{"name":{"values":[` + strings.Repeat("1,", 100) + `1]}}}`,
		"both value and values":             `{"userinfo":{"name":{"value":"x","values":["x"]}}}`,
		"a claim twice":                     `{"userinfo":{"name":null,"name":{"essential":true}}}`,
		"a claim twice, written otherwise":  `{"userinfo":{"name":null,"n\u0061me":{"essential":true}}}`,
		"userinfo twice":                    `{"userinfo":{},"userinfo":{}}`,
		"a name twice, deep in a value":     `{"userinfo":{"name":{"value":[{"a":1,"a":2}]}}}`,
		"too many claims":                   `{"userinfo":{` + many(101) + `}}`,
		"too many claims in both together":  `{"userinfo":{` + many(51) + `},"id_token":{` + many(50) + `}}`,
		"what is nested too deeply":         `{"userinfo":{"name":{"value":` + strings.Repeat("[", 14) + strings.Repeat("]", 14) + `}}}`,
		"what is nested very deeply":        `{"userinfo":{"name":{"value":` + strings.Repeat("[", 8000),
		"what is too long":                  `{"a":"` + strings.Repeat("a", 16<<10) + `"}`,
		"a number that JSON does not have":  `{"userinfo":{"name":{"value":0x1}}}`,
		"a comment":                         `{} // nothing`,
		"a comma at the end":                `{"userinfo":{"name":null,}}`,
		"a null byte":                       "{}\x00",
		"a value that is not closed":        `{"userinfo":{"name":{"value":"x}}}`,
		"an object with an array's bracket": `{"userinfo":{"name":null]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.parse(t.Context(), "health", "openid", "claims", claims)
			requireCode(t, oauth.InvalidRequest, err)
		})
	}
}

func TestClaimsParameterOfTheGreatestSizeIsAccepted(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf(`"claim%d":{"value":[[[[["x"]]]]]}`, i))
	}
	r, err := newFixture(t).parse(t.Context(), "health", "openid",
		"claims", `{"userinfo":{`+strings.Join(names, ",")+`}}`)
	require.NoError(t, err)
	assert.Len(t, r.Claims.Userinfo, 100)
}
