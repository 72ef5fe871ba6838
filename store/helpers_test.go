package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

type login struct {
	Person   string
	Attempts int
}

// bench is a bucket over a memory store whose contents can be looked at and changed.
type bench struct {
	store.Bucket[login]
	backend *spy
	clock   *clock
}

func newBench(t testing.TB) *bench {
	t.Helper()
	c := &clock{now: time.Unix(1_000_000_000, 0)}
	m, err := memory.New(memory.Config{Now: c.Now})
	require.NoError(t, err)
	backend := &spy{Ephemeral: m, records: map[string][]byte{}}
	return &bench{store.Bucket[login]{Store: backend, Name: "logins", Now: c.Now}, backend, c}
}

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

// spy remembers all that the backend was ever given.
type spy struct {
	store.Ephemeral
	mu      sync.Mutex
	records map[string][]byte
}

func (s *spy) see(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[key] = slices.Clone(value)
}

func (s *spy) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.see(key, value)
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

func (s *spy) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.see(key, value)
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

func (s *spy) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	s.see(key, new)
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}

// only returns the one record that the backend was given.
func (s *spy) only(t testing.TB) (key string, record []byte) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.records, 1)
	for key, record = range s.records {
	}
	return key, record
}
