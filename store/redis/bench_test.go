package redis_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/redis"
)

// recordSize is that of a sealed record of a login.
const recordSize = 1000

func BenchmarkStore(b *testing.B) {
	ctx := context.Background()
	s := newOpenStore(b, redis.Config{URL: redistest.Start(b).URL()})
	value := make([]byte, recordSize)
	n := 0
	key := func() string { n++; return fmt.Sprint("benchmark:", n) }
	put := func(b *testing.B, key string) {
		require.NoError(b, s.Put(ctx, key, value, minute))
	}
	b.Run("Put", func(b *testing.B) {
		for b.Loop() {
			put(b, key())
		}
	})
	b.Run("Add", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, s.Add(ctx, key(), nil, minute))
		}
	})
	b.Run("Get", func(b *testing.B) {
		put(b, "get")
		for b.Loop() {
			_, err := s.Get(ctx, "get")
			require.NoError(b, err)
		}
	})
	b.Run("PutAndTake", func(b *testing.B) {
		for b.Loop() {
			put(b, "take")
			_, err := s.Take(ctx, "take")
			require.NoError(b, err)
		}
	})
	b.Run("Replace", func(b *testing.B) {
		put(b, "replace")
		for b.Loop() {
			require.NoError(b, s.Replace(ctx, "replace", value, value, minute))
		}
	})
	b.Run("Increment", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Increment(ctx, "count", 1, minute)
			require.NoError(b, err)
		}
	})
	b.Run("BatchOf3", func(b *testing.B) {
		for b.Loop() {
			for _, r := range s.Do(ctx, []store.Operation{
				{Verb: store.VerbAdd, Key: key(), TTL: minute},
				{Verb: store.VerbPut, Key: key(), Value: value, TTL: minute},
				{Verb: store.VerbIncrement, Key: "count", Delta: 1, TTL: minute},
			}) {
				require.NoError(b, r.Err)
			}
		}
	})
	b.Run("Parallel", func(b *testing.B) {
		put(b, "get")
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				_, _ = s.Get(ctx, "get")
			}
		})
	})
}
