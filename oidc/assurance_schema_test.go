package oidc_test

import (
	"bytes"
	"encoding/json"
	"os"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oidc"
)

// answerSchema is the specification's schema of answers with verified_claims.
var answerSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	text, err := os.ReadFile("testdata/verified_claims.schema.json")
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("answer.json", document); err != nil {
		return nil, err
	}
	return c.Compile("answer.json")
})

func validateAnswer(tb testing.TB, answer []byte) error {
	tb.Helper()
	schema, err := answerSchema()
	require.NoError(tb, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer))
	require.NoError(tb, err)
	return schema.Validate(document)
}

func requireValidAnswer(tb testing.TB, answer []byte) {
	tb.Helper()
	require.NoError(tb, validateAnswer(tb, answer))
}

func TestTheSchemaTellsAnswersApart(t *testing.T) {
	t.Parallel()
	requireValidAnswer(t, []byte(`{"verified_claims":{"verification":`+verificationInUTC+`,"claims":{"email":"a@b.c"}}}`))
	for _, answer := range []string{
		`{"verified_claims":{"verification":{},"claims":{}}}`,
		`{"verified_claims":{"verification":{"trust_framework":"x","time":"2026-02-28T10:00Z"},"claims":{}}}`,
		`{"verified_claims":[{"verification":{"trust_framework":"x","evidence":[]},"claims":{}}]}`,
		`{"verified_claims":{"verification":{"trust_framework":"x","evidence":[{"type":"bill"}]},"claims":{}}}`,
		`{"verified_claims":{"verification":{"trust_framework":"x"},"claims":{"birthdate":"17 May"}}}`,
		`{"verified_claims":{"verification":{"trust_framework":"x"},"claims":{"address":{"country_code":"Cambodia"}}}}`,
	} {
		assert.Error(t, validateAnswer(t, []byte(answer)), answer)
	}
}

const verificationInUTC = `{"trust_framework":"gold","time":"2026-02-28T03:00:00Z"}`

func TestVerifiedClaimsThatTheSchemaRefusesAreNotReleased(t *testing.T) {
	t.Parallel()
	for claim, values := range map[string][2]string{ // one that is released and one that is not
		"birthdate":             {`"1990-05-17"`, `"17/05/1990"`},
		"email":                 {`"dara@example.org"`, `"dara at example.org"`},
		"email_verified":        {`true`, `"true"`},
		"phone_number":          {`"+85512345678"`, `"+855 12 345 678"`},
		"locale":                {`"km-KH"`, `"km"`},
		"address":               {`{"country":"Cambodia","country_code":"KH"}`, `{"country_code":"Cambodia"}`},
		"place_of_birth":        {`{"country":"KH","locality":"Kandal"}`, `{"country":"Cambodia"}`},
		"nationalities":         {`["KH","THA"]`, `["KH","KH"]`},
		"given_name":            {`"Dara"`, `["Dara"]`},
		"updated_at":            {`1772366400`, `"2026-03-01"`},
		"phone_number_verified": {`false`, `0`},
		"msisdn":                {`"85512345678"`, `"phone"`},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			for i, value := range values {
				f := newFixture(t, func(c *oidc.Config) {
					c.ClaimsSupported = []string{claim}
					c.Assurance = oidc.Assurance{TrustFrameworks: []string{"gold"}, Claims: []string{claim}}
				})
				f.people.verified = []authenticator.VerifiedClaims{{
					Verification: json.RawMessage(verificationInUTC),
					Values:       map[string]json.RawMessage{claim: json.RawMessage(value)},
				}}
				x := f.extended(t, "health", "openid", "claims", requestFor(`{"trust_framework":null}`, `{"`+claim+`":null}`))
				requireValidAnswer(t, x.Data)
				if i == 0 {
					assert.Contains(t, string(x.Data), value)
				} else {
					assert.Equal(t, `{}`, string(x.Data))
				}
			}
		})
	}
}
