package oauth_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// clients is a ClientStore that changes while it is used, and fails when err is set.
type clients struct {
	mu   sync.Mutex
	byID map[string]*oauth.Client
	err  error
	// asked are the identifiers that were looked up.
	asked []string
}

func (c *clients) Client(_ context.Context, id string) (*oauth.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, id)
	if c.err != nil {
		return nil, c.err
	}
	if client := c.byID[id]; client != nil {
		return client, nil
	}
	return nil, oauth.ErrUnknownClient
}

func (c *clients) put(client *oauth.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID[client.ID] = client
}

func (c *clients) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, id)
}

func (c *clients) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// faultyStore fails where a test says so, and remembers all that it was given.
type faultyStore struct {
	store.Ephemeral

	mu sync.Mutex
	// before is asked for an error before an operation, with its number since the last call of failWith.
	before  func(n int, operation string) error
	n       int
	written []byte
}

// failWith sets the hook; it runs under the lock of the store.
func (s *faultyStore) failWith(before func(n int, operation string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.n = before, 0
}

// interrupt runs f, which may use the store, before the n-th operation from now.
func (s *faultyStore) interrupt(n int, f func()) {
	s.failWith(func(i int, _ string) error {
		if i == n {
			s.before = nil
			s.mu.Unlock()
			defer s.mu.Lock()
			f()
		}
		return nil
	})
}

func (s *faultyStore) begin(operation, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	s.written = append(append(append(append(s.written, '\n'), key...), '\n'), value...)
	if s.before == nil {
		return nil
	}
	return s.before(s.n, operation)
}

func (s *faultyStore) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.begin("Put", key, value); err != nil {
		return err
	}
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

func (s *faultyStore) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.begin("Add", key, value); err != nil {
		return err
	}
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

func (s *faultyStore) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.begin("Get", key, nil); err != nil {
		return nil, err
	}
	return s.Ephemeral.Get(ctx, key)
}

func (s *faultyStore) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	if err := s.begin("Replace", key, new); err != nil {
		return err
	}
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}

// keysOf are the keys with the prefix among what was ever given.
func (s *faultyStore) keysOf(prefix string) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(string(s.written)) {
		if strings.HasPrefix(line, prefix) {
			keys = append(keys, strings.TrimSpace(line))
		}
	}
	return keys
}

func (s *faultyStore) Take(ctx context.Context, key string) ([]byte, error) {
	if err := s.begin("Take", key, nil); err != nil {
		return nil, err
	}
	return s.Ephemeral.Take(ctx, key)
}

func (s *faultyStore) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	if err := s.begin("Increment", key, nil); err != nil {
		return store.Counter{}, err
	}
	return s.Ephemeral.Increment(ctx, key, delta, ttl)
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

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// events keeps what was audited.
type events struct {
	mu  sync.Mutex
	all []audit.Event
}

func (e *events) Record(_ context.Context, event audit.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

// take returns the events since the last call.
func (e *events) take() []audit.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.all
	e.all = nil
	return all
}

// buffer takes the log.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
