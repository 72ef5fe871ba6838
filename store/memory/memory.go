// Package memory keeps state in the memory of one process.
//
// It is for a provider that runs on one machine, and for tests: a restart forgets every login that is under way and
// every record that was to last, and several instances do not see each other's state. It is bounded, and when it is full
// it refuses new state instead of dropping what others are still using.
package memory

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gosignet/signet/store"
)

const (
	// DefaultMaxEntries is the bound on the number of values if the Config sets none.
	DefaultMaxEntries = 1 << 20
	// DefaultMaxBytes is the bound on the memory of values if the Config sets none: 256 MiB.
	DefaultMaxBytes = 256 << 20
	// DefaultMaxRecordBytes is the bound on the memory of lasting records if the Config sets none: 256 MiB.
	DefaultMaxRecordBytes = 256 << 20

	// overhead is what an entry costs beside its key and its value: itself, its places in map and heap, and what the
	// allocator rounds up.
	overhead = 224

	// sweepPerCall is how many expired entries one call removes. A call adds one at most, so that even two are enough
	// to keep expired entries from piling up, and a few more let go of the memory of a rush soon after it.
	sweepPerCall = 8

	// counterPrefix keeps counters apart from values: no key has a byte 0.
	counterPrefix = "\x00"

	// keepRoom is the number of entries for which the map and the heap stay allocated when there are fewer.
	keepRoom = 4096
)

// ErrClosed is returned by every method after Close.
var ErrClosed = errors.New("memory: store is closed")

// Config bounds a Store. The zero value is safe to use.
type Config struct {
	// MaxEntries is how many values are kept at most. Zero means DefaultMaxEntries.
	MaxEntries int
	// MaxBytes is how much memory the values may take, counting keys, values and what it costs to manage them. Zero
	// means DefaultMaxBytes. An idle Store takes none of it.
	MaxBytes int
	// MaxRecordBytes is the same for the records of the [store.Ledger] with their histories, of which the newest
	// [store.MaxList] versions are kept. Zero means DefaultMaxRecordBytes.
	MaxRecordBytes int
	// Now is the clock that decides when a value or a record has expired. Nil means time.Now.
	Now func() time.Time
}

// Store is a [store.Ephemeral], a [store.Ledger] and a [store.Notifier] in memory.
//
// It starts no goroutine. Each call removes a few values that have expired, the oldest first, and a call that finds
// the Store full removes all of them before it gives up with [store.ErrFull]; live values are never evicted. Records
// have a bound of their own, so that a rush of logins leaves room for the consents that they end in.
type Store struct {
	maxEntries int
	maxBytes   int
	now        func() time.Time

	mu      sync.Mutex
	closed  bool
	entries map[string]*entry
	expiry  expiryHeap
	bytes   int

	ledger ledger
	topics topics
}

var (
	_ store.Ephemeral = (*Store)(nil)
	_ store.Ledger    = (*Store)(nil)
	_ store.Notifier  = (*Store)(nil)
)

// New returns an empty Store, or every mistake in the Config.
func New(c Config) (*Store, error) {
	var errs []error
	if c.MaxEntries < 0 {
		errs = append(errs, fmt.Errorf("memory: MaxEntries is negative: %d", c.MaxEntries))
	}
	if c.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("memory: MaxBytes is negative: %d", c.MaxBytes))
	}
	if c.MaxRecordBytes < 0 {
		errs = append(errs, fmt.Errorf("memory: MaxRecordBytes is negative: %d", c.MaxRecordBytes))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Store{
		maxEntries: cmp.Or(c.MaxEntries, DefaultMaxEntries),
		maxBytes:   cmp.Or(c.MaxBytes, DefaultMaxBytes),
		now:        c.Now,
		entries:    map[string]*entry{},
		ledger:     ledger{maxBytes: cmp.Or(c.MaxRecordBytes, DefaultMaxRecordBytes), collections: map[string]*collection{}},
		topics:     topics{subscribers: map[string]map[chan struct{}]struct{}{}},
	}, nil
}

// Close forgets everything and wakes nobody. Later calls of other methods return ErrClosed; a second Close does nothing.
func (s *Store) Close() error {
	s.ledger.close()
	s.topics.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.entries, s.expiry, s.bytes = nil, nil, 0
	return nil
}

// Put implements [store.Ephemeral].
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckWrite(key, value, ttl); err != nil {
		return err
	}
	now, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	return s.set(s.live(key, now), key, value, now, ttl)
}

// Add implements [store.Ephemeral].
func (s *Store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckWrite(key, value, ttl); err != nil {
		return err
	}
	now, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.live(key, now) != nil {
		return store.ErrExists
	}
	return s.set(nil, key, value, now, ttl)
}

