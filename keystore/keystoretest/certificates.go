package keystoretest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"
)

// certificateRules are about what is stored beside the keys.
var certificateRules = []rule[*subject]{
	{
		"CertificatesAreKept",
		"SetCertificates stores the chain beside the key, in its order, in place of an earlier one, and Keys returns a copy.",
		"The chain is published in x5c, where the key's own certificate is the first.",
		certificatesAreKept,
	},
	{
		"CertificateOfAnotherKey",
		"SetCertificates refuses a chain whose first certificate is for another key, and keeps what was there.",
		"A verifier that goes by the certificate would take the signatures for forged.",
		certificateOfAnotherKey,
	},
}

func certificatesAreKept(ctx context.Context, s *subject) error {
	for _, alg := range s.Algorithms {
		key, err := s.generate(ctx, s.label(alg), alg)
		if err != nil {
			return err
		}
		for range 2 {
			chain, err := issue(key.Public)
			if err != nil {
				return err
			}
			given := slices.Clone(chain)
			if err := s.Vault.SetCertificates(ctx, key.ID, given); err != nil {
				return fmt.Errorf("SetCertificates for a key of %s returned the error %q", alg, err)
			}
			given[0] = nil // it is the caller's
			for range 2 {
				found, err := listed(ctx, s.Vault, key.ID)
				if err != nil {
					return err
				}
				if found == nil || !sameChain(found.Certificates, chain) {
					return fmt.Errorf("Keys does not return the chain that was stored for %s", alg)
				}
				found.Certificates[0] = nil // so is this
			}
		}
		if err := expectWorks(ctx, s.Vault, key, alg); err != nil {
			return fmt.Errorf("with a certificate: %w", err)
		}
	}
	return nil
}

func certificateOfAnotherKey(ctx context.Context, s *subject) error {
	key, _, err := s.one(ctx, "key")
	if err != nil {
		return err
	}
	other, _, err := s.one(ctx, "other")
	if err != nil {
		return err
	}
	chain, err := issue(key.Public)
	if err != nil {
		return err
	}
	if err := s.Vault.SetCertificates(ctx, key.ID, chain); err != nil {
		return expectError("SetCertificates", err, nil)
	}
	wrong, err := issue(other.Public)
	if err != nil {
		return err
	}
	for what, chain := range map[string][]*x509.Certificate{
		"of another key": wrong, "of another key, then its own": {wrong[0], chain[0]}, "of the authority alone": chain[1:],
	} {
		if s.Vault.SetCertificates(ctx, key.ID, chain) == nil {
			return fmt.Errorf("SetCertificates took a chain %s", what)
		}
	}
	found, err := listed(ctx, s.Vault, key.ID)
	if err != nil {
		return err
	}
	if found == nil || !sameChain(found.Certificates, chain) {
		return errors.New("the earlier chain is not there any more")
	}
	if found, err := listed(ctx, s.Vault, other.ID); err != nil || found == nil || len(found.Certificates) > 0 {
		return fmt.Errorf("the other key has certificates now: %w", err)
	}
	return nil
}

// authority issues the certificates of the rules.
type authority struct {
	private     *ecdsa.PrivateKey
	certificate *x509.Certificate
}

var newAuthority = sync.OnceValues(func() (authority, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "keystoretest authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	certificate, err := certify(template, template, private.Public(), private)
	return authority{private, certificate}, err
})

// issue returns a chain of two certificates for a public key.
func issue(public crypto.PublicKey) ([]*x509.Certificate, error) {
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "keystoretest key"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := certify(template, ca.certificate, public, ca.private)
	return []*x509.Certificate{certificate, ca.certificate}, err
}

func certify(template, parent *x509.Certificate, public crypto.PublicKey, private crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, private)
	if err != nil {
		return nil, fmt.Errorf("create a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

func sameChain(a, b []*x509.Certificate) bool {
	return slices.EqualFunc(a, b, func(a, b *x509.Certificate) bool { return a.Equal(b) })
}
