package registry

import (
	"hash/maphash"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosignet/signet/oauth"
)

const (
	shards = 64
	// maxUnknown is how many unknown IDs are remembered, twice at most.
	maxUnknown = 4096
)

// entry is a client in memory.
type entry struct {
	client  *oauth.Client // as it is registered
	version int64
	keys    *remoteKeys // nil unless the client has a jwks_uri
	served  atomic.Pointer[served]

	// When the ledger said last that this is the client's present version, and in which generation. Two words that change
	// one after the other do no harm: in between, the entry is out of date by one of them.
	read       atomic.Int64 // by Registry.clock
	generation atomic.Uint64
	// retry is when the ledger is asked again that could not be reached, in the generation failed; 0 if it could.
	retry  atomic.Int64
	failed atomic.Uint64
}

// served is the client together with a set of its keys.
type served struct {
	set    *keySet
	client *oauth.Client
}

// with returns the client with the keys of the set.
func (e *entry) with(set *keySet) *oauth.Client {
	if s := e.served.Load(); s != nil && s.set == set {
		return s.client
	}
	c := *e.client
	c.Keys = set.keys
	e.served.Store(&served{set, &c})
	return &c
}

// confirm notes that the ledger said so.
func (e *entry) confirm(at time.Duration, generation uint64) {
	e.read.Store(int64(at))
	e.generation.Store(generation)
	e.retry.Store(0)
}

// cache keeps entries so that finding one neither allocates nor locks: a shard is a map that is never changed but copied.
type cache struct {
	// generation counts the occasions on which anything may have changed. What was read in an earlier one is read again.
	generation atomic.Uint64

	seed   maphash.Seed
	most   int // entries of a shard
	shards [shards]shard
}

type shard struct {
	entries atomic.Pointer[map[string]*entry]

	mu    sync.Mutex
	reads map[string]*read // under way
}

func newCache(most int) *cache {
	c := &cache{seed: maphash.MakeSeed(), most: (most + shards - 1) / shards}
	for i := range c.shards {
		c.shards[i].entries.Store(&map[string]*entry{})
		c.shards[i].reads = make(map[string]*read)
	}
	return c
}

func (c *cache) shard(id string) *shard { return &c.shards[maphash.String(c.seed, id)%shards] }

func (c *cache) get(id string) *entry { return (*c.shard(id).entries.Load())[id] }

// put adds or replaces an entry, unless it is of an earlier generation: it may have been removed since. In a full shard,
// the one that was read longest ago makes room.
func (c *cache) put(e *entry) {
	id := e.client.ID
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.generation.Load() != c.generation.Load() {
		return
	}
	entries := maps.Clone(*s.entries.Load())
	entries[id] = e
	if len(entries) > c.most {
		oldest, at := "", int64(0)
		for other, e := range entries {
			if read := e.read.Load(); other != id && (oldest == "" || read < at) {
				oldest, at = other, read
			}
		}
		delete(entries, oldest)
	}
	s.entries.Store(&entries)
}

func (c *cache) remove(id string) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if (*s.entries.Load())[id] == nil {
		return
	}
	entries := maps.Clone(*s.entries.Load())
	delete(entries, id)
	s.entries.Store(&entries)
}

// unknownIDs remembers for a while which IDs are no client's, and of very many the latest. Clients that are inactive are
// among them.
type unknownIDs struct {
	mu       sync.Mutex
	new, old map[string]unknownID
}

type unknownID struct {
	read       time.Duration
	generation uint64
}

// get returns when the ID was found to be unknown, if it is remembered.
func (u *unknownIDs) get(id string) (unknownID, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if found, ok := u.new[id]; ok {
		return found, true
	}
	found, ok := u.old[id]
	return found, ok
}

func (u *unknownIDs) add(id string, found unknownID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.new == nil || len(u.new) >= maxUnknown {
		u.old, u.new = u.new, make(map[string]unknownID)
	}
	u.new[strings.Clone(id)] = found // which may be a small part of a large request
}
