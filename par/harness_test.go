package par_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/par"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const (
	issuer   = "https://id.example"
	endpoint = issuer + "/par"
	callback = "https://portal.example/cb"
)

// clock is a time that tests turn.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// faultyStore fails at the operation that a test names, and remembers what it was given.
type faultyStore struct {
	store.Ephemeral
	mu      sync.Mutex
	failing string
	written strings.Builder
}

var errOutage = errors.New("dial tcp 10.1.2.3:6379: connection refused")

func (s *faultyStore) fail(operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = operation
}

func (s *faultyStore) begin(operation, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written.WriteString(key + "\n" + string(value))
	if s.failing == operation {
		return errOutage
	}
	return nil
}

func (s *faultyStore) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.begin("Add", key, value); err != nil {
		return err
	}
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

func (s *faultyStore) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.begin("Get", key, nil); err != nil {
		return nil, err
	}
	return s.Ephemeral.Get(ctx, key)
}

func (s *faultyStore) Take(ctx context.Context, key string) ([]byte, error) {
	if err := s.begin("Take", key, nil); err != nil {
		return nil, err
	}
	return s.Ephemeral.Take(ctx, key)
}

// world is Requests, the endpoint over them with an authorization server behind it, and a client.
type world struct {
	*par.Requests
	clock   *clock
	store   *faultyStore
	server  *oauth.Server
	key     *ecdsa.PrivateKey
	handler http.Handler
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{clock: newClock()}
	backend, err := memory.New(memory.Config{Now: w.clock.Now})
	require.NoError(tb, err)
	tb.Cleanup(func() { backend.Close() })
	w.store = &faultyStore{Ephemeral: backend}
	w.Requests = w.instance(tb)
	w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(tb, err)
	proofs, err := dpop.New(dpop.Config{Store: w.store, Now: w.clock.Now})
	require.NoError(tb, err)
	clients, err := oauth.NewStaticClients(&oauth.Client{
		ID:                 "portal",
		Names:              map[string]string{"": "Portal"},
		RedirectURIs:       []string{callback},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: w.key.Public(), KeyID: "1"}}},
		AssertionAlgorithm: jose.ES256,
		Scopes:             []string{"records"},
	})
	require.NoError(tb, err)
	w.server, err = oauth.New(oauth.Config{
		Issuer: issuer,
		Endpoints: oauth.Endpoints{
			Authorization: issuer + "/authorize", Token: issuer + "/token", PushedRequests: endpoint,
		},
		Clients: clients, Keys: keys, Store: w.store, Pushed: w.Requests, DPoP: proofs, Profile: oauth.ProfileFAPI2,
		Now: w.clock.Now,
	})
	require.NoError(tb, err)
	w.handler = w.Handler(w.server, endpoint)
	return w
}

// instance returns other Requests over the same store, as they run on another machine.
func (w *world) instance(tb testing.TB) *par.Requests {
	tb.Helper()
	p, err := par.New(par.Config{Store: w.store, Now: w.clock.Now})
	require.NoError(tb, err)
	return p
}

// request is what a client pushes.
func (w *world) request(tb testing.TB) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {"portal"}, "redirect_uri": {callback}, "scope": {"records"}, "state": {"xyz"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {w.assertion(tb)},
	}
}

func (w *world) assertion(tb testing.TB) string {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: w.key}, nil)
	require.NoError(tb, err)
	claims, err := json.Marshal(map[string]any{
		"iss": "portal", "sub": "portal", "aud": issuer, "jti": rand.Text(), "exp": w.clock.Now().Add(time.Minute).Unix(),
	})
	require.NoError(tb, err)
	jws, err := signer.Sign(claims)
	require.NoError(tb, err)
	token, err := jws.CompactSerialize()
	require.NoError(tb, err)
	return token
}

// post pushes a form.
func (w *world) post(form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/par", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// with returns the values with one of them replaced, or removed if there are no new ones.
func with(values url.Values, name string, new ...string) url.Values {
	values = maps.Clone(values)
	if delete(values, name); len(new) > 0 {
		values[name] = new
	}
	return values
}

// pushed is a request that was validated before.
func pushed() *oauth.AuthorizationRequest {
	return &oauth.AuthorizationRequest{
		ClientID: "portal", RedirectURI: callback, Scope: []string{"records"}, State: "a-state-to-find-again",
		CodeChallenge: "challenge", DPoPThumbprint: "thumbprint", Parameters: map[string]string{"nonce": "n"},
	}
}

func (w *world) push(tb testing.TB) string {
	tb.Helper()
	uri, err := w.Push(tb.Context(), pushed())
	require.NoError(tb, err)
	return uri
}

// requireInvalid expects the one answer to every request_uri that leads nowhere, which tells nothing of why.
func requireInvalid(tb testing.TB, err error) {
	tb.Helper()
	e, ok := errors.AsType[*oauth.Error](err)
	require.True(tb, ok, "%v is no *oauth.Error", err)
	require.Equal(tb, oauth.InvalidRequestURI, e.Code)
	require.Equal(tb, "the request_uri is not valid", e.Description)
}
