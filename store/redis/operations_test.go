package redis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/redis"
)

const minute = time.Minute

// withoutExpiry returns the keys with the prefix that would stay for ever, except the markers.
func withoutExpiry(t *testing.T, client *goredis.Client, prefix string) (found []string) {
	t.Helper()
	keys, err := client.Keys(t.Context(), prefix+"*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	for _, key := range keys {
		if client.PTTL(t.Context(), key).Val() < 0 && !strings.HasSuffix(key, "}marker") {
			found = append(found, key)
		}
	}
	return found
}

func TestEverythingExpires(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), redistest.Start(t)
	s := newOpenStore(t, redis.Config{URL: server.URL()})
	require.NoError(t, s.Put(ctx, "put", nil, minute))
	require.NoError(t, s.Add(ctx, "add", nil, minute))
	require.NoError(t, s.Put(ctx, "replace", []byte("old"), time.Hour))
	require.NoError(t, s.Replace(ctx, "replace", []byte("old"), []byte("new"), minute))
	for _, delta := range []int64{2, 3, -1, -100} {
		_, err := s.Increment(ctx, "count", delta, minute)
		require.NoError(t, err)
	}
	require.Empty(t, withoutExpiry(t, server.Client(), redis.DefaultPrefix))

	require.NoError(t, s.Put(ctx, "short", nil, time.Nanosecond), "less than a millisecond is rounded up")
	require.Eventually(t, func() bool {
		_, err := s.Get(ctx, "short")
		return errors.Is(err, store.ErrNotFound)
	}, time.Minute, time.Millisecond)
}

// counting counts round trips.
type counting struct {
	trips    atomic.Int64
	commands atomic.Int64
}

func (c *counting) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (c *counting) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		c.trips.Add(1)
		c.commands.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counting) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		c.trips.Add(1)
		c.commands.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

func TestEachOperationIsOneRoundTripAndSoIsABatch(t *testing.T) {
	t.Parallel()
	ctx, server, count := t.Context(), redistest.Start(t), &counting{}
	client := goredis.NewClient(&goredis.Options{Addr: server.Client().Options().Addr})
	defer client.Close()
	client.AddHook(count)
	s := newOpenStore(t, redis.Config{Client: client})
	operations := []store.Operation{
		{Verb: store.VerbPut, Key: "a", TTL: minute}, {Verb: store.VerbAdd, Key: "b", TTL: minute, Age: time.Second},
		{Verb: store.VerbGet, Key: "c"}, {Verb: store.VerbTake, Key: "d"},
		{Verb: store.VerbReplace, Key: "e", TTL: minute}, {Verb: store.VerbIncrement, Key: "f", Delta: 1, TTL: minute},
	}
	for _, o := range operations {
		store.Do(ctx, s, o) // the server learns the scripts
	}
	for _, o := range operations {
		count.trips.Store(0)
		s.Do(ctx, []store.Operation{o})
		require.EqualValues(t, 1, count.trips.Load(), "verb %d", o.Verb)
	}
	count.trips.Store(0)
	_, err := s.Increment(ctx, "f", 1, minute)
	require.NoError(t, err)
	require.ErrorIs(t, s.Add(ctx, "b", nil, minute), store.ErrExists)
	require.EqualValues(t, 2, count.trips.Load())

	count.trips.Store(0)
	s.Do(ctx, operations)
	require.EqualValues(t, 1, count.trips.Load())

	require.NoError(t, server.Client().ScriptFlush(ctx).Err())
	count.trips.Store(0)
	count.commands.Store(0)
	for i, r := range s.Do(ctx, append(operations, store.Operation{Verb: store.VerbIncrement, Key: "f", Delta: 1, TTL: minute})) {
		if operations := 6; i == operations {
			require.EqualValues(t, 6, r.Counter.N, "each increment counted once")
		}
	}
	require.EqualValues(t, 2, count.trips.Load(), "a server that forgot the scripts takes another one")
	require.EqualValues(t, 7+4, count.commands.Load(), "for those with scripts only")
}

// severing cuts connections off when an answer comes: the command was carried out, and nobody hears of it.
type severing struct {
	net.Conn
	armed *atomic.Bool
}

func (s severing) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if err == nil && s.armed.CompareAndSwap(true, false) {
		s.Close()
		return 0, io.EOF
	}
	return n, err
}

