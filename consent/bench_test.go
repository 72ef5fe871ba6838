package consent_test

import (
	"fmt"
	"testing"

	"github.com/gosignet/signet/consent"
)

// BenchmarkRecall is what consent costs a login that need not ask, without the ledger's round trip: for a small request, and
// for one of 100 claims with 20 verified ones.
func BenchmarkRecall(b *testing.B) {
	large := asks()
	for i := range 100 {
		large.Asked.Voluntary = append(large.Asked.Voluntary, fmt.Sprint("claim-", i))
	}
	for i := range 20 {
		large.Asked.Verified = append(large.Asked.Verified, consent.Verified{
			Name: fmt.Sprint("verified-", i), Purpose: "To know you", TrustFrameworks: []string{"eidas", "national"},
		})
	}
	for name, q := range map[string]*consent.Question{"small": asks(), "large": large} {
		b.Run(name, func(b *testing.B) {
			r := newWorld(b).instance(b)
			decide(b, r, q, grants())
			b.ReportAllocs()
			for b.Loop() {
				a, err := r.Recall(b.Context(), q)
				if err != nil || a.Reason != "" {
					b.Fatal(a, err)
				}
			}
		})
	}
}

// BenchmarkDecide is dominated by the signature of the receipt.
func BenchmarkDecide(b *testing.B) {
	r, q, d := newWorld(b).instance(b), asks(), grants()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Decide(b.Context(), q, d, by(person)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	q := asks()
	b.ReportAllocs()
	for b.Loop() {
		q.Asked.Hash()
	}
}
