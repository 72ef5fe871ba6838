package portal_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzVerifiedClaims has the provider say anything in verified_claims: the profile is shown all the same.
func FuzzVerifiedClaims(f *testing.F) {
	for _, seed := range []string{
		`{"verification":{"trust_framework":"x","time":"2021-01-10T09:30:00Z","evidence":[{"type":"document"}]},"claims":{"name":"Ada","name#km":"x"}}`,
		`[{"verification":{"trust_framework":"x"},"claims":{"address":{"formatted":"y"}}},null]`, `[]`, `null`, `7`,
		`{"verification":{"evidence":[null]},"claims":null}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		if !json.Valid([]byte(answer)) {
			return
		}
		v := newVisit(t)
		v.provider.userinfo = map[string]any{"verified_claims": json.RawMessage(answer)}
		status, body := v.respond(v.login(""), nil)
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, body, `id="shared"`)
		assert.NotContains(t, body, "<script")
	})
}
