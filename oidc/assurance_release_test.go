package oidc_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
)

func TestVerifiedClaimsAreReleased(t *testing.T) {
	t.Parallel()
	const nothing = `{}`
	with := func(verification string) string {
		return `{"verified_claims":{"verification":` + verification + `,"claims":{"given_name":"Dara"}}}`
	}
	for name, tc := range map[string]struct{ verification, want string }{
		"the trust framework alone": {`{"trust_framework":null}`, with(`{"trust_framework":"gold"}`)},
		"a trust framework":         {`{"trust_framework":{"value":"gold"}}`, with(`{"trust_framework":"gold"}`)},
		"another trust framework":   {`{"trust_framework":{"value":"silver"}}`, nothing},
		"one of trust frameworks":   {`{"trust_framework":{"values":["silver","gold"]}}`, with(`{"trust_framework":"gold"}`)},
		"none of trust frameworks":  {`{"trust_framework":{"values":["silver","bronze"]}}`, nothing},
		"the time, in UTC":          {`{"trust_framework":null,"time":{"essential":true}}`, with(`{"trust_framework":"gold","time":"2026-02-28T03:00:00Z"}`)},
		"a time that is new enough": {`{"trust_framework":null,"time":{"max_age":118800}}`, with(`{"trust_framework":"gold","time":"2026-02-28T03:00:00Z"}`)},
		"a time that is too old":    {`{"trust_framework":null,"time":{"max_age":118799}}`, nothing},
		"an age without end":        {`{"trust_framework":null,"time":{"max_age":99999999999999999999}}`, with(`{"trust_framework":"gold","time":"2026-02-28T03:00:00Z"}`)},
		"an age of what is no time": {`{"trust_framework":{"max_age":1}}`, nothing},
		"an assurance level":        {`{"trust_framework":null,"assurance_level":{"value":"high"}}`, with(`{"trust_framework":"gold","assurance_level":"high"}`)},
		"another assurance level":   {`{"trust_framework":null,"assurance_level":{"value":"low"}}`, nothing},
		"a constraint on what is not there": {
			`{"trust_framework":null,"other":{"value":"x"}}`, nothing,
		},
		"what is not there": {`{"trust_framework":null,"other":null,"deeper":{"other":{"essential":true}}}`, with(`{"trust_framework":"gold"}`)},
		"a constraint that nobody knows": {
			`{"trust_framework":{"pattern":"^g"}}`, nothing,
		},
		"a constraint that nobody knows, in a member": {
			`{"trust_framework":null,"assurance_level":{"at_least":{"value":"low"}}}`, nothing,
		},
		"an assurance process": {
			`{"trust_framework":null,"assurance_process":{"policy":{"value":"gpg45"}}}`,
			with(`{"trust_framework":"gold","assurance_process":{"policy":"gpg45"}}`),
		},
		"the details of an assurance process": {
			`{"trust_framework":null,"assurance_process":{"assurance_details":null}}`,
			with(`{"trust_framework":"gold","assurance_process":{"assurance_details":[{"assurance_type":"evidence_validation","evidence_ref":[{"check_id":"c1"}]}]}}`),
		},
		"another assurance process": {
			`{"trust_framework":null,"assurance_process":{"policy":{"value":"gpg44"}}}`, nothing,
		},
		"evidence of a type": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"vouch"}}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"vouch"}]}`),
		},
		"evidence of either type": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"vouch"},"attestation":{"type":null}},{"type":{"value":"electronic_signature"},"issuer":null}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"vouch","attestation":{"type":"written_attestation"}},{"type":"electronic_signature","issuer":"CA"}]}`),
		},
		"evidence of a type that is not there": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"utility_bill"}}]}`, nothing,
		},
		"a document of a type, with its number": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"document_details":{"type":{"values":["idcard","passport"]},"document_number":null,"issuer":{"country":null}}}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"document","document_details":{"type":"passport","document_number":"P1234567","issuer":{"country":"KH"}}}]}`),
		},
		"a document of another type": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"document_details":{"type":{"value":"idcard"}}}]}`, nothing,
		},
		"a document that has not expired": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"document_details":{"date_of_expiry":{"max_age":0}}}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"document","document_details":{"date_of_expiry":"2030-01-01"}}]}`),
		},
		"a document that is too old, counted from the last second of its day": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"document_details":{"date_of_issuance":{"max_age":194443200}}}]}`, nothing,
		},
		"a document that is just new enough": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"document_details":{"date_of_issuance":{"max_age":194443201}}}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"document","document_details":{"date_of_issuance":"2020-01-01"}}]}`),
		},
		"a check by a method": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"check_details":[{"check_method":{"value":"vri"},"organization":null}]}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"document","check_details":[{"check_method":"vri","organization":"Ministry"}]}]}`),
		},
		"all checks": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"check_details":[{"check_method":null}]}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"document","check_details":[{"check_method":"pipp"},{"check_method":"vri"}]}]}`),
		},
		"checks by either method": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"check_details":[{"check_method":{"value":"uripp"}},{"check_method":{"value":"pipp"}}]}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"document","check_details":[{"check_method":"pipp"}]}]}`),
		},
		"a check without its method is no valid answer": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"check_details":[{"organization":null}]}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"document"}]}`),
		},
		"a check by another method": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"check_details":[{"check_method":{"value":"uripp"}}]}]}`, nothing,
		},
		"checks that there are none of": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"vouch"},"check_details":[{"check_method":null}]}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"vouch"}]}`),
		},
		"claims from a document: those that are shared": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"derived_claims":{"given_name":null,"birthdate":null}}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"document","derived_claims":{"given_name":"Dara"}}]}`),
		},
		"attachments": {
			`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"attachments":null}]}`,
			with(`{"trust_framework":"gold","evidence":[{"type":"document","attachments":[{"content":"x"}]}]}`),
		},
		"what a trust framework adds": {
			`{"trust_framework":null,"custom":{"room":{"value":7},"tags":null,"deep":null}}`,
			with(`{"trust_framework":"gold","custom":{"room":7,"tags":["a","b"]}}`),
		},
		"a value of another type": {`{"trust_framework":null,"custom":{"room":{"value":"7"}}}`, nothing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, assured)
			verifiedPeople(f)
			claims := requestFor(tc.verification, `{"given_name":null,"phone_number":null}`)
			x := f.extended(t, "health", "openid", "claims", claims)
			assert.JSONEq(t, tc.want, string(x.Data))
			requireValidAnswer(t, x.Data)
		})
	}
}

func TestVerifiedClaimsAreReleasedForEachElementAndVerification(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	f.people.verified = []authenticator.VerifiedClaims{
		{Verification: []byte(`{"trust_framework":"gold"}`), Values: map[string]json.RawMessage{"name": []byte(`"Sok Dara"`)}},
		{Verification: []byte(`{"trust_framework":"silver"}`), Values: map[string]json.RawMessage{"name": []byte(`"Dara"`), "name#km": []byte(`"តារា"`)}},
		{Verification: []byte(`{"trust_framework":"lead"}`), Values: map[string]json.RawMessage{"name": []byte(`"D"`)}},
	}
	x := f.extended(t, "health", "openid", "claims_locales", "km", "claims", `{
		"userinfo": {"verified_claims": [
			{"verification": {"trust_framework": null}, "claims": {"name": null}},
			{"verification": {"trust_framework": {"value": "gold"}}, "claims": {"name": null}},
			{"verification": {"trust_framework": {"value": "lead"}}, "claims": {"name": null}}]},
		"id_token": {"verified_claims": {"verification": {"trust_framework": {"value": "gold"}}, "claims": {"name": {"value": "Sok Dara"}}}}}`)
	assert.JSONEq(t, `{"verified_claims": [
		{"verification": {"trust_framework": "gold"}, "claims": {"name": "Sok Dara"}},
		{"verification": {"trust_framework": "silver"}, "claims": {"name": "តារា", "name#km": "តារា"}}]}`, string(x.Data),
		"an element that says the same as another is one, and the provider does not announce lead")
	_, claims := open(t, x.Response["id_token"])
	assert.Equal(t, map[string]any{
		"verification": map[string]any{"trust_framework": "gold"}, "claims": map[string]any{"name": "Sok Dara"},
	}, claims["verified_claims"])
	require.Len(t, f.people.asked, 1)
	assert.Equal(t, []string{"name"}, f.people.asked[0].Names)
	assert.Equal(t, []string{"name"}, f.people.asked[0].Verified)
}

func TestVerifiedClaimsWithoutClaimsAreNotReleased(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ claims, released, want string }{
		"another value than was asked for": {`{"name":{"value":"Other"}}`, `"Sok Dara"`, ``},
		"a value among others":             {`{"name":{"values":["Other","Sok Dara"]}}`, `"Sok Dara"`, `{"name":"Sok Dara"}`},
		"an empty value":                   {`{"name":null}`, `""`, ``},
		"a name that is no text":           {`{"name":null}`, `7`, ``},
		"an unknown claim":                 {`{"shoe/size%&,":{"essential":true},"name":null}`, `"Sok Dara"`, `{"name":"Sok Dara"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, assured)
			f.people.verified = []authenticator.VerifiedClaims{{
				Verification: []byte(`{"trust_framework":"gold"}`),
				Values:       map[string]json.RawMessage{"name": []byte(tc.released)},
			}}
			x := f.extended(t, "health", "openid", "claims", requestFor(`{"trust_framework":null}`, tc.claims))
			if tc.want == "" {
				assert.Equal(t, `{}`, string(x.Data))
				return
			}
			assert.JSONEq(t, `{"verified_claims":{"verification":{"trust_framework":"gold"},"claims":`+tc.want+`}}`, string(x.Data))
		})
	}
}

