package storetest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/storetest"
)

// clock is the time of one backend.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// correct opens a backend without a fault.
func correct(t testing.TB) storetest.Backend {
	c := &clock{now: time.Unix(1_000_000_000, 0)}
	m, err := memory.New(memory.Config{Now: c.Now})
	require.NoError(t, err)
	return storetest.Backend{A: m, B: m, Advance: c.Advance}
}

func TestACorrectBackendBreaksNoRule(t *testing.T) {
	t.Parallel()
	assert.Empty(t, storetest.Broken(t.Context(), func() storetest.Backend { return correct(t) }))
}

func TestABackendWithoutAClockToTurnIsWaitedFor(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Backend {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		return storetest.Backend{A: m, B: m}
	})
}

// TestABrokenBackendIsCaught breaks a correct backend in one way after the other.
func TestABrokenBackendIsCaught(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  string
		handle func(store.Ephemeral) store.Ephemeral
		rule   string // that catches it, among others perhaps
	}{
		{"each handle has state of its own", nil, "OneBackend"},
		{"Take gets and then deletes", func(s store.Ephemeral) store.Ephemeral { return getThenDelete{s} }, "TakeRace"},
		{"Take does not delete", func(s store.Ephemeral) store.Ephemeral { return takeKeeps{s} }, "TakeRemoves"},
		{"Add overwrites", func(s store.Ephemeral) store.Ephemeral { return addOverwrites{s} }, "AddKeepsTheFirst"},
		{"Add looks and then puts", func(s store.Ephemeral) store.Ephemeral { return lookThenPut{s} }, "AddRace"},
		{"Add prolongs a live value", func(s store.Ephemeral) store.Ephemeral { return addProlongs{s} }, "LastWriteDecidesExpiry"},
		{"Replace does not compare", func(s store.Ephemeral) store.Ephemeral { return replaceBlindly{s} }, "ReplaceCompares"},
		{"Replace compares text", func(s store.Ephemeral) store.Ephemeral { return replaceText{s} }, "ReplaceCompares"},
		{"Replace compares and then puts", func(s store.Ephemeral) store.Ephemeral { return compareThenPut{s} }, "ReplaceRace"},
		{"Replace brings back what was taken", func(s store.Ephemeral) store.Ephemeral { return compareThenPut{s} }, "TakeOrReplace"},
		{"Replace of nothing stores", func(s store.Ephemeral) store.Ephemeral { return replaceNothing{s} }, "Missing"},
		{"the time to live is ignored", func(s store.Ephemeral) store.Ephemeral { return forever(s) }, "ExpiredIsAbsent"},
		{"milliseconds are taken for seconds", func(s store.Ephemeral) store.Ephemeral {
			return changed{s, nil, nil, func(ttl time.Duration) time.Duration { return (ttl + 999) / 1000 }}
		}, "LivesAsLongAsAsked"},
		{"the time to live is cut to seconds", func(s store.Ephemeral) store.Ephemeral {
			return changed{s, nil, nil, func(ttl time.Duration) time.Duration { return ttl.Truncate(time.Second) }}
		}, "FractionsOfASecond"},
		{"a time to live of zero is for ever", func(s store.Ephemeral) store.Ephemeral {
			return changed{s, nil, nil, func(ttl time.Duration) time.Duration {
				if ttl <= 0 {
					return 1000 * time.Hour
				}
				return ttl
			}}
		}, "PositiveTTL"},
		{"a read shares memory", func(s store.Ephemeral) store.Ephemeral { return &sharesReads{Ephemeral: s} }, "NoAliasing"},
		{"a write shares memory", func(s store.Ephemeral) store.Ephemeral { return &sharesWrites{Ephemeral: s} }, "NoAliasing"},
		{"a write clears its argument", func(s store.Ephemeral) store.Ephemeral { return clearsArguments{s} }, "NoAliasing"},
		{"keys are folded", func(s store.Ephemeral) store.Ephemeral {
			return changed{s, strings.ToLower, nil, nil}
		}, "AnyKey"},
		{"keys are cut", func(s store.Ephemeral) store.Ephemeral {
			return changed{s, func(key string) string { return key[:min(len(key), store.MaxKey-1)] }, nil, nil}
		}, "AnyKey"},
		{"any key is taken", func(s store.Ephemeral) store.Ephemeral {
			return changed{s, func(key string) string { return "x" + hex.EncodeToString([]byte(key))[:min(2*len(key), 200)] }, nil, nil}
		}, "InvalidKeys"},
		{"values are cut", func(s store.Ephemeral) store.Ephemeral {
			return changed{s, nil, func(value []byte) []byte { return value[:min(len(value), 32<<10)] }, nil}
		}, "AnyBytes"},
		{"values are text", func(s store.Ephemeral) store.Ephemeral {
			return changed{s, nil, func(value []byte) []byte { return bytes.ToValidUTF8(value, []byte("?")) }, nil}
		}, "AnyBytes"},
		{"too large values are cut", func(s store.Ephemeral) store.Ephemeral {
			return changed{s, nil, func(value []byte) []byte { return value[:min(len(value), store.MaxValue)] }, nil}
		}, "TooLargeValues"},
		{"an empty value is taken for none", func(s store.Ephemeral) store.Ephemeral { return emptyIsNone{s} }, "AnyBytes"},
		{"Put does not overwrite", func(s store.Ephemeral) store.Ephemeral { return putAdds{s} }, "PutOverwrites"},
		{"the context is ignored", func(s store.Ephemeral) store.Ephemeral { return ignoresContext{s} }, "EndedContext"},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			broken := storetest.Broken(t.Context(), func() storetest.Backend {
				b := correct(t)
				if tt.handle == nil {
					b.B = correct(t).B
					return b
				}
				b.A, b.B = tt.handle(b.A), tt.handle(b.B)
				return b
			})
			assert.Contains(t, broken, tt.rule)
		})
	}
}

