package rotation_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/store"
)

// world is what the instances of one provider share.
type world struct {
	clock  *clock
	vault  *vault
	ledger *ledger
}

func newWorld() *world {
	c := &clock{now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	return &world{clock: c, vault: &vault{MemoryVault: keystore.NewMemoryVault()}, ledger: &ledger{now: c.Now, records: map[string]store.Record{}}}
}

var (
	es256 = rotation.Spec{Role: keystore.TokenSigning, Algorithm: "ES256"}
	eddsa = rotation.Spec{Role: keystore.TokenSigning, Algorithm: "EdDSA"}
)

const (
	lifetime = 90 * 24 * time.Hour
	ahead    = 24 * time.Hour
	keep     = 25 * time.Hour
)

// instance makes an instance that was not started.
func (w *world) instance(t testing.TB, change ...func(*rotation.Config)) *rotation.Keystore {
	t.Helper()
	c := rotation.Config{Vault: w.vault, Ledger: w.ledger, Keys: []rotation.Spec{es256}, Now: w.clock.Now}
	for _, f := range change {
		f(&c)
	}
	k, err := rotation.New(c)
	require.NoError(t, err)
	return k
}

func (w *world) started(t testing.TB, change ...func(*rotation.Config)) *rotation.Keystore {
	t.Helper()
	k := w.instance(t, change...)
	require.NoError(t, k.Start(t.Context()))
	return k
}

// running makes an instance that runs until the test ends. It looks every few milliseconds.
func (w *world) running(t testing.TB, change ...func(*rotation.Config)) *rotation.Keystore {
	t.Helper()
	k := w.started(t, append(change, func(c *rotation.Config) { c.Refresh = 5 * time.Millisecond })...)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
	return k
}

func with(specs ...rotation.Spec) func(*rotation.Config) {
	return func(c *rotation.Config) { c.Keys = specs }
}

// list returns the keys by what any instance knows.
func list(t testing.TB, k *rotation.Keystore) []rotation.Info {
	t.Helper()
	all, err := k.List(t.Context())
	require.NoError(t, err)
	return all
}

// states returns the states of the keys, in the order of the list.
func states(t testing.TB, k *rotation.Keystore) (all []rotation.State) {
	t.Helper()
	for _, info := range list(t, k) {
		all = append(all, info.State)
	}
	return all
}

// eventually waits until the keys have the states.
func eventually(t testing.TB, k *rotation.Keystore, want ...rotation.State) []rotation.Info {
	t.Helper()
	require.Eventually(t, func() bool { return slices.Equal(states(t, k), want) }, time.Minute, time.Millisecond,
		"never %v", want)
	return list(t, k)
}

// signs returns the kid of the key that signs in an instance now, after it was verified with what is published.
func signs(t testing.TB, k *rotation.Keystore) string {
	t.Helper()
	key, err := k.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	token, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
	require.NoError(t, err)
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(t, err)
	public, err := k.Keys(t.Context())
	require.NoError(t, err)
	_, err = jws.Verify(&jose.JSONWebKeySet{Keys: public})
	require.NoError(t, err, "what signs is published")
	return key.ID()
}

// signer returns the kid of the key that signs in an instance now, or nothing.
func signer(k *rotation.Keystore) string {
	key, err := k.Signer(context.Background(), keystore.TokenSigning, jose.ES256)
	if err != nil {
		return ""
	}
	return key.ID()
}

// published returns the kids in the JSON Web Key Set of an instance.
func published(t testing.TB, k *rotation.Keystore) (kids []string) {
	t.Helper()
	public, err := k.Keys(t.Context())
	require.NoError(t, err)
	for _, key := range public {
		kids = append(kids, key.KeyID)
	}
	return kids
}

// clock is the time of a world.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var errAway = errors.New("test: away")

// vault is a vault that can be away, full, or wrong.
type vault struct {
	*keystore.MemoryVault
	away, full atomic.Bool
	generated  atomic.Int32
	// open, if set, changes what Open returns.
	open atomic.Pointer[func(id string, private crypto.PrivateKey) crypto.PrivateKey]
}

func (v *vault) Keys(ctx context.Context) ([]keystore.VaultKey, error) {
	if v.away.Load() {
		return nil, errAway
	}
	return v.MemoryVault.Keys(ctx)
}

func (v *vault) Generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	switch {
	case v.away.Load():
		return keystore.VaultKey{}, errAway
	case v.full.Load():
		return keystore.VaultKey{}, keystore.ErrVaultFull
	}
	v.generated.Add(1)
	return v.MemoryVault.Generate(ctx, label, alg)
}