func TestNothingIsDoneTwiceWhenAnAnswerIsLost(t *testing.T) {
	t.Parallel()
	server, cluster := redistest.Start(t), redistest.StartCluster(t)
	armed := &atomic.Bool{}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return severing{conn, armed}, err
	}
	nodes := []string{}
	for _, n := range cluster.Nodes {
		nodes = append(nodes, n.Client().Options().Addr)
	}
	clients := map[string]goredis.UniversalClient{
		"Single":  goredis.NewClient(&goredis.Options{Addr: server.Client().Options().Addr, MaxRetries: 3, Dialer: dial, Protocol: 2}),
		"Cluster": goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: nodes, MaxRetries: 3, Dialer: dial, Protocol: 2}),
	}
	for name, client := range clients {
		defer client.Close()
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			s := newOpenStore(t, redis.Config{Client: client})
			operations := []store.Operation{
				{Verb: store.VerbTake, Key: "take"},
				{Verb: store.VerbIncrement, Key: "count", Delta: 1, TTL: minute},
				{Verb: store.VerbAdd, Key: "add", TTL: minute},
				{Verb: store.VerbReplace, Key: "replace", Old: []byte("old"), Value: []byte("new"), TTL: minute},
			}
			lost := func(o store.Operation, batch bool) error {
				require.NoError(t, s.Put(ctx, "take", nil, minute))
				require.NoError(t, s.Put(ctx, "replace", []byte("old"), minute))
				_, err := s.Take(ctx, "add")
				if !errors.Is(err, store.ErrNotFound) {
					require.NoError(t, err)
				}
				armed.Store(true)
				if batch {
					return s.Do(ctx, []store.Operation{o})[0].Err
				}
				switch o.Verb {
				case store.VerbTake:
					_, err = s.Take(ctx, o.Key)
				case store.VerbIncrement:
					_, err = s.Increment(ctx, o.Key, o.Delta, o.TTL)
				case store.VerbAdd:
					err = s.Add(ctx, o.Key, o.Value, o.TTL)
				case store.VerbReplace:
					err = s.Replace(ctx, o.Key, o.Old, o.Value, o.TTL)
				}
				return err
			}
			for _, o := range operations {
				for _, batch := range []bool{false, true} {
					_, _ = s.Increment(ctx, "other", 1, minute) // learn the scripts, and connect
					store.Do(ctx, s, o)
					err := lost(o, batch)
					require.False(t, armed.Load())
					require.ErrorIs(t, err, io.EOF, "verb %d, batch %t", o.Verb, batch)
				}
			}
			counter, err := s.Increment(ctx, "count", 0, minute)
			require.NoError(t, err)
			require.EqualValues(t, 4, counter.N, "two that were answered and two that were not")
		})
	}
}

func TestContextEndsAnOperation(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newOpenStore(t, redis.Config{URL: server.URL()})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Put(ended, "key", nil, minute), context.Canceled)
	require.ErrorIs(t, s.Do(ended, []store.Operation{{Verb: store.VerbGet, Key: "key"}})[0].Err, context.Canceled)
	require.ErrorIs(t, s.Notify(ended, "topic"), context.Canceled)

	server.Pause()
	defer server.Resume()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Put(short, "key", nil, minute), context.DeadlineExceeded)
	require.ErrorIs(t, s.Do(short, []store.Operation{{Verb: store.VerbGet, Key: "key"}})[0].Err, context.DeadlineExceeded)
}

func TestRestartOfADurableServerLosesNothing(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), redistest.StartWith(t, redistest.Options{Durable: true})
	s := newOpenStore(t, redis.Config{URL: server.URL()})
	require.NoError(t, s.Put(ctx, "code", []byte("value"), minute))
	require.NoError(t, s.Add(ctx, "jti", nil, minute))
	server.Kill()
	require.ErrorContains(t, s.Check(ctx), "redis: ")
	server.Restart()
	require.Eventually(t, func() bool { return s.Check(ctx) == nil }, patience, 10*time.Millisecond)
	require.ErrorIs(t, s.Add(ctx, "jti", nil, minute), store.ErrExists)
	require.NoError(t, use(t, s, "other", time.Hour), "and so it has forgotten nothing")
	value, err := s.Take(ctx, "code")
	require.NoError(t, err)
	require.Equal(t, "value", string(value))
}

func TestFullServerRefusesNewValuesAndKeepsLiveOnes(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]store.Operation{
		"Put":       {Verb: store.VerbPut, Value: make([]byte, store.MaxValue), TTL: minute},
		"Add":       {Verb: store.VerbAdd, Value: make([]byte, store.MaxValue), TTL: minute},
		"Increment": {Verb: store.VerbIncrement, Delta: 1, TTL: minute},
		"Replace":   {Verb: store.VerbReplace, Key: "live", Old: []byte("value"), Value: make([]byte, store.MaxValue), TTL: minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			server := redistest.StartWith(t, redistest.Options{Arguments: []string{"--maxmemory", "5mb"}})
			s := newOpenStore(t, redis.Config{URL: server.URL()})
			require.NoError(t, s.Put(ctx, "live", []byte("value"), minute))
			var err error
			written := 0
			for ; err == nil && written < 10_000; written++ {
				err = s.Put(ctx, fmt.Sprint("fill", written), make([]byte, 1000), minute)
			}
			require.ErrorIs(t, err, store.ErrFull)
			for i := 0; i < 10_000; i++ { // what the server needs to serve us comes and goes
				if o.Verb != store.VerbReplace {
					o.Key = fmt.Sprint("new", i)
				}
				if err = s.Do(ctx, []store.Operation{o})[0].Err; err != nil {
					break
				}
			}
			require.ErrorIs(t, err, store.ErrFull)
			value, err := s.Take(ctx, "live")
			require.NoError(t, err)
			require.Equal(t, "value", string(value))
			for i := range written - 1 {
				_, err := s.Take(ctx, fmt.Sprint("fill", i))
				require.NoError(t, err)
			}
			require.NoError(t, s.Put(ctx, "new", nil, minute), "what was taken makes room")
		})
	}
}
