package registry_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store/memory"
)

func newBenchmark(b *testing.B) *registry.Registry {
	b.Helper()
	s, err := memory.New(memory.Config{})
	require.NoError(b, err)
	r, err := registry.New(registry.Config{Ledger: s, Notifier: s})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, r.Close()) })
	_, err = r.Create(b.Context(), admin, parse(b, clinic))
	require.NoError(b, err)
	requireServed(b, r, "clinic")
	return r
}

func BenchmarkClient(b *testing.B) {
	r, ctx := newBenchmark(b), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Client(ctx, "clinic"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClientInParallel(b *testing.B) {
	r, ctx := newBenchmark(b), b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := r.Client(ctx, "clinic"); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkParse is what a change costs each instance, beside the read.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := registry.Parse([]byte(clinic)); err != nil {
			b.Fatal(err)
		}
	}
}