// yield lets the other racers run, as the network between two statements would.
func yield() {
	for range 100 {
		runtime.Gosched()
	}
}

type getThenDelete struct{ store.Ephemeral }

func (s getThenDelete) Take(ctx context.Context, key string) ([]byte, error) {
	value, err := s.Get(ctx, key)
	yield()
	if err == nil {
		s.Ephemeral.Take(ctx, key)
	}
	return value, err
}

type takeKeeps struct{ store.Ephemeral }

func (s takeKeeps) Take(ctx context.Context, key string) ([]byte, error) { return s.Get(ctx, key) }

type addOverwrites struct{ store.Ephemeral }

func (s addOverwrites) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.Put(ctx, key, value, ttl)
}

type lookThenPut struct{ store.Ephemeral }

func (s lookThenPut) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if _, err := s.Get(ctx, key); err == nil {
		return store.ErrExists
	}
	yield()
	return s.Put(ctx, key, value, ttl)
}

type addProlongs struct{ store.Ephemeral }

func (s addProlongs) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	err := s.Ephemeral.Add(ctx, key, value, ttl)
	if errors.Is(err, store.ErrExists) {
		if old, err := s.Get(ctx, key); err == nil {
			s.Put(ctx, key, old, ttl)
		}
	}
	return err
}

type replaceBlindly struct{ store.Ephemeral }

func (s replaceBlindly) Replace(ctx context.Context, key string, _, new []byte, ttl time.Duration) error {
	if _, err := s.Get(ctx, key); err != nil {
		return store.ErrConflict
	}
	return s.Put(ctx, key, new, ttl)
}

type replaceText struct{ store.Ephemeral }

func (s replaceText) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	live, err := s.Get(ctx, key)
	if err == nil && bytes.EqualFold(live, old) {
		old = live
	}
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}

type compareThenPut struct{ store.Ephemeral }

func (s compareThenPut) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	if live, err := s.Get(ctx, key); err != nil || !bytes.Equal(live, old) {
		return store.ErrConflict
	}
	yield()
	return s.Put(ctx, key, new, ttl)
}

type replaceNothing struct{ store.Ephemeral }

func (s replaceNothing) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	if len(old) == 0 && s.Add(ctx, key, new, ttl) == nil {
		return nil
	}
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}

type putAdds struct{ store.Ephemeral }

func (s putAdds) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.Add(ctx, key, value, ttl); !errors.Is(err, store.ErrExists) {
		return err
	}
	return nil
}

type emptyIsNone struct{ store.Ephemeral }

func (s emptyIsNone) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.Ephemeral.Get(ctx, key)
	if err == nil && len(value) == 0 {
		return nil, store.ErrNotFound
	}
	return value, err
}

// sharesReads returns the same slice for as long as the value is the same.
type sharesReads struct {
	store.Ephemeral
	last sync.Map
}

func (s *sharesReads) Get(ctx context.Context, key string) ([]byte, error) {
	if last, ok := s.last.Load(key); ok {
		return last.([]byte), nil
	}
	value, err := s.Ephemeral.Get(ctx, key)
	if err == nil {
		s.last.Store(key, value)
	}
	return value, err
}

// sharesWrites keeps the slice that Put was given.
type sharesWrites struct {
	store.Ephemeral
	given sync.Map
}

func (s *sharesWrites) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.given.Store(key, value)
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

func (s *sharesWrites) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.Ephemeral.Get(ctx, key)
	if given, ok := s.given.Load(key); ok && err == nil {
		return bytes.Clone(given.([]byte)), nil
	}
	return value, err
}

type clearsArguments struct{ store.Ephemeral }

func (s clearsArguments) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	defer clear(value)
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

type ignoresContext struct{ store.Ephemeral }

func (s ignoresContext) Get(ctx context.Context, key string) ([]byte, error) {
	return s.Ephemeral.Get(context.WithoutCancel(ctx), key)
}

// changed changes the arguments of the writes, and the key of every method.
type changed struct {
	store.Ephemeral
	key   func(string) string
	value func([]byte) []byte
	ttl   func(time.Duration) time.Duration
}

func forever(s store.Ephemeral) store.Ephemeral {
	return changed{s, nil, nil, func(ttl time.Duration) time.Duration {
		if ttl > 0 {
			return 1000 * time.Hour
		}
		return ttl
	}}
}

func (s changed) change(key string, value []byte, ttl time.Duration) (string, []byte, time.Duration) {
	if s.key != nil {
		key = s.key(key)
	}
	if s.value != nil {
		value = s.value(value)
	}
	if s.ttl != nil {
		ttl = s.ttl(ttl)
	}
	return key, value, ttl
}

func (s changed) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	key, value, ttl = s.change(key, value, ttl)
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

func (s changed) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	key, value, ttl = s.change(key, value, ttl)
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

func (s changed) Get(ctx context.Context, key string) ([]byte, error) {
	key, _, _ = s.change(key, nil, 0)
	return s.Ephemeral.Get(ctx, key)
}

func (s changed) Take(ctx context.Context, key string) ([]byte, error) {
	key, _, _ = s.change(key, nil, 0)
	return s.Ephemeral.Take(ctx, key)
}

func (s changed) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	key, new, ttl = s.change(key, new, ttl)
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}
