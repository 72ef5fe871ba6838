package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/storetest"
)

// TestABackendThatCountsWronglyIsCaught breaks a correct backend's counters and batches in one way after the other.
func TestABackendThatCountsWronglyIsCaught(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  string
		handle func(store.Ephemeral) store.Ephemeral
		rule   string // that catches it, among others perhaps
	}{
		{"a counter begins at one", counting(func(s store.Ephemeral, key string, delta int64, ttl time.Duration) (store.Counter, error) {
			c, err := s.Increment(context.Background(), key, delta, ttl)
			c.N++
			return c, err
		}), "IncrementCounts"},
		{"no TTL is told", counting(func(s store.Ephemeral, key string, delta int64, ttl time.Duration) (store.Counter, error) {
			c, err := s.Increment(context.Background(), key, delta, ttl)
			c.TTL = 0
			return c, err
		}), "IncrementCounts"},
		{"a counter goes below zero", func(s store.Ephemeral) store.Ephemeral { return &plainCounters{Ephemeral: s} }, "IncrementStopsAtZero"},
		{"a counter ends at zero", func(s store.Ephemeral) store.Ephemeral { return &plainCounters{Ephemeral: s, ends: true} }, "IncrementStopsAtZero"},
		{"a look makes a counter", counting(func(s store.Ephemeral, key string, delta int64, ttl time.Duration) (store.Counter, error) {
			s.Increment(context.Background(), key, 1, ttl)
			return s.Increment(context.Background(), key, delta-1, ttl)
		}), "IncrementOfNothing"},
		{"an increment prolongs the counter", func(s store.Ephemeral) store.Ephemeral { return &plainCounters{Ephemeral: s, prolongs: true} }, "IncrementKeepsTheFirstTTL"},
		{"counters live for ever", counting(func(s store.Ephemeral, key string, delta int64, ttl time.Duration) (store.Counter, error) {
			if ttl > 0 {
				ttl *= 1000
			}
			c, err := s.Increment(context.Background(), key, delta, ttl)
			c.TTL /= 1000
			return c, err
		}), "IncrementKeepsTheFirstTTL"},
		{"counters are values", func(s store.Ephemeral) store.Ephemeral { return valueCounters{s, ""} }, "CountersAreNotValues"},
		{"counters are values with a prefix", func(s store.Ephemeral) store.Ephemeral { return valueCounters{s, "c:"} }, "CountersAreNotValues"},
		{"keys of counters are folded", counting(func(s store.Ephemeral, key string, delta int64, ttl time.Duration) (store.Counter, error) {
			return s.Increment(context.Background(), strings.ToLower(key), delta, ttl)
		}), "IncrementAnyKey"},
		{"counters have 32 bits", counting(func(s store.Ephemeral, key string, delta int64, ttl time.Duration) (store.Counter, error) {
			c, err := s.Increment(context.Background(), key, delta, ttl)
			c.N = int64(uint32(c.N))
			return c, err
		}), "IncrementLimits"},
		{"large increments are cut", counting(func(s store.Ephemeral, key string, delta int64, ttl time.Duration) (store.Counter, error) {
			return s.Increment(context.Background(), key, max(-store.MaxDelta, min(delta, store.MaxDelta)), ttl)
		}), "IncrementLimits"},
		{"an increment reads and then writes", func(s store.Ephemeral) store.Ephemeral { return readThenCount{s, 1} }, "IncrementRace"},
		{"a decrement reads and then writes", func(s store.Ephemeral) store.Ephemeral { return readThenCount{s, -1} }, "DecrementRace"},
		{"a new window is begun twice", func(s store.Ephemeral) store.Ephemeral { return readThenCount{s, 1} }, "IncrementRaceOverExpired"},

		{"Add removes what has expired and then adds", func(s store.Ephemeral) store.Ephemeral { return lookThenPut{s} }, "AddRaceOverExpired"},
		{"Put gives up when another writes", func(s store.Ephemeral) store.Ephemeral { return &putGivesUp{Ephemeral: s} }, "PutRace"},
		{"a connection hands on the answer of a call that ended", func(s store.Ephemeral) store.Ephemeral { return &staleAnswers{Ephemeral: s} }, "EndedMidway"},
		{"a call that ended is repeated", func(s store.Ephemeral) store.Ephemeral { return repeats{s} }, "EndedMidway"},

		{"results are in any order", batching(func(ctx context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
			results := oneByOne(ctx, s, o)
			slices.Reverse(results)
			return results
		}), "BatchInOrder"},
		{"what is not found has no result", batching(func(ctx context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
			return slices.DeleteFunc(oneByOne(ctx, s, o), func(r store.Result) bool { return errors.Is(r.Err, store.ErrNotFound) })
		}), "BatchAlone"},
		{"the first failure ends the batch", batching(func(ctx context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
			for i := range o {
				if r := store.Do(ctx, s, o[i])[0]; r.Err != nil && ctx.Err() == nil && !errors.Is(r.Err, store.ErrInvalid) {
					return slices.Repeat([]store.Result{r}, len(o))
				}
			}
			return oneByOne(ctx, s, o)
		}), "BatchAlone"},
		{"one invalid operation refuses all", batching(func(ctx context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
			for i := range o {
				if err := o[i].Check(); err != nil {
					return slices.Repeat([]store.Result{{Err: err}}, len(o))
				}
			}
			return oneByOne(ctx, s, o)
		}), "BatchInvalid"},
		{"a key that comes again is refused", batching(func(ctx context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
			results, seen := oneByOne(ctx, s, o), map[string]bool{}
			for i := range o {
				row := fmt.Sprint(o[i].Verb, o[i].Key)
				if seen[row] {
					results[i].Err = errors.New("cannot affect a row a second time")
				}
				seen[row] = true
			}
			return results
		}), "BatchSameKey"},
		{"a batch ends at a hundred operations", batching(func(ctx context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
			return oneByOne(ctx, s, o[:min(len(o), 100)])
		}), "BatchLarge"},
		{"an empty batch fails", batching(func(ctx context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
			if len(o) == 0 {
				return []store.Result{{Err: errors.New("syntax error")}}
			}
			return oneByOne(ctx, s, o)
		}), "BatchEmpty"},
		{"a batch clears its values", batching(func(ctx context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
			defer func() {
				for i := range o {
					clear(o[i].Value)
				}
			}()
			return oneByOne(ctx, s, o)
		}), "BatchNoAliasing"},
		{"a batch ignores the context", batching(func(_ context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
			return oneByOne(context.Background(), s, o)
		}), "BatchEndedContext"},
		{"batches lock each other out", lockingBatches(), "BatchRace"},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			broken := storetest.Broken(t.Context(), func() storetest.Backend {
				b := correct(t)
				b.A = tt.handle(b.A)
				b.B = b.A
				return b
			})
			assert.Contains(t, broken, tt.rule)
		})
	}
}

