package oidc_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// assured gives a provider verified claims.
func assured(c *oidc.Config) {
	c.Assurance = oidc.Assurance{
		TrustFrameworks: []string{"gold", "silver"},
		Claims:          []string{"name", "given_name", "email", "email_verified", "birthdate", "address", "phone_number"},
		Evidence:        []string{"document"},
		Documents:       []string{"passport"},
	}
}

// verification is what the identity system says in most tests. The time now is the first of March 2026, at noon.
const verification = `{
	"trust_framework": "gold", "assurance_level": "high", "time": "2026-02-28T10:00+07:00",
	"verification_process": "f24c6f", "assurance_process": {"policy": "gpg45", "procedure": "h1b",
		"assurance_details": [{"assurance_type": "evidence_validation", "evidence_ref": [{"check_id": "c1"}]}]},
	"evidence": [
		{"type": "document", "check_details": [
			{"check_method": "pipp", "organization": "Registry", "check_id": "c1", "time": "2026-02-28T03:00:00Z"},
			{"check_method": "vri", "organization": "Ministry"}],
		 "document_details": {"type": "passport", "document_number": "P1234567", "date_of_issuance": "2020-01-01",
			"date_of_expiry": "2030-01-01", "issuer": {"name": "Ministry", "country": "KH"}},
		 "derived_claims": {"given_name": "Dara", "birthdate": "1990-05-17"}, "attachments": [{"content": "x"}]},
		{"type": "electronic_record", "record": {"type": "population_register", "source": {"name": "Registry"}}},
		{"type": "vouch", "attestation": {"type": "written_attestation", "voucher": {"name": "A. Elder"}}},
		{"type": "electronic_signature", "signature_type": "qes_eidas", "issuer": "CA", "created_at": "2026-01-01T00:00:00Z"}
	],
	"custom": {"room": 7, "tags": ["a", "b"], "deep": {"x": 1}}
}`

func verifiedPeople(f *fixture) {
	f.people.verified = []authenticator.VerifiedClaims{{
		Verification: json.RawMessage(verification),
		Values: map[string]json.RawMessage{
			"name": []byte(`"Sok Dara"`), "given_name": []byte(`"Dara"`), "email": []byte(`"dara@example.org"`),
			"email_verified": []byte(`true`), "birthdate": []byte(`"1990-05-17"`), "gender": []byte(`"male"`),
		},
	}}
}

// requestFor returns a claims parameter that asks for verified claims in userinfo.
func requestFor(verification, claims string) string {
	return fmt.Sprintf(`{"userinfo":{"verified_claims":{"verification":%s,"claims":%s}}}`, verification, claims)
}

func TestVerifiedClaimsRequestsAreRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	r, err := f.parse(t.Context(), "health", "openid", "claims", `{
		"userinfo": {"verified_claims": {"verification": {"trust_framework": null}, "claims": {"name#km": {"purpose": "to open an account"}}}},
		"id_token": {"name": null, "verified_claims": [
			{"verification": {"trust_framework": {"value": "gold"}, "time": {"max_age": 60}},
			 "claims": {"birthdate": {"essential": true, "value": "1990-05-17"}}},
			{"verification": {"trust_framework": null}, "claims": null}]}}`)
	require.NoError(t, err)
	assert.Equal(t, []string{"km"}, r.ClaimsLocales)
	require.Len(t, r.Claims.VerifiedUserinfo, 1)
	assert.JSONEq(t, `{"trust_framework": null}`, string(r.Claims.VerifiedUserinfo[0].Verification))
	assert.Equal(t, map[string]oidc.ClaimRequest{"name": {Purpose: "to open an account"}}, r.Claims.VerifiedUserinfo[0].Claims)
	require.Len(t, r.Claims.VerifiedIDToken, 1, "an element that asks for no claims is none")
	assert.Equal(t, map[string]oidc.ClaimRequest{
		"birthdate": {Essential: true, Values: []json.RawMessage{[]byte(`"1990-05-17"`)}},
	}, r.Claims.VerifiedIDToken[0].Claims)
	roundTrip(t, r)
}

func TestVerifiedClaimsRequestsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	verifications := map[string]string{
		"null":                              `null`,
		"a string":                          `"gold"`,
		"without trust framework":           `{"time":null}`,
		"a trust framework as text":         `{"trust_framework":"gold"}`,
		"a trust framework as array":        `{"trust_framework":["gold"]}`,
		"value and values":                  `{"trust_framework":{"value":"a","values":["a"]}}`,
		"no values":                         `{"trust_framework":{"values":[]}}`,
		"values as text":                    `{"trust_framework":{"values":"a"}}`,
		"too many values":                   `{"trust_framework":{"values":[1` + strings.Repeat(",1", 100) + `]}}`,
		"essential as text":                 `{"trust_framework":{"essential":"true"}}`,
		"max_age as text":                   `{"trust_framework":null,"time":{"max_age":"60"}}`,
		"max_age below zero":                `{"trust_framework":null,"time":{"max_age":-1}}`,
		"max_age as fraction":               `{"trust_framework":null,"time":{"max_age":1.5}}`,
		"evidence as null":                  `{"trust_framework":null,"evidence":null}`,
		"evidence as object":                `{"trust_framework":null,"evidence":{"type":{"value":"document"}}}`,
		"no evidence":                       `{"trust_framework":null,"evidence":[]}`,
		"evidence without type":             `{"trust_framework":null,"evidence":[{"document_details":{"type":null}}]}`,
		"evidence of any type":              `{"trust_framework":null,"evidence":[{"type":null}]}`,
		"evidence of several types":         `{"trust_framework":null,"evidence":[{"type":{"values":["document","vouch"]}}]}`,
		"a document as null":                `{"trust_framework":null,"evidence":[{"type":{"value":"document"},"document_details":null}]}`,
		"checks as object":                  `{"trust_framework":null,"evidence":[{"type":{"value":"document"},"check_details":{}}]}`,
		"a check as null":                   `{"trust_framework":null,"evidence":[{"type":{"value":"document"},"check_details":[null]}]}`,
		"a number of a document as text":    `{"trust_framework":null,"evidence":[{"type":{"value":"document"},"document_details":{"document_number":"1"}}]}`,
		"a process as null":                 `{"trust_framework":null,"assurance_process":null}`,
		"too many entries":                  `{"trust_framework":null,"evidence":[{"type":{"value":"vouch"}}` + strings.Repeat(`,{"type":{"value":"vouch"}}`, 20) + `]}`,
		"a purpose that is too short":       `{"trust_framework":{"purpose":"no"}}`,
		"a purpose that turns the text":     `{"trust_framework":{"purpose":"abc\u202edef"}}`,
		"a member twice":                    `{"trust_framework":null,"trust_framework":{"value":"gold"}}`,
		"what is nested too deeply, custom": `{"trust_framework":null,"x":` + strings.Repeat(`{"x":`, 13) + `null` + strings.Repeat(`}`, 13) + `}`,
	}
	claims := map[string]string{
		"verified_claims as null":          `{"userinfo":{"verified_claims":null}}`,
		"verified_claims as text":          `{"userinfo":{"verified_claims":"all"}}`,
		"no elements":                      `{"id_token":{"verified_claims":[]}}`,
		"an element as null":               `{"id_token":{"verified_claims":[null]}}`,
		"no claims":                        `{"userinfo":{"verified_claims":{"verification":{"trust_framework":null}}}}`,
		"no verification":                  `{"userinfo":{"verified_claims":{"claims":{"name":null}}}}`,
		"a third member":                   `{"userinfo":{"verified_claims":{"verification":{"trust_framework":null},"claims":{"name":null},"x":1}}}`,
		"claims as empty object":           requestFor(`{"trust_framework":null}`, `{}`),
		"claims as array":                  requestFor(`{"trust_framework":null}`, `["name"]`),
		"a claim as text":                  requestFor(`{"trust_framework":null}`, `{"name":"x"}`),
		"a purpose that is too long":       requestFor(`{"trust_framework":null}`, `{"name":{"purpose":"`+strings.Repeat("a", 301)+`"}}`),
		"too many elements":                `{"userinfo":{"verified_claims":[` + strings.TrimSuffix(strings.Repeat(`{"verification":{"trust_framework":null},"claims":{"name":null}},`, 33), ",") + `]}}`,
		"too many elements, in both":       `{"userinfo":{"verified_claims":[` + elements(17) + `]},"id_token":{"verified_claims":[` + elements(16) + `]}}`,
		"a plain purpose that is no text ": `{"userinfo":{"name":{"purpose":7}}}`,
	}
	for name, v := range verifications {
		claims["verification: "+name] = requestFor(v, `{"name":null}`)
	}
	for name, parameter := range claims {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.parse(t.Context(), "health", "openid", "claims", parameter)
			requireCode(t, oauth.InvalidRequest, err)
		})
	}
}

