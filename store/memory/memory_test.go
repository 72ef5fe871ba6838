package memory_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/storetest"
)

// clock is a time that tests turn.
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

func newStore(t testing.TB, c memory.Config) (*memory.Store, *clock) {
	t.Helper()
	now := &clock{now: time.Unix(1_000_000_000, 0)}
	c.Now = now.Now
	s, err := memory.New(c)
	require.NoError(t, err)
	return s, now
}

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Backend {
		s, now := newStore(t, memory.Config{})
		return storetest.Backend{A: s, B: s, Advance: now.Advance}
	})
}

func TestStoreKeepsTheContractOfALedger(t *testing.T) {
	t.Parallel()
	storetest.RunLedger(t, func(t testing.TB) storetest.LedgerBackend {
		s, now := newStore(t, memory.Config{})
		return storetest.LedgerBackend{A: s, B: s, Advance: now.Advance}
	})
}

func TestStoreKeepsTheContractOfANotifier(t *testing.T) {
	t.Parallel()
	storetest.RunNotifier(t, func(t testing.TB) storetest.NotifierBackend {
		s, _ := newStore(t, memory.Config{})
		return storetest.NotifierBackend{A: s, B: s}
	})
}

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := memory.New(memory.Config{MaxEntries: -1, MaxBytes: -2, MaxRecordBytes: -3})
	assert.ErrorContains(t, err, "MaxEntries is negative: -1")
	assert.ErrorContains(t, err, "MaxBytes is negative: -2")
	assert.ErrorContains(t, err, "MaxRecordBytes is negative: -3")
}

func TestFullStoreRefusesNewEntriesAndKeepsLiveOnes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, now := newStore(t, memory.Config{MaxEntries: 2})
	require.NoError(t, s.Put(ctx, "a", []byte("a"), time.Minute))
	require.NoError(t, s.Add(ctx, "b", []byte("b"), time.Hour))

	assert.ErrorIs(t, s.Add(ctx, "c", nil, time.Hour), store.ErrFull)
	assert.ErrorIs(t, s.Put(ctx, "c", nil, time.Hour), store.ErrFull)
	assert.NoError(t, s.Put(ctx, "a", []byte("A"), time.Minute), "a live value is changed in its place")
	assert.NoError(t, s.Replace(ctx, "b", []byte("b"), []byte("B"), time.Hour), "a live value is changed in its place")

	now.Advance(time.Minute)
	assert.NoError(t, s.Add(ctx, "c", nil, time.Hour), "what has expired makes room")
	value, err := s.Get(ctx, "b")
	require.NoError(t, err)
	assert.Equal(t, "B", string(value))
}

func TestFullStoreRefusesMoreBytes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, _ := newStore(t, memory.Config{MaxBytes: 4096})
	require.NoError(t, s.Put(ctx, "a", make([]byte, 2048), time.Hour))

	assert.ErrorIs(t, s.Put(ctx, "b", make([]byte, 2048), time.Hour), store.ErrFull)
	assert.ErrorIs(t, s.Put(ctx, "a", make([]byte, 4096), time.Hour), store.ErrFull)
	assert.ErrorIs(t, s.Replace(ctx, "a", make([]byte, 2048), make([]byte, 4096), time.Hour), store.ErrFull)

	value, err := s.Take(ctx, "a")
	require.NoError(t, err)
	assert.Len(t, value, 2048, "a refused write leaves the live value")
	assert.NoError(t, s.Put(ctx, "b", make([]byte, 2048), time.Hour), "what was taken makes room")
}

func TestOneCallMakesAllTheRoomItNeeds(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, now := newStore(t, memory.Config{MaxBytes: 64 << 10})
	for i := range 100 {
		require.NoError(t, s.Put(ctx, strconv.Itoa(i), make([]byte, 400), time.Minute))
	}
	now.Advance(time.Minute)
	assert.NoError(t, s.Put(ctx, "large", make([]byte, 60<<10), time.Minute))
}

func TestProlongedValueDoesNotKeepExpiredOnes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, now := newStore(t, memory.Config{MaxEntries: 2})
	require.NoError(t, s.Put(ctx, "prolonged", nil, time.Second))
	require.NoError(t, s.Put(ctx, "expired", nil, time.Minute))
	require.NoError(t, s.Put(ctx, "prolonged", nil, time.Hour))
	now.Advance(time.Minute)
	assert.NoError(t, s.Add(ctx, "new", nil, time.Minute))
}