func TestClaimsThatThePersonKeepsAreInNoVerification(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	verifiedPeople(f)
	r, err := f.parse(t.Context(), "health", "openid", "claims", requestFor(
		`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"derived_claims":{"given_name":null,"birthdate":null}}]}`,
		`{"given_name":null,"birthdate":{"essential":true},"email":null,"email_verified":null}`))
	require.NoError(t, err)
	c, scope := f.clients["health"], []string{"openid"}
	x := f.exchangeFor(t, c, r, scope, []string{"given_name", "email"})
	require.NoError(t, f.Extend(t.Context(), x))
	assert.JSONEq(t, `{"verified_claims":{
		"verification":{"trust_framework":"gold","evidence":[{"type":"document","derived_claims":{"given_name":"Dara"}}]},
		"claims":{"given_name":"Dara","email":"dara@example.org","email_verified":true}}}`, string(x.Data))

	x = f.exchangeFor(t, c, r, scope, nil)
	require.NoError(t, f.Extend(t.Context(), x))
	assert.Equal(t, `{}`, string(x.Data))
}

func TestClaimsAskedForAsVerifiedAreNotReleasedPlain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	x := f.extended(t, "health", "openid", "claims", requestFor(`{"trust_framework":null}`, `{"name":null}`))
	assert.Equal(t, `{}`, string(x.Data), "the identity system has the name, and no verification of it")
}