func elements(n int) string {
	return strings.TrimSuffix(strings.Repeat(`{"verification":{"trust_framework":null},"claims":{"name":null}},`, n), ",")
}

func TestAskedTellsVerifiedClaimsFromPlainOnes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	f.clients["bank"].Claims = []string{"name"}
	const evidence = `"evidence":[{"type":{"value":"document"}}]`
	for name, tc := range map[string]struct {
		client, claims string
		want           oidc.ClaimSet
	}{
		"only as a verified one": {
			claims: requestFor(`{"trust_framework":{"values":["gold","silver"]}}`, `{"birthdate":{"essential":true,"purpose":"to know your age"},"shoe_size":null,"gender":null,"sub":null}`),
			want: oidc.ClaimSet{
				Essential: []string{"birthdate"},
				Verified: []oidc.VerifiedItem{
					{Name: "birthdate", Purpose: "to know your age", TrustFrameworks: []string{"gold", "silver"}},
				},
			},
		},
		"as both, in several elements": {
			claims: `{"userinfo":{"name":{"essential":true},"verified_claims":[
				{"verification":{"trust_framework":{"value":"gold"},` + evidence + `},"claims":{"name":null,"birthdate":null}},
				{"verification":{"trust_framework":{"value":"silver"}},"claims":{"name":{"purpose":"to greet you"}}},
				{"verification":{"trust_framework":null},"claims":{"birthdate":null}}]}}`,
			want: oidc.ClaimSet{
				Essential: []string{"name"}, Voluntary: []string{"birthdate"}, Userinfo: []string{"name"},
				Verified: []oidc.VerifiedItem{
					{Name: "name", Purpose: "to greet you", TrustFrameworks: []string{"gold", "silver"}, Evidence: true, Plain: true},
					{Name: "birthdate", Evidence: true},
				},
			},
		},
		"of a claim that says whether another is verified": {
			claims: `{"userinfo":{"email":null,"verified_claims":{"verification":{"trust_framework":null},"claims":{"email_verified":null}}}}`,
			want: oidc.ClaimSet{
				Voluntary: []string{"email"}, Userinfo: []string{"email"},
				Verified: []oidc.VerifiedItem{{Name: "email", Plain: true}},
			},
		},
		"of a client that may not have them": {
			client: "bank", claims: requestFor(`{"trust_framework":null}`, `{"birthdate":{"essential":true},"name":null}`),
			want: oidc.ClaimSet{Voluntary: []string{"name"}, Verified: []oidc.VerifiedItem{{Name: "name"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := tc.client + "health"[:max(0, 6-6*len(tc.client))]
			r, err := f.parse(t.Context(), client, "openid", "claims", tc.claims)
			require.NoError(t, err)
			assert.Equal(t, tc.want, f.Asked(f.clients[client], r, []string{"openid"}))
		})
	}
}

func TestVerifiedClaimsArePassedOverByAProviderThatHasNone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	verifiedPeople(f)
	x := f.extended(t, "health", "openid", "claims", requestFor(`{"trust_framework":null}`, `{"name":null}`))
	assert.Equal(t, `{}`, string(x.Data))
	assert.Empty(t, f.people.asked)
}

func TestMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	verifiedPeople(f)
	there := &authenticator.Claims{Verified: f.people.verified}
	const gold, silver = `{"trust_framework":{"value":"gold"}}`, `{"trust_framework":{"value":"silver"}}`
	for name, tc := range map[string]struct {
		claims string
		want   []string
	}{
		"nothing is essential": {requestFor(silver, `{"name":null}`), nil},
		"all is there":         {requestFor(gold, `{"name":{"essential":true},"phone_number":null}`), nil},
		"a verification that is not as asked for": {
			requestFor(silver, `{"name":{"essential":true},"given_name":null}`), []string{"name"},
		},
		"a claim that is not there": {
			requestFor(gold, `{"phone_number":{"essential":true},"birthdate":{"essential":true}}`), []string{"phone_number"},
		},
		"a value that is not there":       {requestFor(gold, `{"name":{"essential":true,"value":"x"}}`), []string{"name"}},
		"a claim that cannot be verified": {requestFor(gold, `{"gender":{"essential":true}}`), nil},
		"one verification of several is enough": {
			`{"userinfo":{"verified_claims":[{"verification":` + silver + `,"claims":{"name":{"essential":true}}},
				{"verification":` + gold + `,"claims":{"name":{"essential":true}}}]}}`, nil,
		},
		"but not one in another place": {
			`{"userinfo":{"verified_claims":{"verification":` + silver + `,"claims":{"name":{"essential":true}}}},
				"id_token":{"verified_claims":{"verification":` + gold + `,"claims":{"name":{"essential":true}}}}}`, []string{"name"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := f.parse(t.Context(), "health", "openid", "claims", tc.claims)
			require.NoError(t, err)
			stored, err := json.Marshal(r)
			require.NoError(t, err)
			var again oidc.Request
			require.NoError(t, json.Unmarshal(stored, &again))
			missing, err := f.Missing(t.Context(), f.clients["health"], &again, there)
			require.NoError(t, err)
			assert.Equal(t, tc.want, missing)
		})
	}
}

