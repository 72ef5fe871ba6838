package consent_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/postgres"
)

const (
	issuer = "https://id.example"
	person = "7d1f0a52-identity-of-asha"
)

var (
	secret    = []byte("0123456789abcdef0123456789abcdef")
	errOutage = errors.New("away")
)

// world is what instances share: a ledger and a clock; and what they reach.
type world struct {
	store.Ledger
	clock  clock
	keys   keys
	tokens tokens
	events events
	// outage makes the ledger fail, and silent makes it lose the answers of writes that took place.
	outage, silent atomic.Bool
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{clock: clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	ledger, err := memory.New(memory.Config{Now: w.clock.Now})
	require.NoError(tb, err)
	w.Ledger = ledger
	w.keys.rotate(tb)
	return w
}

// newPostgresWorld is one with a ledger in PostgreSQL, which has a clock of its own.
func newPostgresWorld(tb testing.TB) *world {
	tb.Helper()
	w := newWorld(tb)
	w.clock.now = time.Now()
	s, err := postgres.New(postgres.Config{DSN: postgrestest.Shared(tb).NewDatabase(tb)})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	_, _, err = s.Migrate(tb.Context())
	require.NoError(tb, err)
	w.Ledger = s
	return w
}

// everyLedger runs a test on each backend.
func everyLedger(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for name, make := range map[string]func(testing.TB) *world{"memory": newWorld, "postgres": newPostgresWorld} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, make(t))
		})
	}
}

// instance returns a Registry on the ledger.
func (w *world) instance(tb testing.TB, changes ...func(*consent.Config)) *consent.Registry {
	tb.Helper()
	c := consent.Config{
		Ledger: w, Keys: &w.keys, Issuer: issuer, Secret: secret, Tokens: &w.tokens, Audit: &w.events, Now: w.clock.Now,
		Jurisdiction: "FR", WithdrawalURI: issuer + "/consents", Sensitive: []string{"health_id"},
	}
	for _, change := range changes {
		change(&c)
	}
	r, err := consent.New(c)
	require.NoError(tb, err)
	return r
}

func (w *world) Read(ctx context.Context, collection, id string) (store.Record, error) {
	if w.outage.Load() {
		return store.Record{}, errOutage
	}
	return w.Ledger.Read(ctx, collection, id)
}

func (w *world) Write(ctx context.Context, collection string, r store.Record) (store.Record, error) {
	if w.outage.Load() {
		return store.Record{}, errOutage
	}
	written, err := w.Ledger.Write(ctx, collection, r)
	if err == nil && w.silent.Load() {
		return store.Record{}, errOutage
	}
	return written, err
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

// keys is a keystore whose keys change.
type keys struct {
	present atomic.Pointer[keystore.Memory]
	outage  atomic.Bool
}

func (k *keys) rotate(tb testing.TB) {
	tb.Helper()
	fresh, err := keystore.Generate(jose.ES256, jose.EdDSA)
	require.NoError(tb, err)
	k.present.Store(fresh)
}

func (k *keys) Signer(ctx context.Context, role keystore.Role, alg jose.SignatureAlgorithm) (*keystore.Key, error) {
	if k.outage.Load() || role != keystore.TokenSigning {
		return nil, keystore.ErrNoKey
	}
	return k.present.Load().Signer(ctx, role, alg)
}

func (k *keys) Keys(ctx context.Context) ([]jose.JSONWebKey, error) {
	return k.present.Load().Keys(ctx)
}

// tokens remembers of which consents the tokens were ended.
type tokens struct {
	mu     sync.Mutex
	ended  []string
	outage bool
}

func (t *tokens) EndTokens(ctx context.Context, consentID string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outage {
		return errOutage
	}
	t.ended = append(t.ended, consentID)
	return ctx.Err()
}

func (t *tokens) fail(outage bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outage = outage
}

// take returns the consents whose tokens were ended since the last time.
func (t *tokens) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	ended := t.ended
	t.ended = nil
	return ended
}

func (t *tokens) has(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.ended, id)
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

func (e *events) take() []audit.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.all
	e.all = nil
	return all
}

// asks is what the clinic asks, with the changes.
func asks(changes ...func(*consent.Question)) *consent.Question {
	q := &consent.Question{
		Asked: consent.Asked{
			ClientID: "clinic", Subject: "pairwise-of-asha-at-clinic",
			Scopes: []string{"appointments"}, Resources: []string{"https://api.example"},
			Essential: []string{"name"}, Voluntary: []string{"email", "phone_number"},
			Verified: []consent.Verified{{Name: "birthdate", Purpose: "To know your age", TrustFrameworks: []string{"eidas"}}},
		},
		SessionID: "session-1",
	}
	for _, change := range changes {
		change(q)
	}
	return q
}

// grants is a decision: phone_number is refused.
func grants() consent.Decision {
	return consent.Decision{Claims: []string{"name", "email"}, Verified: []string{"birthdate"}, Scopes: []string{"appointments"}}
}

func by(person string) consent.DecisionContext {
	return consent.DecisionContext{
		Person: person, Language: "fr", ACR: "urn:example:gold", AMR: []string{"otp"}, Transaction: rand.Text(),
		AuthTime: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC),
		Controller: consent.Controller{
			Name: "Clinic", URI: "https://clinic.example", PolicyURI: "https://clinic.example/privacy",
			Contact: "privacy@clinic.example", Purpose: "To treat you",
		},
	}
}

func policy(p consent.Policy) func(*consent.Question) {
	return func(q *consent.Question) { q.Policy = p }
}

func decide(tb testing.TB, r *consent.Registry, q *consent.Question, d consent.Decision) *consent.Answer {
	tb.Helper()
	a, err := r.Decide(tb.Context(), q, d, by(person))
	require.NoError(tb, err)
	return a
}

func recall(tb testing.TB, r *consent.Registry, q *consent.Question) *consent.Answer {
	tb.Helper()
	a, err := r.Recall(tb.Context(), q)
	require.NoError(tb, err)
	return a
}
