package oidc_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oidc"
)

// large is a provider that knows 100 claims and has them verified, and a request for all of them, each plain and in one
// of 20 elements of verified_claims.
func large(tb testing.TB) (*fixture, string, *authenticator.Claims) {
	tb.Helper()
	var names, plain, elements []string
	values := map[string]json.RawMessage{}
	for i := range 100 {
		names = append(names, fmt.Sprintf("claim_%d", i))
		plain = append(plain, fmt.Sprintf(`"claim_%d":null`, i))
		values[names[i]] = json.RawMessage(`"a value"`)
	}
	for i := range 20 {
		claims := strings.ReplaceAll(strings.Join(plain[5*i:5*i+5], ","), "null", `{"essential":true}`)
		elements = append(elements, `{"verification":{"trust_framework":{"values":["gold","silver"]},`+
			`"time":{"max_age":63113852},"evidence":[{"type":{"value":"document"},"check_details":[{"check_method":`+
			`{"value":"pipp"}}],"document_details":{"type":{"values":["idcard","passport"]},"document_number":null,`+
			`"date_of_expiry":{"max_age":0}}}]},"claims":{`+claims+`}}`)
	}
	request := `{"userinfo":{` + strings.Join(plain, ",") + `,"verified_claims":[` + strings.Join(elements, ",") + `]}}`
	f := newFixture(tb, func(c *oidc.Config) {
		c.ClaimsSupported = names
		c.Assurance = oidc.Assurance{TrustFrameworks: []string{"gold", "silver"}, Claims: names}
	})
	return f, request, &authenticator.Claims{
		Values:   values,
		Verified: []authenticator.VerifiedClaims{{Verification: json.RawMessage(passport), Values: values}},
	}
}

const passport = `{"trust_framework":"gold","time":"2025-12-01T10:00:00Z","evidence":[{"type":"document",` +
	`"check_details":[{"check_method":"pipp","organization":"Registry"}],"document_details":{"type":"passport",` +
	`"document_number":"P1234567","date_of_issuance":"2020-01-01","date_of_expiry":"2030-01-01",` +
	`"issuer":{"name":"Registry","country":"KH"}}}]}`

// BenchmarkLargeClaimsRequest reads a request of 100 claims with 20 verified elements, and finds what to ask the person.
func BenchmarkLargeClaimsRequest(b *testing.B) {
	f, request, _ := large(b)
	c, scope := f.clients["health"], []string{"openid"}
	// A server has a heap of its own: with next to none, most of the time here would be that of the garbage collector.
	heap := make([]byte, 32<<20)
	defer runtime.KeepAlive(heap)
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := f.parse(b.Context(), "health", "openid", "claims", request)
		require.NoError(b, err)
		if set := f.Asked(c, r, scope); len(set.Verified) != 100 || len(set.Essential) != 100 {
			b.Fatal(len(set.Verified), len(set.Essential))
		}
	}
}

// BenchmarkLargeClaimsMatch matches the same request with what the identity system says of a person.
func BenchmarkLargeClaimsMatch(b *testing.B) {
	f, request, person := large(b)
	r, err := f.parse(b.Context(), "health", "openid", "claims", request)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		missing, err := f.Missing(b.Context(), f.clients["health"], r, person)
		if err != nil || missing != nil {
			b.Fatal(missing, err)
		}
	}
}
