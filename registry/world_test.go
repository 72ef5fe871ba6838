package registry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const admin = "administrator-7"

var errOutage = errors.New("the ledger is away")

// world is a ledger, that instances share and tests make fail, and a clock.
type world struct {
	*memory.Store
	clock  clock
	events events
	logs   buffer
	reads  atomic.Int64
	// outage makes the ledger fail. gate, if there is one, holds up every read until it is closed.
	outage atomic.Bool
	gate   atomic.Pointer[chan struct{}]
}

func newWorld(tb testing.TB) *world {
	w := &world{clock: clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	var err error
	w.Store, err = memory.New(memory.Config{Now: w.clock.Now})
	require.NoError(tb, err)
	return w
}

// instance returns a Registry on the ledger that hears of changes, unless the configuration is changed.
func (w *world) instance(tb testing.TB, changes ...func(*registry.Config)) *registry.Registry {
	tb.Helper()
	c := registry.Config{
		Ledger: w, Notifier: w, Audit: &w.events, Now: w.clock.Now, Logger: slog.New(slog.NewTextHandler(&w.logs, nil)),
	}
	for _, change := range changes {
		change(&c)
	}
	r, err := registry.New(c)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, r.Close()) })
	return r
}

// deaf is an instance that hears of nothing.
func deaf(c *registry.Config) { c.Notifier = nil }

// create registers the clinic.
func (w *world) create(tb testing.TB, r *registry.Registry, text string) *registry.Registration {
	tb.Helper()
	created, err := r.Create(tb.Context(), admin, parse(tb, text))
	require.NoError(tb, err)
	return created
}

func (w *world) Read(ctx context.Context, collection, id string) (store.Record, error) {
	w.reads.Add(1)
	if gate := w.gate.Load(); gate != nil {
		select {
		case <-*gate:
		case <-ctx.Done():
			return store.Record{}, ctx.Err()
		}
	}
	if w.outage.Load() {
		return store.Record{}, errOutage
	}
	return w.Store.Read(ctx, collection, id)
}

func (w *world) Write(ctx context.Context, collection string, r store.Record) (store.Record, error) {
	if w.outage.Load() {
		return store.Record{}, errOutage
	}
	return w.Store.Write(ctx, collection, r)
}

// hold holds reads up until the function that it returns is called.
func (w *world) hold() (release func()) {
	gate := make(chan struct{})
	w.gate.Store(&gate)
	return func() {
		w.gate.Store(nil)
		close(gate)
	}
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type events struct {
	mu  sync.Mutex
	all []audit.Event
}

func (e *events) Record(_ context.Context, event audit.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

// take returns the events since the last time.
func (e *events) take() []audit.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.all
	e.all = nil
	return all
}

type buffer struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func requireServed(tb testing.TB, r *registry.Registry, id string) *oauth.Client {
	tb.Helper()
	c, err := r.Client(tb.Context(), id)
	require.NoError(tb, err)
	require.Equal(tb, id, c.ID)
	return c
}

func requireUnknown(tb testing.TB, r *registry.Registry, id string) {
	tb.Helper()
	c, err := r.Client(tb.Context(), id)
	require.ErrorIs(tb, err, oauth.ErrUnknownClient)
	require.Nil(tb, c)
}