// counts is an Ephemeral with another Increment.
type counts struct {
	store.Ephemeral
	increment func(s store.Ephemeral, key string, delta int64, ttl time.Duration) (store.Counter, error)
}

func counting(increment func(store.Ephemeral, string, int64, time.Duration) (store.Counter, error)) func(store.Ephemeral) store.Ephemeral {
	return func(s store.Ephemeral) store.Ephemeral { return counts{s, increment} }
}

func (s counts) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	if err := ctx.Err(); err != nil {
		return store.Counter{}, err
	}
	return s.increment(s.Ephemeral, key, delta, ttl)
}

// plainCounters counts as a map would.
type plainCounters struct {
	store.Ephemeral
	ends, prolongs bool

	mu       sync.Mutex
	counters map[string]store.Counter
}

func (s *plainCounters) Increment(_ context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counters == nil {
		s.counters = map[string]store.Counter{}
	}
	c := s.counters[key]
	c.N += delta
	if c.TTL == 0 || s.prolongs {
		c.TTL = ttl
	}
	if s.ends && c.N <= 0 {
		delete(s.counters, key)
		return store.Counter{}, nil
	}
	s.counters[key] = c
	return c, nil
}

// valueCounters keeps counters as values.
type valueCounters struct {
	store.Ephemeral
	prefix string
}

