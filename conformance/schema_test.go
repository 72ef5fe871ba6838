package conformance_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/conformance/internal/model"
)

// TestTheSchemaCheckAgreesWithTheSchema gives answers to the check, by way of a provider, and to a validator of JSON
// schemas.
func TestTheSchemaCheckAgreesWithTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../oidc/testdata/verified_claims.schema.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("answer.json", document))
	schema, err := compiler.Compile("answer.json")
	require.NoError(t, err)
	for name, change := range map[string]struct{ verification, claims string }{
		"nothing":                     {`{}`, `{}`},
		"a time":                      {`{"time":"2020-02-29T10:00:00+07:00"}`, `{}`},
		"a time without seconds":      {`{"time":"2020-02-29T10:00Z"}`, `{}`},
		"a level as number":           {`{"assurance_level":3}`, `{}`},
		"a process":                   {`{"assurance_process":{"policy":"p","assurance_details":[{"assurance_type":"t","evidence_ref":[{"check_id":"1","evidence_metadata":{"evidence_classification":"c"}}]}]}}`, `{}`},
		"a process without details":   {`{"assurance_process":{"assurance_details":[]}}`, `{}`},
		"a reference without check":   {`{"assurance_process":{"assurance_details":[{"evidence_ref":[{}]}]}}`, `{}`},
		"a process as text":           {`{"assurance_process":"p"}`, `{}`},
		"no evidence":                 {`{"evidence":[]}`, `{}`},
		"evidence without type":       {`{"evidence":[{"txn":"1"}]}`, `{}`},
		"unknown evidence":            {`{"evidence":[{"type":"bill"}]}`, `{}`},
		"a document":                  {`{"evidence":[{"type":"document","document_details":{"type":"idcard","date_of_expiry":"2030-01-31","issuer":{"name":"n","country":"KH"}}}]}`, `{}`},
		"a document's wrong date":     {`{"evidence":[{"type":"document","document_details":{"date_of_issuance":"31.1.2030"}}]}`, `{}`},
		"a check":                     {`{"evidence":[{"type":"document","check_details":[{"check_method":"vpip","time":"2020-02-29T10:00:00Z"}]}]}`, `{}`},
		"a check without method":      {`{"evidence":[{"type":"document","check_details":[{"check_id":"1"}]}]}`, `{}`},
		"no checks":                   {`{"evidence":[{"type":"document","check_details":[]}]}`, `{}`},
		"no attachments":              {`{"evidence":[{"type":"document","attachments":[]}]}`, `{}`},
		"attachments":                 {`{"evidence":[{"type":"document","attachments":["x"]}]}`, `{}`},
		"a record":                    {`{"evidence":[{"type":"electronic_record","record":{"type":"t","source":{"name":"n"}}}]}`, `{}`},
		"a source as text":            {`{"evidence":[{"type":"electronic_record","record":{"source":"n"}}]}`, `{}`},
		"a voucher":                   {`{"evidence":[{"type":"vouch","attestation":{"type":"t","voucher":{"name":"n","birthdate":"1990-01-01"}}}]}`, `{}`},
		"a voucher with a wrong date": {`{"evidence":[{"type":"vouch","attestation":{"voucher":{"birthdate":"1990"}}}]}`, `{}`},
		"a signature":                 {`{"evidence":[{"type":"electronic_signature","signature_type":"t","created_at":"2020-02-29T10:00:00Z"}]}`, `{}`},
		"a signature of no time":      {`{"evidence":[{"type":"electronic_signature","created_at":"2020-02-29"}]}`, `{}`},
		"derived claims":              {`{"evidence":[{"type":"document","derived_claims":{"birthdate":"1990"}}]}`, `{}`},
		"a birthdate":                 {`{}`, `{"birthdate":"1990-01-31"}`},
		"a year":                      {`{}`, `{"birthdate":"1990"}`},
		"an address":                  {`{}`, `{"address":{"formatted":"x","country_code":"KHM"}}`},
		"an empty address":            {`{}`, `{"address":{}}`},
		"a country's name as code":    {`{}`, `{"address":{"country_code":"Cambodia"}}`},
		"a place of birth":            {`{}`, `{"place_of_birth":{"country":"Cambodia"}}`},
		"nationalities":               {`{}`, `{"nationalities":["KH","THA"]}`},
		"one nationality twice":       {`{}`, `{"nationalities":["KH","KH"]}`},
		"no nationalities":            {`{}`, `{"nationalities":[]}`},
		"a phone number":              {`{}`, `{"phone_number":"+85512345678"}`},
		"a phone number with spaces":  {`{}`, `{"phone_number":"+855 12 345"}`},
		"an MSISDN with letters":      {`{}`, `{"msisdn":"12a45"}`},
		"an address for letters":      {`{}`, `{"email":"ada@example.org"}`},
		"a host without a dot":        {`{}`, `{"email":"ada@example"}`},
		"a locale":                    {`{}`, `{"locale":"en-GB"}`},
		"a language alone":            {`{}`, `{"locale":"en"}`},
		"a boolean as text":           {`{}`, `{"email_verified":"true"}`},
		"a date as a number":          {`{}`, `{"updated_at":"2020"}`},
		"a name as an array":          {`{}`, `{"name":["Ada"]}`},
		"an unknown claim":            {`{}`, `{"height":{"cm":170}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verification, claims := map[string]any{"trust_framework": "urn:example:register"}, map[string]any{"given_name": "Ada"}
			require.NoError(t, json.Unmarshal([]byte(change.verification), &verification))
			require.NoError(t, json.Unmarshal([]byte(change.claims), &claims))
			element := map[string]any{"verification": verification, "claims": claims}
			answer, err := json.Marshal(map[string]any{"verified_claims": element})
			require.NoError(t, err)
			parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer))
			require.NoError(t, err)
			_, target := provider(model.Config{Tamper: model.Tamper{Userinfo: func(m map[string]any) {
				if m["verified_claims"] != nil {
					m["verified_claims"] = element
				}
			}}}, ida)
			target.Only = func(_, id string) bool { return id == "verified-claims-schema" }
			failures := check(t, target).Results[0].Failures
			if schema.Validate(parsed) == nil {
				assert.NotContains(t, joined(failures), "as the schema says")
			} else {
				assert.Contains(t, joined(failures), "as the schema says")
			}
		})
	}
}

func joined(all []string) string {
	text, err := json.Marshal(all)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
