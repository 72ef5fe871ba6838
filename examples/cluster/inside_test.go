package cluster_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/examples/load"
	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/postgres"
)

// Some faults cannot be brought about from outside a process. Here two providers share a PostgreSQL in this one, and
// requests go to them in turn.

// pair is the two.
type pair struct {
	*testing.T
	load.Counter
	loader *load.Loader
	disk   atomic.Bool     // full
	flaky  atomic.Bool     // full now and then
	ahead  [2]atomic.Int64 // of the clocks
	spent  []*load.Spent
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{T: t}
	dsn := postgrestest.Shared(t).NewDatabase(t)
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	client, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	key, err := client.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	clients, err := oauth.NewStaticClients(&oauth.Client{
		ID: clientID, Names: map[string]string{"": "Load"}, RedirectURIs: []string{redirectURI}, Scopes: []string{"openid", "profile"},
		Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}, AssertionAlgorithm: jose.ES256, Profile: oauth.ProfileFAPI2,
	})
	require.NoError(t, err)
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	var providers [2]http.Handler
	var all []load.Person
	for i := range providers {
		s, err := postgres.New(postgres.Config{DSN: dsn})
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		_, _, err = s.Migrate(t.Context())
		require.NoError(t, err)
		state := &disk{Store: s, full: &p.disk, flaky: &p.flaky}
		now := func() time.Time { return time.Now().Add(time.Duration(p.ahead[i].Load())) }
		people, err := mock.New(mock.Config{Password: password, Store: state, Now: now})
		require.NoError(t, err)
		if i == 0 {
			for _, person := range people.Personas() {
				all = append(all, load.Person{ID: person.NationalID, Password: password})
			}
		}
		providers[i], err = signet.New(signet.Config{
			Issuer: issuer, Clients: clients, Authenticator: people, Keys: keys, Store: state, PairwiseSecret: make([]byte, 32),
			IdentifierLimit: login.Limit{Attempts: 60_000}, SourceLimit: login.Limit{Attempts: 60_000}, Now: now,
		})
		require.NoError(t, err)
	}
	var next atomic.Uint64
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { providers[next.Add(1)%2].ServeHTTP(w, r) })
	server.Start()
	t.Cleanup(server.Close)
	p.loader, err = load.New(t.Context(), load.Config{Issuer: issuer, ClientID: clientID, RedirectURI: redirectURI, Key: key, People: all})
	require.NoError(t, err)
	return p
}

// logIn logs people in, so many of them, and returns how many arrived.
func (p *pair) logIn(n int) (complete int) {
	p.Helper()
	for range n {
		spent, err := p.loader.Login(p.Context())
		if err == nil {
			complete++
			p.spent = append(p.spent, spent)
			continue
		}
		refused, ok := errors.AsType[*load.RefusedError](err)
		require.True(p, ok, "every failure is a clear answer: %v", err)
		p.Logf("%v", refused)
	}
	return complete
}

// nothingTwice tries again what was used.
func (p *pair) nothingTwice() {
	p.Helper()
	for _, s := range p.spent {
		accepted, err := s.Again(p.Context())
		require.NoError(p, err)
		require.Empty(p, accepted)
	}
}

// disk is a store that cannot write any more when its disk is full.
type disk struct {
	*postgres.Store
	full, flaky *atomic.Bool
	writes      atomic.Int64
}

// noRoom reports whether there is no room for the next write.
func (d *disk) noRoom() bool { return d.full.Load() || d.flaky.Load() && d.writes.Add(1)%7 == 0 }

var errFull = errors.New("could not extend file: no space left on device")

func (d *disk) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return d.write(func() error { return d.Store.Put(ctx, key, value, ttl) })
}

func (d *disk) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return d.write(func() error { return d.Store.Add(ctx, key, value, ttl) })
}

func (d *disk) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	return d.write(func() error { return d.Store.Replace(ctx, key, old, new, ttl) })
}

func (d *disk) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (c store.Counter, err error) {
	err = d.write(func() error { c, err = d.Store.Increment(ctx, key, delta, ttl); return err })
	return c, err
}

func (d *disk) Do(ctx context.Context, operations []store.Operation) []store.Result {
	if !d.noRoom() {
		return d.Store.Do(ctx, operations)
	}
	results := make([]store.Result, len(operations))
	for i, o := range operations {
		if o.Verb == store.VerbGet {
			results[i] = d.Store.Do(ctx, operations[i:i+1])[0]
		} else {
			results[i].Err = errFull
		}
	}
	return results
}

func (d *disk) write(f func() error) error {
	if d.noRoom() {
		return errFull
	}
	return f()
}

func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	require.Equal(t, 5, p.logIn(5))
	p.disk.Store(true)
	assert.Zero(t, p.logIn(5))
	p.disk.Store(false)
	assert.Equal(t, 5, p.logIn(5), "the service is restored as soon as there is room")
	p.flaky.Store(true)
	p.logIn(20)
	p.flaky.Store(false)
	assert.Equal(t, 5, p.logIn(5), "wherever in a login there was no room")
	p.nothingTwice()
}

func TestClocksAreTwoMinutesApart(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"ahead": 2 * time.Minute, "behind": -2 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			require.Equal(t, 5, p.logIn(5))
			p.ahead[0].Store(int64(ahead))
			t.Logf("%d of 5 arrive", p.logIn(5))
			p.nothingTwice()
			p.ahead[0].Store(0)
			assert.Equal(t, 5, p.logIn(5), "the service is restored as soon as the clocks agree")
			p.nothingTwice()
		})
	}
}
