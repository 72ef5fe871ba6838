package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// maxStrangers is how many look-ups of clients that are not in memory reach the ledger at once, so that whoever makes
// client IDs up takes no more than these connections from those who log in. The clients in memory do not wait for them.
const maxStrangers = 8

// Client implements [oauth.ClientStore].
//
// A client that was read not long ago is returned from memory. A client with a jwks_uri has Keys only while they are
// fresh: it never waits for them here; see RefreshKeys.
func (r *Registry) Client(ctx context.Context, id string) (*oauth.Client, error) {
	e, err := r.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if e.keys != nil {
		if set := e.keys.fresh(r.clock()); set != nil {
			return e.with(set), nil
		}
	}
	return e.client, nil
}

// RefreshKeys implements [oauth.KeyRefresher]. It fetches the client's keys if they are not there, have become old or
// lack the kid, and no fetch was begun in the last 30 seconds. Keys that cannot be fetched again are used for up to an
// hour longer. A client whose keys cannot be had is returned without any.
func (r *Registry) RefreshKeys(ctx context.Context, id, kid string) (*oauth.Client, error) {
	e, err := r.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if e.keys == nil {
		return e.client, nil
	}
	set, err := e.keys.refresh(ctx, kid)
	if err != nil {
		return nil, fmt.Errorf("registry: keys of client %q: %w", id, err)
	}
	if set == nil {
		return e.client, nil
	}
	return e.with(set), nil
}

// find returns an active client that is up to date.
func (r *Registry) find(ctx context.Context, id string) (*entry, error) {
	generation, now := r.cache.generation.Load(), r.clock()
	e := r.cache.get(id)
	if e == nil {
		if store.CheckKey(id) != nil {
			return nil, oauth.ErrUnknownClient
		}
		if u, ok := r.unknown.get(id); ok && u.generation == generation && now-u.read < r.config.CacheFor {
			return nil, oauth.ErrUnknownClient
		}
		return r.wait(ctx, id, generation)
	}
	age := now - time.Duration(e.read.Load())
	if e.generation.Load() == generation && age < r.config.CacheFor {
		return e, nil
	}
	if retry := e.retry.Load(); retry != 0 && e.failed.Load() == generation && age < r.config.StaleFor {
		// The ledger could not be reached, and nobody waits for it again.
		if int64(now) >= retry {
			r.join(id)
		}
		return e, nil
	}
	return r.wait(ctx, id, generation)
}

// read is a look-up in the ledger, for all who wait for it.
type read struct {
	generation uint64
	done       chan struct{} // closed when the rest is set
	entry      *entry
	err        error
}

// wait returns what a look-up finds that was not begun before the generation.
func (r *Registry) wait(ctx context.Context, id string, generation uint64) (*entry, error) {
	for {
		read := r.join(id)
		select {
		case <-read.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if read.generation >= generation {
			return read.entry, read.err
		}
	}
}

// join returns the look-up of the client that is under way, or begins one.
func (r *Registry) join(id string) *read {
	s := r.cache.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if under := s.reads[id]; under != nil {
		return under
	}
	id = strings.Clone(id)
	began := &read{generation: r.cache.generation.Load(), done: make(chan struct{})}
	s.reads[id] = began
	go func() {
		began.entry, began.err = r.look(id, began.generation)
		s.mu.Lock()
		delete(s.reads, id)
		s.mu.Unlock()
		close(began.done)
	}()
	return began
}

// look asks the ledger for the client, and remembers the answer.
func (r *Registry) look(id string, generation uint64) (*entry, error) {
	ctx, cancel := context.WithTimeout(r.life, ledgerTimeout)
	defer cancel()
	before := r.cache.get(id)
	if before == nil {
		select {
		case r.strangers <- struct{}{}:
			defer func() { <-r.strangers }()
		case <-ctx.Done():
			return nil, fmt.Errorf("registry: too many look-ups of clients: %w", ctx.Err())
		}
	}
	at := r.clock()
	e, err := r.records.Get(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && e.Value.Status != Active:
		r.cache.remove(id)
		r.unknown.add(id, unknownID{at, generation})
		return nil, oauth.ErrUnknownClient
	case err != nil:
		return r.unreachable(before, at, generation, err)
	case before != nil && before.version == e.Version:
		before.confirm(at, generation)
		return before, nil
	}
	client, err := Parse(e.Value.Metadata)
	if err == nil && client.ID != id {
		err = errors.New("it is registered under another ID")
	}
	if err != nil {
		r.config.Logger.Error("client is not served", "client_id", id, "version", e.Version, "error", err)
		r.cache.remove(id)
		r.unknown.add(id, unknownID{at, generation})
		return nil, oauth.ErrUnknownClient
	}
	after := &entry{client: client, version: e.Version}
	if client.JWKSURI != "" {
		after.keys = newRemoteKeys(r.fetcher, id, client.JWKSURI)
		if before != nil && before.keys != nil && before.keys.uri == client.JWKSURI {
			after.keys = before.keys
		}
	}
	after.confirm(at, generation)
	r.cache.put(after)
	return after, nil
}

// unreachable returns the client as it was read before, if that is not too long ago.
func (r *Registry) unreachable(before *entry, at time.Duration, generation uint64, err error) (*entry, error) {
	if before == nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	before.failed.Store(generation)
	first := before.retry.Swap(int64(r.clock()+retryAfter)) == 0
	stale := at - time.Duration(before.read.Load())
	if stale >= r.config.StaleFor {
		return nil, fmt.Errorf("registry: client %q was read %s ago: %w", before.client.ID, stale.Round(time.Second), err)
	}
	if first {
		r.config.Logger.Warn("client could not be read again", "client_id", before.client.ID, "read_ago", stale, "error", err)
	}
	return before, nil
}