func TestVerificationsThatAreMalformedAreNotReleased(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]string{
		"no JSON": `{"trust_framework":`, "no object": `"gold"`, "no trust framework": `{}`, "a number": `{"trust_framework":7}`,
		"a member twice": `{"trust_framework":"gold","trust_framework":"silver"}`, "nothing": ``,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, assured)
			f.people.verified = []authenticator.VerifiedClaims{{Verification: json.RawMessage(said)}}
			x := f.exchange(t, "health", "openid", "claims", requestFor(`{"trust_framework":null}`, `{"name":null}`))
			requireCode(t, oauth.ServerError, oauth.AsError(f.Extend(t.Context(), x)))
		})
	}
}

func TestPartsOfAVerificationThatTheSchemaRefusesDoNotCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	f.people.verified = []authenticator.VerifiedClaims{{
		Verification: []byte(`{"trust_framework":"gold","time":"yesterday","assurance_level":3,
			"evidence":[{"type":"id_document"},{"no":"type"},7],"assurance_process":"x"}`),
		Values: map[string]json.RawMessage{"name": []byte(`"N"`)},
	}}
	for verification, want := range map[string]string{
		`{"trust_framework":null,"time":null,"assurance_level":null,"assurance_process":{"policy":null}}`: `{"verified_claims":{"verification":{"trust_framework":"gold"},"claims":{"name":"N"}}}`,
		`{"trust_framework":null,"assurance_level":{"value":3}}`:                                          `{}`,
		`{"trust_framework":null,"evidence":[{"type":{"value":"id_document"}}]}`:                          `{}`,
	} {
		x := f.extended(t, "health", "openid", "claims", requestFor(verification, `{"name":null}`))
		assert.JSONEq(t, want, string(x.Data), verification)
	}
}