func (s valueCounters) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	value, err := s.Get(ctx, s.prefix+key)
	if err != nil && delta <= 0 {
		return store.Counter{}, nil
	}
	n, _ := strconv.ParseInt(string(value), 10, 64)
	n = max(0, n+delta)
	return store.Counter{N: n, TTL: ttl}, s.Put(ctx, s.prefix+key, strconv.AppendInt(nil, n, 10), ttl)
}

// readThenCount undoes what others did between its reading and its writing, for deltas of one sign.
type readThenCount struct {
	store.Ephemeral
	sign int64
}

func (s readThenCount) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	if s.sign*delta <= 0 {
		return s.Ephemeral.Increment(ctx, key, delta, ttl)
	}
	read, err := s.Ephemeral.Increment(ctx, key, 0, ttl)
	if err != nil {
		return read, err
	}
	yield()
	now, err := s.Ephemeral.Increment(ctx, key, 0, ttl)
	if err != nil {
		return read, err
	}
	return s.Ephemeral.Increment(ctx, key, read.N+delta-now.N, ttl)
}

// putGivesUp fails like an engine that cannot serialize.
type putGivesUp struct {
	store.Ephemeral
	mu sync.Mutex
}

func (s *putGivesUp) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if !s.mu.TryLock() {
		return errors.New("could not serialize access")
	}
	defer s.mu.Unlock()
	yield()
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

// staleAnswers is a connection on which the answer to a call that ended is read by the next one.
type staleAnswers struct {
	store.Ephemeral
	mu    sync.Mutex
	stale []byte
}

func (s *staleAnswers) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.Ephemeral.Get(context.WithoutCancel(ctx), key)
	yield()
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		s.stale = value
		return nil, ctx.Err()
	}
	if s.stale != nil && err == nil {
		value, s.stale = s.stale, nil
	}
	return value, err
}

// repeats does what its caller has given up.
type repeats struct{ store.Ephemeral }

func (s repeats) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	c, err := s.Ephemeral.Increment(ctx, key, delta, ttl)
	if ctx.Err() != nil {
		for range 10 {
			s.Ephemeral.Increment(context.WithoutCancel(ctx), key, delta, ttl)
		}
	}
	return c, err
}

// batches is an Ephemeral that is a Batcher too.
type batches struct {
	store.Ephemeral
	do func(ctx context.Context, s store.Ephemeral, operations []store.Operation) []store.Result
}

func batching(do func(context.Context, store.Ephemeral, []store.Operation) []store.Result) func(store.Ephemeral) store.Ephemeral {
	return func(s store.Ephemeral) store.Ephemeral { return batches{s, do} }
}

func (s batches) Do(ctx context.Context, operations []store.Operation) []store.Result {
	return s.do(ctx, s.Ephemeral, operations)
}

func oneByOne(ctx context.Context, s store.Ephemeral, operations []store.Operation) []store.Result {
	return store.Do(ctx, s, operations...)
}

// lockingBatches locks the rows of a batch one after the other, in its order, until the batch is done. Who waits too
// long for a row is told that this is a deadlock.
func lockingBatches() func(store.Ephemeral) store.Ephemeral {
	var mu sync.Mutex
	rows := map[string]chan struct{}{}
	lock := func(key string) (unlock func(), ok bool) {
		mu.Lock()
		row := rows[key]
		if row == nil {
			row = make(chan struct{}, 1)
			rows[key] = row
		}
		mu.Unlock()
		select {
		case row <- struct{}{}:
			return func() { <-row }, true
		case <-time.After(100 * time.Millisecond):
			return nil, false
		}
	}
	return batching(func(ctx context.Context, s store.Ephemeral, o []store.Operation) []store.Result {
		results, held := make([]store.Result, len(o)), map[string]bool{}
		for i := range o {
			if !held[o[i].Key] {
				held[o[i].Key] = true
				unlock, ok := lock(o[i].Key)
				if !ok {
					return slices.Repeat([]store.Result{{Err: errors.New("deadlock detected")}}, len(o))
				}
				defer unlock()
				yield()
			}
			results[i] = store.Do(ctx, s, o[i])[0]
		}
		return results
	})
}
