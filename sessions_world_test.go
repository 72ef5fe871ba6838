package signet_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const (
	acrCode     = "urn:example:code"
	acrPassword = "urn:example:password"
	acrBoth     = "urn:example:both"

	password = "correct horse"

	// alice and bob are two of the mock's people.
	alice, bob = "2740198356", "3185507412"
)

// sessionWorld is a provider with single sign-on behind TLS, and two clients of different sectors.
type sessionWorld struct {
	*testing.T
	*httptest.Server
	provider *signet.Provider
	keys     *keystore.Memory
	clock    *testClock
	store    *recordingStore
	trail    *auditTrail
	portal   *relyingParty
	clinic   *relyingParty
}

func newSessionWorld(t *testing.T, configure ...func(*signet.Config)) *sessionWorld {
	t.Helper()
	w := &sessionWorld{T: t, clock: &testClock{}, trail: &auditTrail{}}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.provider.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	w.portal, w.clinic = newRelyingParty(t, "portal"), newRelyingParty(t, "clinic")
	backend, err := memory.New(memory.Config{Now: w.clock.now})
	require.NoError(t, err)
	t.Cleanup(func() { backend.Close() })
	w.store = &recordingStore{Ephemeral: backend}
	people, err := mock.New(mock.Config{Password: password, Store: backend, Now: w.clock.now})
	require.NoError(t, err)
	w.keys, err = keystore.Generate(jose.ES256)
	require.NoError(t, err)
	clients, err := oauth.NewStaticClients(w.portal.Client, w.clinic.Client)
	require.NoError(t, err)
	secret := make([]byte, 32)
	rand.Read(secret)
	c := signet.Config{
		Issuer: w.URL, Clients: clients, Authenticator: people, Keys: w.keys, Store: w.store, PairwiseSecret: secret,
		ACRs: authenticator.ACRs{
			{Value: acrCode, Alternatives: []authenticator.FactorSet{{authenticator.OTP}}},
			{Value: acrPassword, Alternatives: []authenticator.FactorSet{{authenticator.Password}}},
			{Value: acrBoth, Alternatives: []authenticator.FactorSet{{authenticator.Password, authenticator.OTP}}},
		},
		Sessions: login.Sessions{Idle: 30 * time.Minute, Total: 8 * time.Hour}, AllowPrivateBackchannel: true,
		Audit: w.trail, Now: w.clock.now,
	}
	for _, change := range configure {
		change(&c)
	}
	w.provider, err = signet.New(c)
	require.NoError(t, err)
	return w
}

// testClock is the real clock and what a test added.
type testClock struct {
	mu    sync.Mutex
	added time.Duration
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.added)
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added += d
}

// recordingStore remembers everything that was ever written.
type recordingStore struct {
	store.Ephemeral
	mu      sync.Mutex
	written strings.Builder
	keys    []string
}

func (s *recordingStore) note(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, key)
	s.written.WriteString(key)
	s.written.Write(value)
}

func (s *recordingStore) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.note(key, value)
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

func (s *recordingStore) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.note(key, value)
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

func (s *recordingStore) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	s.note(key, new)
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}

func (s *recordingStore) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	s.note(key, nil)
	return s.Ephemeral.Increment(ctx, key, delta, ttl)
}

// auditTrail keeps the events.
type auditTrail struct {
	mu     sync.Mutex
	events []audit.Event
}

func (a *auditTrail) Record(_ context.Context, e audit.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

func (a *auditTrail) of(typ audit.Type) []audit.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []audit.Event
	for _, e := range a.events {
		if e.Type == typ {
			found = append(found, e)
		}
	}
	return found
}

// relyingParty is a client with its key.
type relyingParty struct {
	*oauth.Client
	signer jose.Signer
}

func newRelyingParty(t *testing.T, id string) *relyingParty {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	require.NoError(t, err)
	return &relyingParty{signer: signer, Client: &oauth.Client{
		ID: id, Names: map[string]string{"": strings.ToUpper(id)},
		RedirectURIs:           []string{"https://" + id + ".example/callback"},
		PostLogoutRedirectURIs: []string{"https://" + id + ".example/bye"},
		Keys:                   jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1"}}},
		AssertionAlgorithm:     jose.ES256, PKCEOptional: true,
		Scopes: []string{"openid", "profile", "email", "phone", "appointments"},
	}}
}

// request is the path of an authorization request.
func (p *relyingParty) request(extra ...string) string {
	q := url.Values{
		"client_id": {p.ID}, "response_type": {"code"}, "redirect_uri": {p.RedirectURIs[0]}, "scope": {"openid email"},
		"state": {"s1"}, "nonce": {"n1"},
	}
	for i := 0; i+1 < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
	}
	return "/authorize?" + q.Encode()
}

// idToken is what the tests read of an ID Token; raw is all of it.
type idToken struct {
	Subject  string   `json:"sub"`
	AuthTime int64    `json:"auth_time"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	SID      string   `json:"sid"`
	Nonce    string   `json:"nonce"`
	raw      string
}

// redeem exchanges the code of a callback.
func (w *sessionWorld) redeem(p *relyingParty, callback url.Values) (idToken, string) {
	w.Helper()
	require.NotEmpty(w, callback.Get("code"), "no code but %v", callback)
	now := w.clock.now()
	claims, err := json.Marshal(map[string]any{
		"iss": p.ID, "sub": p.ID, "aud": w.URL, "jti": uuid.NewString(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	require.NoError(w, err)
	jws, err := p.signer.Sign(claims)
	require.NoError(w, err)
	assertion, err := jws.CompactSerialize()
	require.NoError(w, err)
	response, err := w.Client().PostForm(w.URL+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {callback.Get("code")}, "redirect_uri": {p.RedirectURIs[0]},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	})
	require.NoError(w, err)
	defer response.Body.Close()
	require.Equal(w, http.StatusOK, response.StatusCode)
	var tokens struct {
		IDToken     string `json:"id_token"`
		AccessToken string `json:"access_token"`
	}
	require.NoError(w, json.NewDecoder(response.Body).Decode(&tokens))
	token := idToken{raw: tokens.IDToken}
	w.verify(tokens.IDToken, &token)
	return token, tokens.AccessToken
}

// verify checks the signature of a token of the provider, and reads its claims.
func (w *sessionWorld) verify(token string, claims any) (typ any) {
	w.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(w, err)
	keys, err := w.keys.Keys(w.Context())
	require.NoError(w, err)
	payload, err := jws.Verify(keys[0])
	require.NoError(w, err)
	require.NoError(w, json.Unmarshal(payload, claims))
	return jws.Signatures[0].Header.ExtraHeaders[jose.HeaderType]
}
