package keystoretest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// WithBindingCA returns a keystore that has the keys of k, and one of its own in the role [keystore.BindingCA], for ES256, with
// a certificate of an authority that is valid for a year from now. It is for tests in which wallets are bound, and ends
// the test if it fails.
func WithBindingCA(tb testing.TB, k keystore.Keystore, now time.Time) keystore.Keystore {
	tb.Helper()
	key, err := newBindingCA(tb.Context(), now)
	if err != nil {
		tb.Fatalf("keystoretest: a key that certifies wallets: %v", err)
	}
	return &withBindingCA{k, key}
}

type withBindingCA struct {
	keystore.Keystore
	authority keystore.Keystore
}

// Signer implements [keystore.Keystore].
func (k *withBindingCA) Signer(ctx context.Context, role keystore.Role, alg jose.SignatureAlgorithm) (*keystore.Key, error) {
	if role == keystore.BindingCA {
		return k.authority.Signer(ctx, role, alg)
	}
	return k.Keystore.Signer(ctx, role, alg)
}

func newBindingCA(ctx context.Context, now time.Time) (keystore.Keystore, error) {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := keystore.NewKey(jose.ES256, signer)
	if err != nil {
		return nil, err
	}
	der, err := key.CreateCertificate(ctx, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Wallets"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
	}, signer.Public())
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if key, err = key.WithCertificates([]*x509.Certificate{certificate}, now); err != nil {
		return nil, err
	}
	return keystore.NewMemory(key)
}
