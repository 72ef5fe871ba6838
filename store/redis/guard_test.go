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
			require.NoError(t, a.Add(ctx, "jti", nil, minute))
			require.ErrorIs(t, b.Add(ctx, "jti", nil, minute), store.ErrExists)
			require.NoError(t, a.Add(ctx, "code", []byte("value"), minute))

			empty(server)
			var group sync.WaitGroup
			for i := range 64 {
				group.Go(func() {
					assert.ErrorIs(t, []*redis.Store{a, b}[i%2].Add(ctx, "jti", nil, minute), redis.ErrQuarantine)
				})
			}
			group.Wait()
			results := b.Do(ctx, []store.Operation{
				{Verb: store.VerbAdd, Key: "jti", TTL: minute},
				{Verb: store.VerbTake, Key: "code"},
				{Verb: store.VerbPut, Key: "other", TTL: minute},
				{Verb: store.VerbIncrement, Key: "other", Delta: 1, TTL: minute},
			})
			require.ErrorIs(t, results[0].Err, redis.ErrQuarantine)
			require.ErrorIs(t, results[1].Err, store.ErrNotFound, "what is gone cannot be redeemed")
			require.NoError(t, results[2].Err)
			require.NoError(t, results[3].Err)
			require.NoError(t, a.Check(ctx), "a quarantine is no reason not to start")
			left, err := b.Quarantine(ctx)
			require.NoError(t, err)
			require.Greater(t, left, redis.DefaultQuarantine-10*minute)
			require.LessOrEqual(t, left, redis.DefaultQuarantine)

			require.NoError(t, a.EndQuarantine(ctx))
			left, err = b.Quarantine(ctx)
			require.NoError(t, err)
			require.Zero(t, left)
			require.NoError(t, b.Add(ctx, "new", nil, minute))
		})
	}
}

func TestNewDeploymentBeginsInQuarantine(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	s, err := redis.New(redis.Config{URL: url})
	require.NoError(t, err)
	defer s.Close()
	require.ErrorIs(t, s.Add(t.Context(), "jti", nil, minute), redis.ErrQuarantine, "also when Check was not called")
	require.NoError(t, s.EndQuarantine(t.Context()))
	require.NoError(t, s.Add(t.Context(), "jti", nil, minute))
}

func TestWithoutTheGuardAnEmptiedRedisIsANewOne(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), redistest.Start(t)
	s := newStore(t, redis.Config{URL: server.URL(), Quarantine: -1})
	left, err := s.Quarantine(ctx)
	require.NoError(t, err)
	require.Zero(t, left)
	require.NoError(t, s.Add(ctx, "jti", []byte("value"), minute))
	require.ErrorIs(t, s.Add(ctx, "jti", nil, minute), store.ErrExists)
	require.Len(t, server.Client().Keys(ctx, "*").Val(), 1, "there are no markers")
	server.Flush()
	require.NoError(t, s.Add(ctx, "jti", nil, minute))
}

func TestQuarantineEndsByItselfEverywhereAtOnce(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), redistest.Start(t)
	c := redis.Config{URL: server.URL(), Quarantine: 300 * time.Millisecond}
	a, b := newOpenStore(t, c), newStore(t, c)
	server.Flush()
	require.ErrorIs(t, b.Add(ctx, "jti", nil, minute), redis.ErrQuarantine)
	require.Eventually(t, func() bool {
		left, err := b.Quarantine(ctx)
		return err == nil && left == 0
	}, 10*time.Second, time.Millisecond)
	for key := range 100 {
		require.NoError(t, a.Add(ctx, fmt.Sprint("other", key), nil, minute))
	}
}

func TestInTheQuarantineEverythingUsedBeforeExpires(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), redistest.Start(t)
	s := newOpenStore(t, redis.Config{URL: server.URL(), Quarantine: 1500 * time.Millisecond})
	// What a verifier does: it accepts a token until it expires, and remembers it for as long.
	type token struct {
		id      string
		expires time.Time
	}
	accepted := map[string]bool{}
	accept := func(tok token) bool {
		left := time.Until(tok.expires)
		if left <= 0 {
			return false
		}
		err := s.Add(ctx, tok.id, nil, left)
		if err != nil {
			require.True(t, errors.Is(err, redis.ErrQuarantine) || errors.Is(err, store.ErrExists), "%v", err)
			return false
		}
		require.False(t, accepted[tok.id], "accepted twice")
		accepted[tok.id] = true
		return true
	}
	var tokens []token
	for i := range 50 {
		tok := token{fmt.Sprint("token", i), time.Now().Add(time.Second)}
		require.True(t, accept(tok))
		tokens = append(tokens, tok)
	}
	server.Flush()
	for n := 0; ; n++ {
		for _, tok := range tokens {
			accept(tok)
		}
		if accept(token{fmt.Sprint("new", n), time.Now().Add(time.Second)}) {
			break
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
			if errors.Is(s.Add(ctx, fmt.Sprint("jti", i), nil, minute), redis.ErrQuarantine) {
				refused.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 200, refused.Load())
	require.EqualValues(t, 1024, server.Client().DBSize(ctx).Val())
}

func TestEmptiedNodeOfAClusterRefusesAdd(t *testing.T) {
	t.Parallel()
	ctx, cluster := t.Context(), redistest.StartCluster(t)
	s := newOpenStore(t, redis.Config{URL: cluster.URL()})
	const n = 300
	for i := range n {
		require.NoError(t, s.Add(ctx, fmt.Sprint("jti", i), nil, minute))
	}
	for _, node := range cluster.Nodes {
		require.Greater(t, node.Client().DBSize(ctx).Val(), int64(100), "markers and values are spread over the nodes")
	}
	cluster.Nodes[1].Flush()
	refused, existing := 0, 0
	for i := range n {
		switch err := s.Add(ctx, fmt.Sprint("jti", i), nil, minute); {
		case errors.Is(err, redis.ErrQuarantine):
			refused++
		case errors.Is(err, store.ErrExists):
			existing++
		default:
			require.NoError(t, err)
			require.Fail(t, "accepted twice")
		}
	}
	require.Positive(t, refused)
	require.Greater(t, existing, refused, "two nodes of three have lost nothing")
}