// Get implements [store.Ephemeral].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := store.CheckKey(key); err != nil {
		return nil, err
	}
	now, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	e := s.live(key, now)
	if e == nil {
		return nil, store.ErrNotFound
	}
	return bytes.Clone(e.value), nil
}

// Take implements [store.Ephemeral].
func (s *Store) Take(ctx context.Context, key string) ([]byte, error) {
	if err := store.CheckKey(key); err != nil {
		return nil, err
	}
	now, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	e := s.live(key, now)
	if e == nil {
		return nil, store.ErrNotFound
	}
	s.remove(e)
	return e.value, nil
}

// Replace implements [store.Ephemeral].
func (s *Store) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	if err := store.CheckWrite(key, new, ttl); err != nil {
		return err
	}
	now, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	e := s.live(key, now)
	if e == nil || !bytes.Equal(e.value, old) {
		return store.ErrConflict
	}
	return s.set(e, key, new, now, ttl)
}

// Increment implements [store.Ephemeral].
func (s *Store) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	if err := store.CheckIncrement(key, delta, ttl); err != nil {
		return store.Counter{}, err
	}
	now, err := s.lock(ctx)
	if err != nil {
		return store.Counter{}, err
	}
	defer s.mu.Unlock()
	key = counterPrefix + key
	if e := s.live(key, now); e != nil { // which nobody else sees, and which keeps its time
		n := max(0, int64(binary.BigEndian.Uint64(e.value))+delta)
		binary.BigEndian.PutUint64(e.value, uint64(n))
		return store.Counter{N: n, TTL: e.expires.Sub(now)}, nil
	}
	if delta <= 0 {
		return store.Counter{}, nil
	}
	if err := s.set(nil, key, binary.BigEndian.AppendUint64(nil, uint64(delta)), now, ttl); err != nil {
		return store.Counter{}, err
	}
	return store.Counter{N: delta, TTL: ttl}, nil
}

// lock begins a call: it locks the Store, removes some of what has expired and tells the time. Without an error the
// caller unlocks.
func (s *Store) lock(ctx context.Context) (now time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return now, err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return now, ErrClosed
	}
	now = s.now()
	for range sweepPerCall {
		if !s.removeExpired(now) {
			break
		}
	}
	return now, nil
}

// live returns the entry under key, or nil if there is none or it has expired.
func (s *Store) live(key string, now time.Time) *entry {
	if e := s.entries[key]; e != nil && now.Before(e.expires) {
		return e
	}
	return nil
}

// set stores a copy of value in place of the live entry e, or as a new entry if e is nil.
func (s *Store) set(e *entry, key string, value []byte, now time.Time, ttl time.Duration) error {
	if e == nil {
		if expired := s.entries[key]; expired != nil {
			s.remove(expired)
		}
		if !s.makeRoom(1, overhead+len(key)+len(value), now) {
			return store.ErrFull
		}
		// The key may be a small part of a large string, which a copy lets go of.
		e = &entry{key: strings.Clone(key), value: bytes.Clone(value), expires: now.Add(ttl)}
		s.entries[e.key] = e
		s.bytes += e.size()
		heap.Push(&s.expiry, e)
		return nil
	}
	growth := len(value) - len(e.value)
	if !s.makeRoom(0, growth, now) {
		return store.ErrFull
	}
	s.bytes += growth
	e.value, e.expires = bytes.Clone(value), now.Add(ttl)
	s.expiry[e.place].expires = e.expires
	heap.Fix(&s.expiry, e.place)
	return nil
}

// makeRoom says whether there is room for so many more entries and bytes, after removing as much of what has expired
// as that takes.
func (s *Store) makeRoom(entries, bytes int, now time.Time) bool {
	for len(s.entries)+entries > s.maxEntries || s.bytes+bytes > s.maxBytes {
		if !s.removeExpired(now) {
			return false
		}
	}
	return true
}

// removeExpired removes the entry that expired first, or returns false if none has expired.
func (s *Store) removeExpired(now time.Time) bool {
	if len(s.expiry) == 0 || now.Before(s.expiry[0].expires) {
		return false
	}
	s.remove(s.expiry[0].entry)
	return true
}

func (s *Store) remove(e *entry) {
	heap.Remove(&s.expiry, e.place)
	delete(s.entries, e.key)
	s.bytes -= e.size()
	if most := cap(s.expiry); most > keepRoom && len(s.entries) < most/8 {
		s.shrink()
	}
}

// shrink gives back the memory of a rush that is over: neither a map nor a slice shrinks by itself.
func (s *Store) shrink() {
	entries := make(map[string]*entry, len(s.entries))
	maps.Copy(entries, s.entries)
	s.entries, s.expiry = entries, slices.Clone(s.expiry)
}
