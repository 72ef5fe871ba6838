package keystore

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// maxChain is how many certificates a chain has at most: JSON Web Key Sets are read often.
const maxChain = 8

// ErrCertificate says that a certificate, or a chain of them, is not one for the key, or not valid now.
var ErrCertificate = errors.New("keystore: certificate")

// CheckCertificates returns an error that wraps ErrCertificate unless the first certificate of the chain is for the
// public key, and each further one signed the one before. The time is not looked at.
func CheckCertificates(public crypto.PublicKey, chain []*x509.Certificate) error {
	if len(chain) == 0 || len(chain) > maxChain || slices.Contains(chain, nil) {
		return fmt.Errorf("%w: a chain has 1 to %d certificates", ErrCertificate, maxChain)
	}
	own, ok := chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !own.Equal(public) {
		return fmt.Errorf("%w of %q is for another key", ErrCertificate, chain[0].Subject)
	}
	for i, issuer := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(issuer); err != nil {
			return fmt.Errorf("%w of %q was not issued by the next in the chain: %w", ErrCertificate, chain[i].Subject, err)
		}
	}
	return nil
}

// CheckCertificateTime returns an error that wraps ErrCertificate when a certificate of the chain has expired or is not
// valid yet.
func CheckCertificateTime(chain []*x509.Certificate, now time.Time) error {
	for _, c := range chain {
		switch {
		case now.After(c.NotAfter):
			return fmt.Errorf("%w of %q expired at %s", ErrCertificate, c.Subject, c.NotAfter.UTC().Format(time.RFC3339))
		case now.Before(c.NotBefore):
			return fmt.Errorf("%w of %q is not valid before %s", ErrCertificate, c.Subject, c.NotBefore.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// withCertificates adds x5c and x5t#S256 (RFC 7517 sections 4.7 and 4.9), or says why the chain is not one for the key
// or not valid now.
func withCertificates(jwk jose.JSONWebKey, chain []*x509.Certificate, now time.Time) (jose.JSONWebKey, error) {
	if err := CheckCertificates(jwk.Key, chain); err != nil {
		return jose.JSONWebKey{}, err
	}
	if err := CheckCertificateTime(chain, now); err != nil {
		return jose.JSONWebKey{}, err
	}
	sum := sha256.Sum256(chain[0].Raw)
	jwk.Certificates, jwk.CertificateThumbprintSHA256 = slices.Clone(chain), sum[:]
	return jwk, nil
}

// copyJWK returns a JWK that shares nothing that can be changed.
func copyJWK(jwk jose.JSONWebKey) jose.JSONWebKey {
	jwk.Certificates = slices.Clone(jwk.Certificates)
	jwk.CertificateThumbprintSHA256 = slices.Clone(jwk.CertificateThumbprintSHA256)
	return jwk
}

// WithCertificates returns the key with a chain, its own certificate first: it is then published with x5c and x5t#S256.
// A chain that is not one for the key, or not valid now, is an error that wraps [ErrCertificate].
func (k *Key) WithCertificates(chain []*x509.Certificate, now time.Time) (*Key, error) {
	public, err := withCertificates(k.public, chain, now)
	if err != nil {
		return nil, err
	}
	certified := *k
	certified.public = public
	return &certified, nil
}

// Certificates returns the chain that the key was given, its own certificate first. The caller owns the slice.
func (k *Key) Certificates() []*x509.Certificate { return slices.Clone(k.public.Certificates) }

// CreateCertificate signs a certificate for a public key, in DER, as [x509.CreateCertificate] does. The key's own
// certificate is its parent; a key without one makes a certificate that is its own parent, and then only for itself.
func (k *Key) CreateCertificate(ctx context.Context, template *x509.Certificate, public crypto.PublicKey) ([]byte, error) {
	parent := template
	if len(k.public.Certificates) > 0 {
		parent = k.public.Certificates[0]
	} else if own, ok := k.public.Key.(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(public) {
		return nil, fmt.Errorf("%w: a key without one issues none for others", ErrCertificate)
	}
	signed := *template
	signed.SignatureAlgorithm = k.x509Algorithm()
	if parent == template {
		parent = &signed
	}
	der, err := x509.CreateCertificate(rand.Reader, &signed, parent, public, rawSigner{ctx, k})
	if err != nil {
		return nil, fmt.Errorf("keystore: create a certificate: %w", err)
	}
	return der, nil
}

// CreateCertificateRequest signs a request for a certificate of the key (PKCS #10), in DER.
func (k *Key) CreateCertificateRequest(ctx context.Context, template *x509.CertificateRequest) ([]byte, error) {
	signed := *template
	signed.SignatureAlgorithm = k.x509Algorithm()
	der, err := x509.CreateCertificateRequest(rand.Reader, &signed, rawSigner{ctx, k})
	if err != nil {
		return nil, fmt.Errorf("keystore: create a certificate request: %w", err)
	}
	return der, nil
}

// x509Algorithm returns the algorithm of the key as certificates call it. One RSA key signs in one way only, there too.
func (k *Key) x509Algorithm() x509.SignatureAlgorithm {
	switch k.alg {
	case jose.ES256:
		return x509.ECDSAWithSHA256
	case jose.ES384:
		return x509.ECDSAWithSHA384
	case jose.PS256:
		return x509.SHA256WithRSAPSS
	case jose.RS256:
		return x509.SHA256WithRSA
	}
	return x509.PureEd25519
}

// rawSigner is a Key for crypto/x509, while one call lasts.
type rawSigner struct {
	ctx context.Context
	key *Key
}

func (s rawSigner) Public() crypto.PublicKey { return s.key.public.Key }

func (s rawSigner) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.key.sign(s.ctx, rand, digest, opts)
}

// WithCertificates returns the key with a chain, as [Key.WithCertificates] does.
func (k *DecryptionKey) WithCertificates(chain []*x509.Certificate, now time.Time) (*DecryptionKey, error) {
	public, err := withCertificates(k.public, chain, now)
	if err != nil {
		return nil, err
	}
	certified := *k
	certified.public = public
	return &certified, nil
}
