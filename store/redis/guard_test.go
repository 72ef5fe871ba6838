package redis_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/redis"
)

// use marks a thing as used that was made at most so long ago.
func use(t testing.TB, s *redis.Store, id string, age time.Duration) error {
	return store.Do(t.Context(), s, store.Operation{Verb: store.VerbAdd, Key: id, TTL: minute, Age: age})[0].Err
}

func TestNothingIsAcceptedTwiceAfterRedisWasEmptied(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(*redistest.Server){
		"Flushed":   (*redistest.Server).Flush,
		"Restarted": (*redistest.Server).Restart, // without persistence
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, server := t.Context(), redistest.Start(t)
			a := newOpenStore(t, redis.Config{URL: server.URL()})
			b := newStore(t, redis.Config{URL: server.URL()})
			require.NoError(t, use(t, a, "jti", time.Second))
			require.ErrorIs(t, use(t, b, "jti", time.Second), store.ErrExists)
			require.NoError(t, a.Add(ctx, "code", []byte("value"), minute))

			empty(server)
			var group sync.WaitGroup
			for i := range 64 {
				group.Go(func() {
					assert.ErrorIs(t, use(t, []*redis.Store{a, b}[i%2], "jti", time.Hour), store.ErrForgotten)
				})
			}
			group.Wait()
			results := b.Do(ctx, []store.Operation{
				{Verb: store.VerbAdd, Key: "jti", TTL: minute, Age: time.Hour},
				{Verb: store.VerbTake, Key: "code"},
				{Verb: store.VerbPut, Key: "other", TTL: minute},
				{Verb: store.VerbIncrement, Key: "other", Delta: 1, TTL: minute},
				{Verb: store.VerbAdd, Key: "new", TTL: minute},
			})
			require.ErrorIs(t, results[0].Err, store.ErrForgotten)
			require.ErrorIs(t, results[1].Err, store.ErrNotFound, "what is gone cannot be redeemed")
			for _, r := range results[2:] {
				require.NoError(t, r.Err, "what is new needs no memory")
			}
			require.NoError(t, a.Check(ctx), "that is no reason not to start")
			since, err := b.Since(ctx)
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), since, 10*time.Minute)
		})
	}
}

func TestOperatorMaySayThatNothingWasUsed(t *testing.T) {
	t.Parallel()
	s := newStore(t, redis.Config{URL: redistest.Start(t).URL()})
	require.ErrorIs(t, use(t, s, "jti", time.Hour), store.ErrForgotten, "an empty Redis may have lost everything")
	require.NoError(t, s.Begin(t.Context()))
	require.NoError(t, use(t, s, "jti", time.Hour))
	since, err := s.Since(t.Context())
	require.NoError(t, err)
	require.Zero(t, since)
}

func TestMarkersNeedNoCheckAtTheStart(t *testing.T) {
	t.Parallel()
	s, err := redis.New(redis.Config{URL: redistest.Start(t).URL()})
	require.NoError(t, err)
	defer s.Close()
	require.ErrorIs(t, use(t, s, "jti", time.Hour), store.ErrForgotten)
	require.NoError(t, s.Add(t.Context(), "new", nil, minute))
}

func TestWhatIsMadeAfterTheLossIsAcceptedEverywhereSoon(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := newOpenStore(t, redis.Config{URL: server.URL()}), newStore(t, redis.Config{URL: server.URL()})
	server.Flush()
	const uncertainty = 200 * time.Millisecond // of when a thing was made
	require.ErrorIs(t, use(t, b, "jti", uncertainty), store.ErrForgotten)
	n := 0
	require.Eventually(t, func() bool { n++; return use(t, b, fmt.Sprint("new", n), uncertainty) == nil }, time.Minute, time.Millisecond)
	for key := range 100 {
		require.Eventually(t, func() bool { return use(t, a, fmt.Sprint("other", key), uncertainty) == nil }, time.Minute, time.Millisecond)
	}
	require.ErrorIs(t, use(t, a, "old", time.Hour), store.ErrForgotten)
}

func TestNoTokenIsAcceptedTwiceAroundALoss(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newOpenStore(t, redis.Config{URL: server.URL()})
	type token struct {
		id   string
		made time.Time
	}
	accepted := map[string]bool{}
	accept := func(tok token) bool {
		err := use(t, s, tok.id, time.Since(tok.made)+time.Millisecond)
		if err != nil {
			require.True(t, errors.Is(err, store.ErrForgotten) || errors.Is(err, store.ErrExists), "%v", err)
			return false
		}
		require.False(t, accepted[tok.id], "accepted twice")
		accepted[tok.id] = true
		return true
	}
	var tokens []token
	for i := range 50 {
		tok := token{fmt.Sprint("token", i), time.Now()}
		require.True(t, accept(tok))
		tokens = append(tokens, tok)
	}
	server.Flush()
	for n := 0; n < 50; {
		for _, tok := range tokens {
			require.False(t, accept(tok))
		}
		if accept(token{fmt.Sprint("new", n), time.Now()}) {
			n++
		}
	}
}

func TestOneCallLaysTheMarkers(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), redistest.Start(t)
	s := newOpenStore(t, redis.Config{URL: server.URL()})
	server.Flush()
	var group sync.WaitGroup
	var refused atomic.Int64
	for i := range 200 {
		group.Go(func() {
			if errors.Is(use(t, s, fmt.Sprint("jti", i), time.Hour), store.ErrForgotten) {
				refused.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 200, refused.Load())
	require.EqualValues(t, 1024, server.Client().DBSize(ctx).Val())
}

func TestEmptiedNodeOfAClusterHasForgotten(t *testing.T) {
	t.Parallel()
	ctx, cluster := t.Context(), redistest.StartCluster(t)
	s := newOpenStore(t, redis.Config{URL: cluster.URL()})
	const n = 300
	for i := range n {
		require.NoError(t, use(t, s, fmt.Sprint("jti", i), time.Second))
	}
	for _, node := range cluster.Nodes {
		require.Greater(t, node.Client().DBSize(ctx).Val(), int64(100), "markers and values are spread over the nodes")
	}
	cluster.Nodes[1].Flush()
	forgotten, existing := 0, 0
	for i := range n {
		switch err := use(t, s, fmt.Sprint("jti", i), time.Hour); {
		case errors.Is(err, store.ErrForgotten):
			forgotten++
		case errors.Is(err, store.ErrExists):
			existing++
		default:
			require.NoError(t, err)
			require.Fail(t, "accepted twice")
		}
	}
	require.Positive(t, forgotten)
	require.Greater(t, existing, forgotten, "two nodes of three have lost nothing")
}
