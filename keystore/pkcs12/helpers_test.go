package pkcs12_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs12"
	"github.com/gosignet/signet/store"
)

const password = "correct horse battery staple é"

func secret(text string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(text), nil }
}

// config is that of a vault for tests: with as little work on the password as is allowed.
func config(storage pkcs12.Storage) pkcs12.Config {
	return pkcs12.Config{Storage: storage, Password: secret(password), Create: true, Iterations: 10_000, RSABits: 2048}
}

func open(tb testing.TB, storage pkcs12.Storage) *pkcs12.Vault {
	tb.Helper()
	vault, err := pkcs12.Open(tb.Context(), config(storage))
	require.NoError(tb, err)
	return vault
}

// newFile returns the path of a file that does not exist yet.
func newFile(tb testing.TB) string { return filepath.Join(tb.TempDir(), "keys.p12") }

func generate(tb testing.TB, vault *pkcs12.Vault, label, alg string) keystore.VaultKey {
	tb.Helper()
	key, err := vault.Generate(tb.Context(), label, alg)
	require.NoError(tb, err)
	return key
}

func keys(tb testing.TB, vault *pkcs12.Vault) []keystore.VaultKey {
	tb.Helper()
	all, err := vault.Keys(tb.Context())
	require.NoError(tb, err)
	return all
}

// shared is a Storage that is shared by the vaults over it.
type shared struct {
	mu      sync.Mutex
	blob    []byte
	version int64
	saves   int
}

func (m *shared) Load(context.Context) ([]byte, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.blob), m.version, nil
}

func (m *shared) Save(_ context.Context, blob []byte, version int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves++
	if version != m.version {
		return store.ErrConflict
	}
	m.blob, m.version = bytes.Clone(blob), version+1
	return nil
}

// holding returns a Storage that has the file already.
func holding(blob []byte) *shared { return &shared{blob: blob, version: 1} }

// authority is a CA that may itself have an issuer.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	issuers     []*x509.Certificate // its own certificate first
}

func newAuthority(tb testing.TB, name string, issuer *authority) *authority {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	ca := &authority{key: key}
	template := newTemplate(name, time.Now())
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	if issuer == nil {
		ca.certificate = sign(tb, template, template, key.Public(), key)
		ca.issuers = []*x509.Certificate{ca.certificate}
	} else {
		ca.certificate = sign(tb, template, issuer.certificate, key.Public(), issuer.key)
		ca.issuers = append([]*x509.Certificate{ca.certificate}, issuer.issuers...)
	}
	return ca
}

// chain returns a chain for the key that is valid from an hour before the time to an hour after it.
func (a *authority) chain(tb testing.TB, public crypto.PublicKey, at time.Time) []*x509.Certificate {
	tb.Helper()
	leaf := sign(tb, newTemplate("signing key", at), a.certificate, public, a.key)
	return append([]*x509.Certificate{leaf}, a.issuers...)
}

func newTemplate(name string, at time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(at.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: at.Add(-time.Hour), NotAfter: at.Add(time.Hour),
	}
}

func sign(tb testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	require.NoError(tb, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(tb, err)
	return certificate
}