// An identity system that says before the consent what is verified does not tell values.
func TestAValueThatIsHeldBackIsNotMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured)
	there := &authenticator.Claims{Verified: []authenticator.VerifiedClaims{{
		Verification: []byte(`{"trust_framework":"gold"}`), Values: map[string]json.RawMessage{"name": []byte(` null`), "email": nil},
	}}}
	r, err := f.parse(t.Context(), "health", "openid", "claims",
		requestFor(`{"trust_framework":null}`, `{"name":{"essential":true},"email":{"essential":true}}`))
	require.NoError(t, err)
	missing, err := f.Missing(t.Context(), f.clients["health"], r, there)
	require.NoError(t, err)
	assert.Equal(t, []string{"email"}, missing)
}

func TestDiscoveryAnnouncesAssurance(t *testing.T) {
	t.Parallel()
	f := newFixture(t, assured, func(c *oidc.Config) {
		c.Assurance.Evidence = append(c.Assurance.Evidence, "electronic_record")
		c.Assurance.ElectronicRecords = []string{"population_register"}
		c.Assurance.DocumentCheckMethods = []string{"vpip"}
		c.ClaimSources = []string{oidc.Aggregated, oidc.Distributed}
	})
	document := func(f *fixture) (m map[string]any) {
		require.NoError(t, json.Unmarshal(serve(f.DiscoveryHandler(oauth.Metadata{}), "GET").Body.Bytes(), &m))
		return m
	}
	announced := document(f)
	for name, want := range map[string]any{
		"verified_claims_supported":           true,
		"trust_frameworks_supported":          []any{"gold", "silver"},
		"evidence_supported":                  []any{"document", "electronic_record"},
		"documents_supported":                 []any{"passport"},
		"documents_check_methods_supported":   []any{"vpip"},
		"electronic_records_supported":        []any{"population_register"},
		"claims_in_verified_claims_supported": []any{"name", "given_name", "email", "email_verified", "birthdate", "address", "phone_number"},
		"claim_types_supported":               []any{"normal", "aggregated", "distributed"},
	} {
		assert.Equal(t, want, announced[name], name)
		if name != "claim_types_supported" {
			assert.NotContains(t, document(newFixture(t)), name)
		}
	}
}

func TestNewChecksWhatItAnnouncesOfAssurance(t *testing.T) {
	t.Parallel()
	for problem, change := range map[string]func(*oidc.Config){
		"has no Claims":              func(c *oidc.Config) { c.Assurance.Claims = nil },
		`"shoe_size" is not one of`:  func(c *oidc.Config) { c.Assurance.Claims = []string{"shoe_size"} },
		"TrustFrameworks":            func(c *oidc.Config) { c.Assurance.TrustFrameworks = nil },
		`"bill" is not a type`:       func(c *oidc.Config) { c.Assurance.Evidence = []string{"bill"} },
		"Documents is required":      func(c *oidc.Config) { c.Assurance.Documents = nil },
		"ElectronicRecords":          func(c *oidc.Config) { c.Assurance.Evidence = []string{"electronic_record"} },
		`"normal" is not a kind of`:  func(c *oidc.Config) { c.ClaimSources = []string{"normal"} },
		"MaxPicture is not between ": func(c *oidc.Config) { c.MaxPicture = -1 },
	} {
		f := &fixture{people: &people{}, events: &events{}, clients: clientStore{}}
		config := configFor(f)
		assured(&config)
		change(&config)
		_, err := oidc.New(config)
		assert.ErrorContains(t, err, problem)
	}
}
