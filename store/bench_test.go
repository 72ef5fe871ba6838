package store_test

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

// opaque is a record without the cost of JSON.
type opaque struct{ bytes []byte }

func (o opaque) MarshalJSON() ([]byte, error)     { return o.bytes, nil }
func (o *opaque) UnmarshalJSON(data []byte) error { o.bytes = slices.Clone(data); return nil }

func BenchmarkBucket(b *testing.B) {
	text := `"` + rand.Text() + strings.Repeat("x", 1024-28) + `"`
	b.Run("record=1KiB", func(b *testing.B) { benchmarkCreateTake(b, opaque{[]byte(text)}) })
	b.Run("record=login", func(b *testing.B) { benchmarkCreateTake(b, login{Person: "Amina", Attempts: 3}) })
}

func benchmarkCreateTake[T any](b *testing.B, v T) {
	m, err := memory.New(memory.Config{})
	require.NoError(b, err)
	bucket := store.Bucket[T]{Store: m, Name: "logins"}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		handle, err := bucket.Create(ctx, v, time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := bucket.Take(ctx, handle); err != nil {
			b.Fatal(err)
		}
	}
}
