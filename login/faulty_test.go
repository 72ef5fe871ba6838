package login_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gosignet/signet/store"
)

// errOutage is that of a backend that cannot be reached.
var errOutage = errors.New("backend is gone")

// faultyStore is a store that can be cut off, remembers every key and value that it ever held, and counts the calls.
type faultyStore struct {
	store.Ephemeral

	mu     sync.Mutex
	down   bool
	after  int // calls that still go through before it goes down by itself, if it is positive
	calls  int
	values map[string][]byte
	broken string           // no operation on keys with this prefix goes through, if it is not empty
	before func(key string) // called once, before a value is added
}

func (s *faultyStore) call(key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.down || s.broken != "" && strings.HasPrefix(key, s.broken) {
		return fmt.Errorf("%w: %s", errOutage, key)
	}
	if s.after > 0 {
		s.after--
		s.down = s.after == 0
	}
	if value != nil && s.values != nil {
		s.values[key] = append(s.values[key], value...)
	}
	return nil
}

func (s *faultyStore) cut(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.after = down, 0
}

// breakKeys lets no operation on keys with the prefix through. An empty one lets all through again.
func (s *faultyStore) breakKeys(prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = prefix
}

// cutAfter lets so many calls through before the store goes down.
func (s *faultyStore) cutAfter(calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after, s.down = calls, calls == 0
}

func (s *faultyStore) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.call(key, value); err != nil {
		return err
	}
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

func (s *faultyStore) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.mu.Lock()
	before := s.before
	s.before = nil
	s.mu.Unlock()
	if before != nil {
		before(key)
	}
	if err := s.call(key, value); err != nil {
		return err
	}
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

func (s *faultyStore) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.call(key, nil); err != nil {
		return nil, err
	}
	return s.Ephemeral.Get(ctx, key)
}

func (s *faultyStore) Take(ctx context.Context, key string) ([]byte, error) {
	if err := s.call(key, nil); err != nil {
		return nil, err
	}
	return s.Ephemeral.Take(ctx, key)
}

func (s *faultyStore) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	if err := s.call(key, new); err != nil {
		return err
	}
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}

func (s *faultyStore) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	if err := s.call(key, []byte{}); err != nil {
		return store.Counter{}, err
	}
	return s.Ephemeral.Increment(ctx, key, delta, ttl)
}

// keysOf are the keys that were ever written with the prefix.
func (s *faultyStore) keysOf(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for key := range s.values {
		if strings.HasPrefix(key, prefix) {
			found = append(found, key)
		}
	}
	return found
}
