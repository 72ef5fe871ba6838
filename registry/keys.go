package registry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
)

const (
	// Keys are kept as long as their Cache-Control says, within bounds.
	minKeysFor     = time.Minute
	defaultKeysFor = 15 * time.Minute
	maxKeysFor     = 24 * time.Hour
	// staleKeysFor is how much longer keys are used that cannot be fetched again.
	staleKeysFor = time.Hour
	// refetchAfter is the least time between two fetches of a client's keys, whatever strangers sign.
	refetchAfter = 30 * time.Second
	fetchTimeout = 5 * time.Second
	// maxFetches is how many key sets are fetched at once.
	maxFetches = 64
)

// keySet is what a jwks_uri said. It is not changed.
type keySet struct {
	keys  jose.JSONWebKeySet
	fresh time.Duration // until when, by Registry.clock
}

func (s *keySet) has(kid string) bool {
	return slices.ContainsFunc(s.keys.Keys, func(k jose.JSONWebKey) bool { return kid != "" && k.KeyID == kid })
}

// remoteKeys are the keys that a client publishes.
type remoteKeys struct {
	fetcher *fetcher
	id, uri string
	latest  atomic.Pointer[keySet] // nil until they were fetched

	mu     sync.Mutex
	tried  bool          // there was a fetch
	begun  time.Duration // the last one, if there was any
	failed bool          // the last one did
	under  chan struct{} // of the fetch under way, closed when it is done; otherwise nil
}

func newRemoteKeys(f *fetcher, id, uri string) *remoteKeys {
	return &remoteKeys{fetcher: f, id: id, uri: uri}
}

// fresh returns the keys, or nil if they must be fetched first.
func (k *remoteKeys) fresh(now time.Duration) *keySet {
	if set := k.latest.Load(); set != nil && now < set.fresh {
		return set
	}
	return nil
}

// usable returns the keys that may be used if they cannot be fetched, or nil.
func (k *remoteKeys) usable(now time.Duration) *keySet {
	if set := k.latest.Load(); set != nil && now < set.fresh+staleKeysFor {
		return set
	}
	return nil
}

// refresh returns the keys after it has had them fetched, if there is reason to. It returns nil if there are none.
func (k *remoteKeys) refresh(ctx context.Context, kid string) (*keySet, error) {
	now := k.fetcher.clock()
	if set := k.fresh(now); set != nil && set.has(kid) {
		return set, nil // somebody else was faster
	}
	k.mu.Lock()
	if k.under == nil && (!k.tried || now-k.begun >= refetchAfter) {
		k.begun, k.tried, k.under = now, true, make(chan struct{})
		go k.fetch(k.under)
	}
	under, failed := k.under, k.failed
	k.mu.Unlock()
	if set := k.usable(now); under == nil || failed && set != nil && set.has(kid) {
		return set, nil // nobody waits twice for a client that cannot be reached
	}
	select {
	case <-under:
		return k.usable(now), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *remoteKeys) fetch(done chan struct{}) {
	set, err := k.fetcher.fetch(k.uri)
	if err != nil {
		k.fetcher.logger.Warn("keys of a client could not be fetched", "client_id", k.id, "error", err)
	} else {
		k.latest.Store(set)
	}
	k.mu.Lock()
	k.failed, k.under = err != nil, nil
	k.mu.Unlock()
	close(done)
}

// fetcher fetches key sets.
type fetcher struct {
	client *http.Client
	slots  chan struct{} // holds a token for each fetch under way
	life   context.Context
	clock  func() time.Duration
	logger *slog.Logger
}

func (f *fetcher) fetch(uri string) (*keySet, error) {
	ctx, cancel := context.WithTimeout(f.life, fetchTimeout)
	defer cancel()
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("registry: too many fetches: %w", ctx.Err())
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("registry: the answer is %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, jwt.MaxKeySetSize+1))
	if err != nil {
		return nil, err
	}
	keys, err := jwt.ParseKeySet(body)
	if err != nil {
		return nil, err
	}
	return &keySet{keys: keys, fresh: f.clock() + keysFor(response.Header)}, nil
}

// keysFor returns how long an answer may be used (RFC 9111 section 5.2.2), within bounds.
func keysFor(h http.Header) time.Duration {
	age := defaultKeysFor
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return minKeysFor
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return minKeysFor
			}
			age = time.Duration(seconds) * time.Second
		}
	}
	return min(max(age, minKeysFor), maxKeysFor)
}
