package storetest_test

import (
	"context"
	"errors"
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

// remote is a correct backend that a network is in front of.
type remote struct {
	*memory.Store
	away atomic.Bool

	mu     sync.Mutex
	topics map[string]bool // that have, or had, subscribers
}

var errAway = errors.New("connection refused")

func newRemote(t testing.TB) *remote {
	m, err := memory.New(memory.Config{})
	require.NoError(t, err)
	return &remote{Store: m, topics: map[string]bool{}}
}

func (r *remote) backend() storetest.OutageBackend {
	return storetest.OutageBackend{Ephemeral: r, Ledger: r, Notifier: r, Stop: r.Stop, Start: r.Start}
}

func (r *remote) Stop() { r.away.Store(true) }

func (r *remote) Start() {
	r.away.Store(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	for topic := range r.topics {
		r.Store.Notify(context.Background(), topic)
	}
}

// reach is what every call begins with.
func (r *remote) reach() error {
	if r.away.Load() {
		return errAway
	}
	return nil
}

func (r *remote) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := r.reach(); err != nil {
		return err
	}
	return r.Store.Put(ctx, key, value, ttl)
}

func (r *remote) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := r.reach(); err != nil {
		return err
	}
	return r.Store.Add(ctx, key, value, ttl)
}

func (r *remote) Get(ctx context.Context, key string) ([]byte, error) {
	if err := r.reach(); err != nil {
		return nil, err
	}
	return r.Store.Get(ctx, key)
}

func (r *remote) Take(ctx context.Context, key string) ([]byte, error) {
	if err := r.reach(); err != nil {
		return nil, err
	}
	return r.Store.Take(ctx, key)
}

func (r *remote) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	if err := r.reach(); err != nil {
		return err
	}
	return r.Store.Replace(ctx, key, old, new, ttl)
}

func (r *remote) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	if err := r.reach(); err != nil {
		return store.Counter{}, err
	}
	return r.Store.Increment(ctx, key, delta, ttl)
}

func (r *remote) Read(ctx context.Context, collection, id string) (store.Record, error) {
	if err := r.reach(); err != nil {
		return store.Record{}, err
	}
	return r.Store.Read(ctx, collection, id)
}

func (r *remote) Write(ctx context.Context, collection string, record store.Record) (store.Record, error) {
	if err := r.reach(); err != nil {
		return store.Record{}, err
	}
	return r.Store.Write(ctx, collection, record)
}

func (r *remote) List(ctx context.Context, collection string, q store.Query) ([]store.Record, error) {
	if err := r.reach(); err != nil {
		return nil, err
	}
	return r.Store.List(ctx, collection, q)
}

func (r *remote) History(ctx context.Context, collection, id string) ([]store.Record, error) {
	if err := r.reach(); err != nil {
		return nil, err
	}
	return r.Store.History(ctx, collection, id)
}

func (r *remote) Erase(ctx context.Context, collection, id string) error {
	if err := r.reach(); err != nil {
		return err
	}
	return r.Store.Erase(ctx, collection, id)
}

func (r *remote) Notify(ctx context.Context, topic string) error {
	if err := r.reach(); err != nil {
		return err
	}
	return r.Store.Notify(ctx, topic)
}

func (r *remote) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	if err := r.reach(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.topics[topic] = true
	return r.Store.Subscribe(ctx, topic)
}

func TestABackendThatFailsClosedAndHealsBreaksNoRule(t *testing.T) {
	t.Parallel()
	storetest.RunOutage(t, func(t testing.TB) storetest.OutageBackend { return newRemote(t).backend() })
}

func TestABackendMayImplementOneContractOnly(t *testing.T) {
	t.Parallel()
	for _, one := range []func(all storetest.OutageBackend) storetest.OutageBackend{
		func(all storetest.OutageBackend) storetest.OutageBackend {
			return storetest.OutageBackend{Ephemeral: all.Ephemeral, Stop: all.Stop, Start: all.Start}
		},
		func(all storetest.OutageBackend) storetest.OutageBackend {
			return storetest.OutageBackend{Ledger: all.Ledger, Stop: all.Stop, Start: all.Start}
		},
		func(all storetest.OutageBackend) storetest.OutageBackend {
			return storetest.OutageBackend{Notifier: all.Notifier, Stop: all.Stop, Start: all.Start}
		},
	} {
		for _, rule := range storetest.OutageRules() {
			assert.NoError(t, storetest.CheckOutage(t.Context(), rule, time.Minute, one(newRemote(t).backend())), rule)
		}
	}
}