func TestBytesAreCountedThroughEveryChange(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, now := newStore(t, memory.Config{MaxBytes: 3000})
	for i := range 1000 {
		key := strconv.Itoa(i % 7)
		require.NoError(t, s.Put(ctx, key, make([]byte, 1000), time.Minute))
		require.NoError(t, s.Put(ctx, key, make([]byte, 10), time.Minute))
		require.NoError(t, s.Replace(ctx, key, make([]byte, 10), make([]byte, 2000), time.Minute))
		if i%2 == 0 {
			now.Advance(time.Minute)
			continue
		}
		_, err := s.Take(ctx, key)
		require.NoError(t, err)
	}
	now.Advance(time.Minute)
	require.NoError(t, s.Put(ctx, "large", make([]byte, 2500), time.Minute))
}

// It measures the heap, and therefore runs alone.
func TestExpiredValuesAreRemovedBesideOtherCalls(t *testing.T) {
	const entries, size = 4000, 4096
	ctx := t.Context()
	s, now := newStore(t, memory.Config{})
	for i := range entries {
		require.NoError(t, s.Put(ctx, strconv.Itoa(i), make([]byte, size), time.Minute))
	}
	full := heapInUse()
	now.Advance(time.Hour)
	for range entries {
		_, err := s.Get(ctx, "other")
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	freed := int64(full) - int64(heapInUse())
	assert.Greater(t, freed, int64(entries*size*9/10))
	runtime.KeepAlive(s)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestStoreStaysUsableWhenARushIsOver(t *testing.T) {
	t.Parallel()
	const rush, rest = 20_000, 100
	ctx := t.Context()
	s, now := newStore(t, memory.Config{})
	for i := range rush {
		ttl := time.Minute
		if i < rest {
			ttl = time.Hour
		}
		require.NoError(t, s.Put(ctx, strconv.Itoa(i), []byte(strconv.Itoa(i)), ttl))
	}
	now.Advance(time.Minute)
	for i := range rush {
		value, err := s.Get(ctx, strconv.Itoa(i))
		if i >= rest {
			require.ErrorIs(t, err, store.ErrNotFound)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(i), string(value))
	}
	for i := range rest {
		_, err := s.Take(ctx, strconv.Itoa(i))
		require.NoError(t, err)
	}
}

func TestClosedStoreAnswersErrClosed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, _ := newStore(t, memory.Config{})
	require.NoError(t, s.Put(ctx, "key", nil, time.Hour))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing again does nothing")

	_, get := s.Get(ctx, "key")
	_, take := s.Take(ctx, "key")
	for name, err := range map[string]error{
		"Put":     s.Put(ctx, "key", nil, time.Hour),
		"Add":     s.Add(ctx, "key", nil, time.Hour),
		"Get":     get,
		"Take":    take,
		"Replace": s.Replace(ctx, "key", nil, nil, time.Hour),
	} {
		assert.ErrorIs(t, err, memory.ErrClosed, name)
	}
}

func ExampleNew() {
	s, err := memory.New(memory.Config{MaxEntries: 100_000})
	if err != nil {
		panic(err)
	}
	defer s.Close()

	ctx := context.Background()
	fmt.Println(s.Add(ctx, "jti:1", nil, time.Minute))
	fmt.Println(s.Add(ctx, "jti:1", nil, time.Minute))
	// Output:
	// <nil>
	// store: already exists
}

func BenchmarkStore(b *testing.B) {
	for _, live := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			s, err := memory.New(memory.Config{})
			require.NoError(b, err)
			value := make([]byte, 1024)
			for i := range live {
				require.NoError(b, s.Put(b.Context(), "live:"+strconv.Itoa(i), nil, time.Duration(i+1)*time.Hour))
			}
			var n atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				ctx := context.Background()
				for p.Next() {
					key := strconv.FormatInt(n.Add(1), 36)
					if err := s.Add(ctx, key, value, time.Minute); err != nil {
						b.Error(err)
					}
					if _, err := s.Take(ctx, key); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
