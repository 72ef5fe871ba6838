package wla_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const individualID = "2740198356"

var (
	now   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	grace = authenticator.Identity{Subject: "grace-1", State: []byte("bound")}
)

// wallet holds a key and the certificate that was issued for it.
type wallet struct {
	alg         jose.SignatureAlgorithm
	key         crypto.Signer
	certificate *x509.Certificate
}

func newWallet(t testing.TB, alg jose.SignatureAlgorithm) *wallet {
	w := &wallet{alg: alg}
	var err error
	switch alg {
	case jose.ES256:
		w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, w.key, err = ed25519.GenerateKey(rand.Reader)
	default:
		w.key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1767225600000), Subject: pkix.Name{CommonName: "Wallet"},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, 9),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, w.key.Public(), w.key)
	require.NoError(t, err)
	w.certificate, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return w
}

func (w *wallet) thumbprint() string {
	sum := sha256.Sum256(w.certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// claims are those of a good JWT.
func claims() map[string]any {
	return map[string]any{
		"iss": "wallet", "sub": individualID, "aud": "esignet-binding", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// header is that of a good JWT.
func (w *wallet) header() map[jose.HeaderKey]any {
	return map[jose.HeaderKey]any{"x5t#S256": w.thumbprint(), "kid": w.certificate.SerialNumber.String(), "typ": "JWT"}
}

func (w *wallet) sign(t testing.TB, header map[jose.HeaderKey]any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: w.alg, Key: w.key}, &jose.SignerOptions{ExtraHeaders: header})
	require.NoError(t, err)
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	jws, err := signer.Sign(payload)
	require.NoError(t, err)
	text, err := jws.CompactSerialize()
	require.NoError(t, err)
	return text
}

func (w *wallet) token(t testing.TB) string { return w.sign(t, w.header(), claims()) }

// register is where the wallets are bound, and the identity system.
type register struct {
	bindings map[string][]wla.Binding

	err       error
	recall    *authenticator.Identity
	recallErr error
}

func (r *register) WalletBindings(_ context.Context, individualID string) ([]wla.Binding, error) {
	return r.bindings[individualID], r.err
}

func (r *register) Recall(_ context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	if r.recall != nil || r.recallErr != nil {
		return r.recall, r.recallErr
	}
	return &authenticator.Identity{Subject: earlier.Subject, State: []byte("today")}, nil
}

// world is a Method, and a wallet that is bound to Grace.
type world struct {
	testing.TB
	*wla.Method

	wallet   *wallet
	register *register
	config   wla.Config
}

func newWorld(t testing.TB, change ...func(*wla.Config)) *world {
	return newWorldWith(t, newWallet(t, jose.ES256), change...)
}

func newWorldWith(t testing.TB, bound *wallet, change ...func(*wla.Config)) *world {
	t.Helper()
	r := &register{bindings: map[string][]wla.Binding{individualID: {{Identity: grace, Certificate: bound.certificate}}}}
	used, err := memory.New(memory.Config{Now: func() time.Time { return now }})
	require.NoError(t, err)
	w := &world{TB: t, wallet: bound, register: r, config: wla.Config{
		Bindings: r, Identities: r, Store: used, Now: func() time.Time { return now },
	}}
	for _, f := range change {
		f(&w.config)
	}
	w.Method, err = wla.New(w.config)
	require.NoError(t, err)
	return w
}

func (w *world) answer(token string) (*authenticator.Identity, error) {
	return w.Authenticate(w.Context(), &authenticator.Request{
		Challenges: []authenticator.Challenge{{Factor: authenticator.Wallet, Response: token}},
	})
}

// brokenStore fails.
type brokenStore struct {
	store.Ephemeral

	err error
}

func (b brokenStore) Add(context.Context, string, []byte, time.Duration) error { return b.err }
