package wallet_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/wallet"
)

const (
	acrWallet = "urn:example:wallet"
	acrCode   = "urn:example:code"
	callback  = "https://clinic.example.org/callback"
	grace     = "2740198356"
	ada       = "8012345679"
)

var (
	secret       = []byte(strings.Repeat("s", 32))
	now          = time.Date(2031, 3, 14, 9, 26, 53, 0, time.UTC)
	providerKeys = sync.OnceValues(func() (*keystore.Memory, error) { return keystore.Generate(jose.ES256) })
)

// backend is what instances share.
type backend struct {
	store.Ephemeral
	store.Ledger
	store.Notifier
}

// world is one instance of a provider. The clock stands still until it is moved.
type world struct {
	testing.TB
	*wallet.Registry
	*wallet.Binder
	linker *wallet.Linker
	flow   *login.Flow
	// loginConfig is that of the flow.
	loginConfig login.Config
	people      *people
	clock       *clock
	trail       *trail
}

func newWorld(t testing.TB, change ...func(*wallet.LinkerConfig)) *world {
	t.Helper()
	c := &clock{now: now}
	m, err := memory.New(memory.Config{Now: c.Now})
	require.NoError(t, err)
	return newInstance(t, backend{m, m, m}, c, change...)
}

func newInstance(t testing.TB, b backend, c *clock, change ...func(*wallet.LinkerConfig)) *world {
	t.Helper()
	w := &world{TB: t, clock: c, people: &people{}, trail: &trail{}}
	keys, err := providerKeys()
	require.NoError(t, err)
	w.Registry, err = wallet.NewRegistry(wallet.RegistryConfig{Ledger: b.Ledger, Secret: secret, Audit: w.trail, Now: c.Now})
	require.NoError(t, err)
	proofs, err := wla.New(wla.Config{Bindings: w.Registry, Identities: w.people, Store: b.Ephemeral, Now: c.Now})
	require.NoError(t, err)
	acrs := authenticator.ACRs{
		{Value: acrWallet, Alternatives: []authenticator.FactorSet{{authenticator.Wallet}}},
		{Value: acrCode, Alternatives: []authenticator.FactorSet{{authenticator.OTP}}},
	}
	openID, err := oidc.New(oidc.Config{
		Issuer: "https://id.example.org", UserinfoEndpoint: "https://id.example.org/userinfo",
		JWKSURI: "https://id.example.org/jwks", Keys: keys, Clients: clinic{}, Claims: w.people, PairwiseSecret: secret,
		ACRValues: acrs.Values(), Now: c.Now,
	})
	require.NoError(t, err)
	server, err := oauth.New(oauth.Config{
		Issuer:    "https://id.example.org",
		Endpoints: oauth.Endpoints{Authorization: "https://id.example.org/authorize", Token: "https://id.example.org/token"},
		Clients:   clinic{}, Keys: keys, Store: b.Ephemeral, Extension: openID, Now: c.Now,
	})
	require.NoError(t, err)
	w.loginConfig = login.Config{
		Authorizer: server, OpenID: openID, Clients: clinic{}, Authenticator: w.people, Methods: []authenticator.Method{proofs},
		ACRs: acrs, Store: b.Ephemeral, Secret: secret, Now: c.Now,
	}
	w.flow, err = login.New(w.loginConfig)
	require.NoError(t, err)
	w.Binder, err = wallet.NewBinder(wallet.BinderConfig{
		Registry: w.Registry, Store: b.Ephemeral, Verifier: w.people, Accept: []authenticator.FactorSet{{authenticator.OTP}},
		Attempts: w.flow, Keys: keystoretest.WithBindingCA(t, keys, now), Audit: w.trail, Now: c.Now,
	})
	require.NoError(t, err)
	lc := wallet.LinkerConfig{
		Flow: w.flow, Bindings: w.Registry, Store: b.Ephemeral, Notifier: b.Notifier, Audit: w.trail, Now: c.Now,
	}
	for _, f := range change {
		f(&lc)
	}
	w.linker, err = wallet.NewLinker(lc)
	require.NoError(t, err)
	return w
}

// begin begins a login in a browser.
func (w *world) begin() (handle string) {
	w.Helper()
	handle, _, err := w.flow.Begin(w.Context(), &oauth.AuthorizationRequest{
		ClientID: "clinic", RedirectURI: callback, Scope: []string{"openid", "profile", "appointments"}, State: "af0ifjsldkj",
		Parameters: map[string]string{"nonce": "n-0S6_WzA2Mj"},
	}, "")
	require.NoError(w, err)
	return handle
}

