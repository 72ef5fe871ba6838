package redis_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/store/redis"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

func wait(t *testing.T, hint <-chan struct{}) {
	t.Helper()
	select {
	case <-hint:
	case <-time.After(patience):
		require.Fail(t, "nobody was woken")
	}
}

func subscribe(t *testing.T, ctx context.Context, s *redis.Store, topic string) <-chan struct{} {
	t.Helper()
	hint, err := s.Subscribe(ctx, topic)
	require.NoError(t, err)
	return hint
}

func quiet(t *testing.T, hints ...<-chan struct{}) {
	t.Helper()
	for _, hint := range hints {
		select {
		case <-hint:
			require.Fail(t, "woken for nothing")
		default:
		}
	}
}

// channels returns how many channels anybody listens to on the server.
func channels(t *testing.T, c *goredis.Client) int {
	t.Helper()
	all, err := c.PubSubChannels(t.Context(), "*").Result()
	require.NoError(t, err)
	return len(all)
}

func TestSubscriptionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStore(t, redis.Config{URL: server.URL()})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Subscribe(ended, "topic")
	require.ErrorIs(t, err, context.Canceled)

	ctx, cancel := context.WithCancel(t.Context())
	gone := subscribe(t, ctx, s, "topic")
	stays := subscribe(t, t.Context(), s, "other")
	require.Equal(t, 2, channels(t, server.Client()))
	cancel()
	require.Eventually(t, func() bool { return channels(t, server.Client()) == 1 }, patience, time.Millisecond)
	require.NoError(t, s.Notify(t.Context(), "topic"))
	require.NoError(t, s.Notify(t.Context(), "other"))
	wait(t, stays)
	quiet(t, gone)
}

func TestTopicThatIsLeftAndEnteredAgainIsHeard(t *testing.T) {
	t.Parallel()
	s := newStore(t, redis.Config{URL: redistest.Start(t).URL()})
	for range 500 {
		ctx, cancel := context.WithCancel(t.Context())
		subscribe(t, ctx, s, "topic")
		go cancel()
		ctx, cancel = context.WithCancel(t.Context())
		hint := subscribe(t, ctx, s, "topic")
		require.NoError(t, s.Notify(t.Context(), "topic"))
		wait(t, hint)
		cancel()
	}
}

func TestConnectionThatWasCutIsReplaced(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), redistest.Start(t)
	s := newStore(t, redis.Config{URL: server.URL()})
	hint := subscribe(t, ctx, s, "topic")
	for range 3 {
		require.NoError(t, server.Client().ClientKillByFilter(ctx, "TYPE", "pubsub").Err())
		wait(t, hint)
		require.NoError(t, s.Notify(ctx, "topic"))
		wait(t, hint)
	}
}

func TestServerThatIsSilentIsAnOutage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStore(t, redis.Config{URL: server.URL() + "?read_timeout=100ms"})
	redis.SetHeartbeat(s, 20*time.Millisecond)
	hint := subscribe(t, t.Context(), s, "topic")
	server.Pause()
	_, err := s.Subscribe(t.Context(), "other")
	require.Error(t, err)
	quiet(t, hint)
	server.Resume()
	wait(t, hint)
}

func TestCloseWakesSubscribersAndEndsSubscriptions(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStore(t, redis.Config{URL: server.URL()})
	hint := subscribe(t, t.Context(), s, "topic")
	require.NoError(t, s.Close())
	wait(t, hint)
	_, err := s.Subscribe(t.Context(), "topic")
	require.ErrorIs(t, err, redis.ErrClosed)
	require.Eventually(t, func() bool { return channels(t, server.Client()) == 0 }, patience, time.Millisecond)
}

// It counts goroutines and measures the heap, and therefore runs alone.
func TestTenThousandSubscribersAreCheap(t *testing.T) {
	const n = 10_000
	server := redistest.Start(t)
	a, b := newStore(t, redis.Config{URL: server.URL()}), newStore(t, redis.Config{URL: server.URL()})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	subscribe(t, ctx, a, "first")
	goroutines, heap := runtime.NumGoroutine(), heapInUse()
	hints := make([]<-chan struct{}, n)
	for i := range hints {
		hints[i] = subscribe(t, ctx, a, fmt.Sprint("topic", i))
	}
	require.InDelta(t, goroutines, runtime.NumGoroutine(), 20)
	require.Less(t, heapInUse()-heap, uint64(n*2000))
	connections, err := server.Client().Do(ctx, "client", "list", "type", "pubsub").Text()
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(connections, "\n"))
	for i := range hints {
		require.NoError(t, b.Notify(ctx, fmt.Sprint("topic", i)))
	}
	for _, hint := range hints {
		wait(t, hint)
	}
	require.NoError(t, server.Client().ClientKillByFilter(ctx, "TYPE", "pubsub").Err())
	for _, hint := range hints {
		wait(t, hint)
	}
	cancel()
	require.Eventually(t, func() bool { return channels(t, server.Client()) == 0 }, patience, 10*time.Millisecond)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
