package signet_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/login"
)

// handovers remembers who logged in, by what the portal is told of them.
type handovers struct {
	*identitySystem
	subject func(identity string) string // of the portal
	mu      sync.Mutex
	bySub   map[string]*authenticator.Identity
}

func (h *handovers) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	identity, err := h.identitySystem.Authenticate(ctx, r)
	if err == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.bySub[h.subject(identity.Subject)] = identity
	}
	return identity, err
}

func (h *handovers) Bearer(_ context.Context, t *idtoken.Token) (*authenticator.Identity, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	identity := h.bySub[t.Subject]
	if t.ClientID != "portal" || identity == nil {
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return identity, nil
}

// newHandoverWorld is a world where the portal hands over to the clinic whom it has just logged in.
func newHandoverWorld(t *testing.T) *factorsWorld {
	t.Helper()
	people := &handovers{bySub: map[string]*authenticator.Identity{}}
	w := newFactorsWorld(t, func(c *signet.Config) {
		people.identitySystem = c.Authenticator.(*identitySystem)
		tokens, err := idtoken.New(idtoken.Config{
			Issuer: c.Issuer, Keys: c.Keys, Audience: []string{"portal"}, Identities: people, Store: c.Store, Now: c.Now,
		})
		require.NoError(t, err)
		c.Authenticator, c.Methods, c.LoginLifetime = people, []authenticator.Method{tokens}, time.Hour
		c.ACRs = append(c.ACRs, factorsACRs(authenticator.FactorSet{authenticator.IDToken},
			authenticator.FactorSet{authenticator.Password, authenticator.IDToken})...)
	})
	people.subject = func(identity string) string { return w.provider.OpenID.Subject(w.portal.Client, identity) }
	return w
}

// handOver has the portal log the person in for the handover, and returns its ID Token.
func (w *factorsWorld) handOver(handle, person string) string {
	w.Helper()
	options, err := w.provider.Login.Challenge(w.Context(), handle, authenticator.IDToken)
	require.NoError(w, err)
	var challenge struct{ Nonce string }
	require.NoError(w, json.Unmarshal(options, &challenge))
	return w.from("192.0.2.1").logIn(person, "nonce", challenge.Nonce).raw
}

func TestPersonIsHandedOverByAnIDToken(t *testing.T) {
	t.Parallel()
	w := newHandoverWorld(t)
	handle := w.beginFlow(w.clinic, authenticator.IDToken)
	token := w.handOver(handle, alice)
	state, err := w.answer(handle, "", authenticator.IDToken, token)
	require.NoError(t, err)
	require.Equal(t, login.StepConsent, state.Step)

	t.Run("not twice", func(t *testing.T) {
		again := w.beginFlow(w.clinic, authenticator.IDToken)
		_, err := w.provider.Login.Challenge(t.Context(), again, authenticator.IDToken)
		require.NoError(t, err)
		requireReason(t, err2(w.answer(again, "", authenticator.IDToken, token)), authenticator.WrongCredentials)
	})
	t.Run("not as somebody else", func(t *testing.T) {
		both := w.beginFlow(w.clinic, authenticator.Password, authenticator.IDToken)
		_, err := w.answer(both, bob, authenticator.Password, password)
		require.NoError(t, err)
		_, err = w.answer(both, "", authenticator.IDToken, w.handOver(both, alice))
		requireReason(t, err, authenticator.WrongCredentials)
		require.ErrorIs(t, err, login.ErrOtherPerson)
	})
	t.Run("not later", func(t *testing.T) {
		late := w.beginFlow(w.clinic, authenticator.IDToken)
		token := w.handOver(late, alice)
		w.clock.advance(10*time.Minute + 11*time.Second)
		requireReason(t, err2(w.answer(late, "", authenticator.IDToken, token)), authenticator.WrongCredentials)
	})
}

// bindings are the wallets that are bound to people, by individual ID.
type bindings map[string][]wla.Binding

func (b bindings) WalletBindings(_ context.Context, individualID string) ([]wla.Binding, error) {
	return b[individualID], nil
}

// wallet holds a key that is bound to a person.
type wallet struct {
	person      string
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newWallet(t *testing.T, person string, now time.Time) *wallet {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(42), Subject: pkix.Name{CommonName: "Wallet"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &wallet{person, key, certificate}
}

// token is what the wallet signs at the time.
func (w *wallet) token(t *testing.T, at time.Time) string {
	t.Helper()
	sum := sha256.Sum256(w.certificate.Raw)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: w.key}, &jose.SignerOptions{
		ExtraHeaders: map[jose.HeaderKey]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:]), "typ": "JWT"},
	})
	require.NoError(t, err)
	claims, err := json.Marshal(map[string]any{
		"iss": "wallet", "sub": w.person, "aud": "esignet-binding", "iat": at.Unix(), "exp": at.Add(time.Hour).Unix(), "jti": rand.Text(),
	})
	require.NoError(t, err)
	jws, err := signer.Sign(claims)
	require.NoError(t, err)
	token, err := jws.CompactSerialize()
	require.NoError(t, err)
	return token
}

func TestPersonLogsInByAWallet(t *testing.T) {
	t.Parallel()
	var of *wallet
	w := newFactorsWorld(t, func(c *signet.Config) {
		of = newWallet(t, alice, c.Now())
		wallets, err := wla.New(wla.Config{
			Bindings:   bindings{alice: {{Identity: authenticator.Identity{Subject: alice}, Certificate: of.certificate}}},
			Identities: c.Authenticator.(*identitySystem), Store: c.Store, Now: c.Now,
		})
		require.NoError(t, err)
		c.Methods, c.LoginLifetime = []authenticator.Method{wallets}, time.Hour
		c.ACRs = append(c.ACRs, factorsACRs(authenticator.FactorSet{authenticator.Wallet},
			authenticator.FactorSet{authenticator.Password, authenticator.Wallet})...)
	})
	handle := w.beginFlow(w.portal, authenticator.Wallet)
	token := of.token(t, w.clock.now())
	state, err := w.answer(handle, "", authenticator.Wallet, token)
	require.NoError(t, err)
	require.Equal(t, login.StepConsent, state.Step)

	refused := func(t *testing.T, token string) {
		t.Helper()
		_, err := w.answer(w.beginFlow(w.portal, authenticator.Wallet), "", authenticator.Wallet, token)
		requireReason(t, err, authenticator.WrongCredentials)
	}
	t.Run("not twice", func(t *testing.T) { refused(t, token) })
	t.Run("not later", func(t *testing.T) { refused(t, of.token(t, w.clock.now().Add(-6*time.Minute-time.Second))) })
	t.Run("not by another wallet", func(t *testing.T) { refused(t, newWallet(t, alice, w.clock.now()).token(t, w.clock.now())) })
	t.Run("not as somebody else", func(t *testing.T) {
		both := w.beginFlow(w.portal, authenticator.Password, authenticator.Wallet)
		_, err := w.answer(both, bob, authenticator.Password, password)
		require.NoError(t, err)
		state, err := w.answer(both, "", authenticator.Wallet, of.token(t, w.clock.now()))
		requireReason(t, err, authenticator.WrongCredentials)
		assert.Equal(t, login.StepVerify, state.Step)
	})
}

// err2 is the error of two results.
func err2[T any](_ T, err error) error { return err }

func requireReason(t *testing.T, err error, want authenticator.Reason) {
	t.Helper()
	var e *authenticator.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Reason, "%v", err)
}
