package memory

import (
	"bytes"
	"container/heap"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gosignet/signet/store"
)

// versionOverhead is what a version of a record costs beside its texts: itself, its places in slices and maps, and what
// the allocator rounds up.
const versionOverhead = 384

// separator is between the collection and the ID in the key of a record: neither has a byte 0.
const separator = "\x00"

// ledger is what a Store keeps as a [store.Ledger]. It has a lock of its own, so that a long listing does not stop the
// logins that are under way.
type ledger struct {
	mu          sync.Mutex
	maxBytes    int
	collections map[string]*collection // nil when the Store is closed
	expiry      expiryHeap
	bytes       int
}

// collection has the records of a collection and, in order, their IDs by owner. The owner "" has all of them.
type collection struct {
	name    string
	records map[string]*record
	ids     map[string][]string
}

// record is the versions of a record, the oldest first.
type record struct {
	in       *collection
	versions []store.Record
	expires  *entry // its key is the record's; nil if it never does
}

func (r *record) present() *store.Record { return &r.versions[len(r.versions)-1] }

func size(v *store.Record) int { return versionOverhead + len(v.ID) + len(v.Owner) + len(v.Value) }

// clone copies a record for somebody else. The texts may be small parts of large strings, which a copy lets go of.
func clone(v store.Record) store.Record {
	v.ID, v.Owner, v.Value = strings.Clone(v.ID), strings.Clone(v.Owner), bytes.Clone(v.Value)
	return v
}

// Read implements [store.Ledger].
func (s *Store) Read(ctx context.Context, collection, id string) (store.Record, error) {
	r, err := s.find(ctx, collection, id)
	if err != nil {
		return store.Record{}, err
	}
	defer s.ledger.mu.Unlock()
	return clone(*r.present()), nil
}

// History implements [store.Ledger].
func (s *Store) History(ctx context.Context, collection, id string) ([]store.Record, error) {
	r, err := s.find(ctx, collection, id)
	if err != nil {
		return nil, err
	}
	defer s.ledger.mu.Unlock()
	history := make([]store.Record, len(r.versions))
	for i, v := range r.versions {
		history[len(history)-1-i] = clone(v)
	}
	return history, nil
}

// find returns a record that lives. Without an error the caller unlocks the ledger.
func (s *Store) find(ctx context.Context, collection, id string) (*record, error) {
	if _, err := s.lockLedger(ctx, collection, id); err != nil {
		return nil, err
	}
	if c := s.ledger.collections[collection]; c != nil && c.records[id] != nil {
		return c.records[id], nil
	}
	s.ledger.mu.Unlock()
	return nil, store.ErrNotFound
}

// Write implements [store.Ledger]. It returns [store.ErrFull] when there is no room.
func (s *Store) Write(ctx context.Context, name string, r store.Record) (store.Record, error) {
	if err := store.CheckRecord(&r); err != nil {
		return store.Record{}, err
	}
	now, err := s.lockLedger(ctx, name, r.ID)
	if err != nil {
		return store.Record{}, err
	}
	l := &s.ledger
	defer l.mu.Unlock()
	c := l.collections[name]
	if c == nil {
		c = &collection{name: strings.Clone(name), records: map[string]*record{}, ids: map[string][]string{}}
	}
	old := c.records[r.ID]
	if old == nil && r.Version != 0 || old != nil && old.present().Version != r.Version {
		return store.Record{}, store.ErrConflict
	}
	if l.bytes+size(&r) > l.maxBytes {
		return store.Record{}, store.ErrFull
	}
	r = clone(r)
	r.Version++
	r.WrittenAt = now
	l.write(c, old, r)
	return clone(r), nil
}

func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.collections, l.expiry, l.bytes = nil, nil, 0
}