// TestABadOutageIsCaught breaks a correct backend in one way after the other. Every rule catches a fault.
func TestABadOutageIsCaught(t *testing.T) {
	t.Parallel()
	const wait = 2 * time.Second // for what does not come
	tests := []struct {
		fault string
		open  func(r *remote) storetest.OutageBackend
		rule  string
	}{
		{"what cannot be reached is not there", func(r *remote) storetest.OutageBackend {
			b := r.backend()
			b.Ephemeral = absentWhenAway{r}
			return b
		}, "FailsClosed"},
		{"writes are kept for later", func(r *remote) storetest.OutageBackend {
			b := r.backend()
			b.Ephemeral = putsLater{r}
			return b
		}, "FailsClosed"},
		{"a call waits for the backend, whatever its context", func(r *remote) storetest.OutageBackend {
			b, back := r.backend(), make(chan struct{})
			b.Ledger = waits{r, back}
			b.Start = func() {
				close(back)
				r.Start()
			}
			return b
		}, "FailsClosed"},
		{"half of a batch says nothing", func(r *remote) storetest.OutageBackend {
			b := r.backend()
			b.Ephemeral = halfBatches{r}
			return b
		}, "FailsClosed"},
		{"an Add that may have been carried out is repeated", func(r *remote) storetest.OutageBackend {
			b, added, stopped := r.backend(), make(chan struct{}), make(chan struct{})
			b.Ephemeral = repeatsAdd{r, added, stopped}
			b.Stop = func() { // while an Add is under way
				added <- struct{}{}
				r.Stop()
				close(stopped)
			}
			return b
		}, "FailsMidway"},
		{"a handle stays broken", func(r *remote) storetest.OutageBackend {
			b := r.backend()
			b.Start = func() {}
			return b
		}, "Heals"},
		{"a handle survives one outage", func(r *remote) storetest.OutageBackend {
			b := r.backend()
			var outages atomic.Int32
			b.Start = func() {
				if outages.Add(1) == 1 {
					r.Start()
				}
			}
			return b
		}, "Heals"},
		{"the newest version of a record is lost", func(r *remote) storetest.OutageBackend {
			b := r.backend()
			b.Ledger = losesLast{r}
			return b
		}, "KeepsRecords"},
		{"nobody is woken", func(r *remote) storetest.OutageBackend {
			b := r.backend()
			b.Start = func() { r.away.Store(false) }
			return b
		}, "WakesAfterOutage"},
		{"subscriptions end with the connection", func(r *remote) storetest.OutageBackend {
			b := r.backend()
			connection, lost := context.WithCancel(context.Background())
			b.Notifier = subscribesUntil{r, connection}
			b.Start = func() {
				r.Start()
				lost()
			}
			return b
		}, "WakesAfterOutage"},
	}
	caught := map[string]bool{}
	for _, tt := range tests {
		caught[tt.rule] = true
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			assert.Error(t, storetest.CheckOutage(t.Context(), tt.rule, wait, tt.open(newRemote(t))))
		})
	}
	for _, rule := range storetest.OutageRules() {
		assert.Contains(t, caught, rule, "no fault is planted for the rule")
	}
}

type absentWhenAway struct{ *remote }

func (r absentWhenAway) Get(ctx context.Context, key string) ([]byte, error) {
	if r.reach() != nil {
		return nil, store.ErrNotFound
	}
	return r.remote.Get(ctx, key)
}

type putsLater struct{ *remote }

func (r putsLater) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return r.Store.Put(ctx, key, value, ttl)
}

type waits struct {
	*remote
	back <-chan struct{}
}

func (r waits) Read(ctx context.Context, collection, id string) (store.Record, error) {
	if r.reach() != nil {
		<-r.back
	}
	return r.remote.Read(ctx, collection, id)
}

type halfBatches struct{ *remote }

func (r halfBatches) Do(ctx context.Context, operations []store.Operation) []store.Result {
	results := make([]store.Result, len(operations))
	copy(results, store.Do(ctx, struct{ store.Ephemeral }{r}, operations[:len(operations)/2]...))
	return results
}

// repeatsAdd learns that the connection is lost when its Add has arrived, and sends it again.
type repeatsAdd struct {
	*remote
	added, stopped <-chan struct{} // an Add that reads from added waits for stopped
}

func (r repeatsAdd) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	err := r.Store.Add(ctx, key, value, ttl)
	select {
	case <-r.added:
		<-r.stopped
	default:
	}
	if r.reach() != nil {
		return r.Store.Add(ctx, key, value, ttl)
	}
	return err
}

// losesLast forgets what was just written when the backend goes away.
type losesLast struct{ *remote }

func (r losesLast) History(ctx context.Context, collection, id string) ([]store.Record, error) {
	history, err := r.remote.History(ctx, collection, id)
	return history[min(1, len(history)):], err
}

// subscribesUntil ends its subscriptions when its connection ends.
type subscribesUntil struct {
	*remote
	connection context.Context
}

func (r subscribesUntil) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	ctx, end := context.WithCancel(ctx)
	context.AfterFunc(r.connection, end)
	return r.remote.Subscribe(ctx, topic)
}