func (v *vault) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	if v.away.Load() {
		return nil, errAway
	}
	private, err := v.MemoryVault.Open(ctx, id)
	if change := v.open.Load(); change != nil && err == nil {
		private = (*change)(id, private)
	}
	return private, err
}

func (v *vault) Delete(ctx context.Context, id string) error {
	if v.away.Load() {
		return errAway
	}
	return v.MemoryVault.Delete(ctx, id)
}

// holds returns how many keys there are in the vault.
func (v *vault) holds(t testing.TB) int {
	t.Helper()
	keys, err := v.MemoryVault.Keys(t.Context())
	require.NoError(t, err)
	return len(keys)
}

// ledger is a ledger in memory that can be away. It keeps no history.
type ledger struct {
	now     func() time.Time
	away    atomic.Bool
	mu      sync.Mutex
	records map[string]store.Record
	topics  []chan struct{}
}

func (l *ledger) lock(ctx context.Context) error {
	if l.away.Load() {
		return errAway
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	now := l.now()
	maps.DeleteFunc(l.records, func(_ string, r store.Record) bool { return !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt) })
	return nil
}

func (l *ledger) Read(ctx context.Context, collection, id string) (store.Record, error) {
	if err := l.lock(ctx); err != nil {
		return store.Record{}, err
	}
	defer l.mu.Unlock()
	r, ok := l.records[collection+" "+id]
	if !ok {
		return store.Record{}, store.ErrNotFound
	}
	return r, nil
}

func (l *ledger) Write(ctx context.Context, collection string, r store.Record) (store.Record, error) {
	if err := errors.Join(store.CheckCollection(collection), store.CheckRecord(&r)); err != nil {
		return store.Record{}, err
	}
	if err := l.lock(ctx); err != nil {
		return store.Record{}, err
	}
	defer l.mu.Unlock()
	if l.records[collection+" "+r.ID].Version != r.Version {
		return store.Record{}, store.ErrConflict
	}
	r.Version++
	r.Value, r.WrittenAt = bytes.Clone(r.Value), l.now()
	l.records[collection+" "+r.ID] = r
	return r, nil
}

func (l *ledger) List(ctx context.Context, collection string, q store.Query) (all []store.Record, err error) {
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(l.records)) {
		if r := l.records[key]; key == collection+" "+r.ID && r.ID > q.After {
			all = append(all, r)
		}
	}
	return all, nil
}

func (l *ledger) History(ctx context.Context, collection, id string) ([]store.Record, error) {
	r, err := l.Read(ctx, collection, id)
	return []store.Record{r}, err
}

func (l *ledger) Erase(ctx context.Context, collection, id string) error {
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	delete(l.records, collection+" "+id)
	return nil
}

func (l *ledger) Notify(ctx context.Context, _ string) error {
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	for _, topic := range l.topics {
		select {
		case topic <- struct{}{}:
		default:
		}
	}
	return nil
}

func (l *ledger) Subscribe(ctx context.Context, _ string) (<-chan struct{}, error) {
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	topic := make(chan struct{}, 1)
	l.topics = append(l.topics, topic)
	return topic, nil
}

// trail is an audit trail.
type trail struct {
	mu     sync.Mutex
	events []audit.Event
}

func (s *trail) Record(_ context.Context, e audit.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// types returns what happened to a key, or to any if kid is empty.
func (s *trail) types(kid string) (all []audit.Type) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if kid == "" || e.KeyID == kid {
			all = append(all, e.Type)
		}
	}
	return all
}

// log is a log.
type log struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// subscribers returns how many wait for a hint.
func (l *ledger) subscribers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.topics)
}