// write stores v as the version that follows those of r, which is nil for a new record.
func (l *ledger) write(c *collection, r *record, v store.Record) {
	owner := ""
	if r == nil {
		r = &record{in: c}
		l.collections[c.name] = c
		c.records[v.ID] = r
		c.index("", v.ID)
	} else {
		owner = r.present().Owner
	}
	if v.Owner != owner {
		if owner != "" {
			c.unindex(owner, v.ID)
		}
		c.index(v.Owner, v.ID)
	}
	l.bytes += size(&v)
	r.versions = append(r.versions, v)
	if len(r.versions) > store.MaxList {
		l.bytes -= size(&r.versions[0])
		r.versions[0] = store.Record{} // the array must not keep its texts alive
		r.versions = r.versions[1:]
	}
	l.neverExpires(r)
	if !v.ExpiresAt.IsZero() {
		r.expires = &entry{key: c.name + separator + v.ID, expires: v.ExpiresAt}
		heap.Push(&l.expiry, r.expires)
	}
}

func (l *ledger) neverExpires(r *record) {
	if r.expires != nil {
		heap.Remove(&l.expiry, r.expires.place)
		r.expires = nil
	}
}

func (l *ledger) remove(r *record) {
	l.neverExpires(r)
	for i := range r.versions {
		l.bytes -= size(&r.versions[i])
	}
	id, c := r.present().ID, r.in
	c.unindex(r.present().Owner, id)
	c.unindex("", id)
	delete(c.records, id)
	if len(c.records) == 0 {
		delete(l.collections, c.name)
	}
}

// removeExpired removes all that has expired.
func (l *ledger) removeExpired(now time.Time) {
	for len(l.expiry) > 0 && !now.Before(l.expiry[0].expires) {
		collection, id, _ := strings.Cut(l.expiry[0].entry.key, separator)
		l.remove(l.collections[collection].records[id])
	}
}

// index adds an ID to those of an owner, unless it is there.
func (c *collection) index(owner, id string) {
	if i, found := slices.BinarySearch(c.ids[owner], id); !found {
		c.ids[owner] = slices.Insert(c.ids[owner], i, id)
	}
}

func (c *collection) unindex(owner, id string) {
	ids := c.ids[owner]
	if i, found := slices.BinarySearch(ids, id); found {
		c.ids[owner] = slices.Delete(ids, i, i+1)
	}
	if len(c.ids[owner]) == 0 {
		delete(c.ids, owner)
	}
}

// List implements [store.Ledger].
func (s *Store) List(ctx context.Context, name string, q store.Query) ([]store.Record, error) {
	limit, err := store.CheckQuery(q)
	if err != nil {
		return nil, err
	}
	if err := store.CheckCollection(name); err != nil {
		return nil, err
	}
	if _, err := s.lockRecords(ctx); err != nil {
		return nil, err
	}
	defer s.ledger.mu.Unlock()
	c := s.ledger.collections[name]
	if c == nil {
		return nil, nil
	}
	ids := c.ids[q.Owner]
	from, found := slices.BinarySearch(ids, q.After)
	if found {
		from++
	}
	ids = ids[from:min(len(ids), from+limit)]
	list := make([]store.Record, len(ids))
	for i, id := range ids {
		list[i] = clone(*c.records[id].present())
	}
	return list, nil
}

// Erase implements [store.Ledger].
func (s *Store) Erase(ctx context.Context, collection, id string) error {
	r, err := s.find(ctx, collection, id)
	switch {
	case err == store.ErrNotFound:
		return nil
	case err != nil:
		return err
	}
	defer s.ledger.mu.Unlock()
	s.ledger.remove(r)
	return nil
}

// lockLedger begins a call about one record.
func (s *Store) lockLedger(ctx context.Context, collection, id string) (now time.Time, err error) {
	if err := store.CheckCollection(collection); err != nil {
		return now, err
	}
	if err := store.CheckKey(id); err != nil {
		return now, err
	}
	return s.lockRecords(ctx)
}

// lockRecords locks the ledger, removes what has expired and tells the time. Without an error the caller unlocks.
func (s *Store) lockRecords(ctx context.Context) (now time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return now, err
	}
	l := &s.ledger
	l.mu.Lock()
	if l.collections == nil {
		l.mu.Unlock()
		return now, ErrClosed
	}
	now = s.now()
	l.removeExpired(now)
	return now, nil
}