// bound binds a new key to the person.
func (w *world) bound(individualID string) *phone {
	w.Helper()
	p := newPhone(w, individualID)
	_, err := p.bind(w)
	require.NoError(w, err)
	return p
}

// linked is a login that the phone took over.
func (w *world) linked() (handle, transaction string) {
	w.Helper()
	handle = w.begin()
	code, err := w.linker.LinkCode(w.Context(), handle)
	require.NoError(w, err)
	t, err := w.linker.Link(w.Context(), code.Code)
	require.NoError(w, err)
	return handle, t.Handle
}

// phone is a person's wallet.
type phone struct {
	testing.TB
	individualID string
	key          crypto.Signer
	certificate  *x509.Certificate
}

func newPhone(t testing.TB, individualID string) *phone {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return &phone{TB: t, individualID: individualID, key: key}
}

func (p *phone) jwk() json.RawMessage {
	jwk, err := jose.JSONWebKey{Key: p.key.Public()}.MarshalJSON()
	require.NoError(p, err)
	return jwk
}

func (p *phone) request() *wallet.BindRequest {
	return &wallet.BindRequest{
		Identifier: authenticator.Identifier{Value: p.individualID},
		Challenges: []authenticator.Challenge{{Factor: authenticator.OTP, Response: "code of " + p.individualID}},
		Key:        p.jwk(),
	}
}

func (p *phone) bind(w *world) (*wallet.Bound, error) {
	bound, err := w.Bind(p.Context(), p.request())
	if err == nil {
		p.certificate = bound.Certificate
	}
	return bound, err
}

func (p *phone) sign(payload []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, &jose.SignerOptions{
		ExtraHeaders: map[jose.HeaderKey]any{"x5t#S256": consent.Thumbprint(p.certificate.Raw)},
	})
	require.NoError(p, err)
	jws, err := signer.Sign(payload)
	require.NoError(p, err)
	text, err := jws.CompactSerialize()
	require.NoError(p, err)
	return text
}

// proof is the answer to the factor wla.
func (p *phone) proof(at time.Time) authenticator.Challenge {
	claims, err := json.Marshal(map[string]any{
		"iss": "wallet", "sub": p.individualID, "aud": "esignet-binding", "iat": at.Unix(), "exp": at.Add(time.Minute).Unix(),
		"jti": rand.Text(),
	})
	require.NoError(p, err)
	return authenticator.Challenge{Factor: authenticator.Wallet, Response: p.sign(claims)}
}

// decision is one that the wallet signed.
func (p *phone) decision(claims, scopes []string) wallet.Decision {
	header, rest, _ := strings.Cut(p.sign(consent.WalletPayload(consent.Decision{Claims: claims, Scopes: scopes})), ".")
	_, signature, _ := strings.Cut(rest, ".")
	return wallet.Decision{Claims: claims, Scopes: scopes, Signature: header + "." + signature}
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

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// people is an identity system in which everybody's code is "code of" and their individual ID, and who may have several:
// "alias of" and one is another.
type people struct {
	mu           sync.Mutex
	transactions []string
	fail         error
}

func (p *people) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.OTP}
}

func (p *people) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.transactions = append(p.transactions, r.Transaction)
	switch {
	case p.fail != nil:
		return nil, p.fail
	case r.Challenges[0].Response != "code of "+r.Identifier.Value:
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return &authenticator.Identity{
		Subject: "person " + strings.TrimPrefix(r.Identifier.Value, "alias of "), State: []byte("bound"),
	}, nil
}

func (p *people) SendCode(_ context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.transactions = append(p.transactions, r.Transaction)
	return &authenticator.CodeReceipt{Destinations: []string{"** 12"}}, nil
}

func (p *people) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return &authenticator.Claims{}, nil
}

func (p *people) Recall(_ context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	return &authenticator.Identity{Subject: earlier.Subject, State: earlier.State}, nil
}

// clinic is the only client.
type clinic struct{}

func (clinic) Client(_ context.Context, id string) (*oauth.Client, error) {
	if id != "clinic" {
		return nil, oauth.ErrUnknownClient
	}
	return &oauth.Client{
		ID: "clinic", Names: map[string]string{"": "Clinic"}, RedirectURIs: []string{callback},
		Scopes: []string{"openid", "profile", "appointments"},
	}, nil
}

// trail is an audit trail.
type trail struct {
	mu     sync.Mutex
	events []audit.Event
}

func (t *trail) Record(_ context.Context, e audit.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, e)
}

func (t *trail) last() audit.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.events[len(t.events)-1]
}
