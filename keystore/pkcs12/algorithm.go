package pkcs12

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/keystore"
)

// maxPrivate is the length of the longest PKCS#8 that is parsed: more than RSA of 4096 bits takes, and little enough for
// an RSA key of nonsense to be dismissed fast.
const maxPrivate = 4 << 10

// use is the first byte of a KeyUsage (RFC 5280 section 4.2.1.3). It tells keys on P-256 for ES256 from those for ECDH-ES.
type use byte

const (
	signs     use = 1 << 7 // digitalSignature
	enciphers use = 1 << 5 // keyEncipherment
	agrees    use = 1 << 3 // keyAgreement
)

// useOf returns what a key for the algorithm is used for.
func useOf(alg string) (use, error) {
	switch alg {
	case string(jose.ES256), string(jose.ES384), string(jose.PS256), string(jose.RS256), string(jose.EdDSA):
		return signs, nil
	case string(jose.RSA_OAEP_256):
		return enciphers, nil
	case string(jose.ECDH_ES):
		return agrees, nil
	}
	return 0, fmt.Errorf("%w: %q", keystore.ErrUnsupported, alg)
}

func generate(alg string, rsaBits int) (crypto.PrivateKey, error) {
	switch alg {
	case string(jose.ES256), string(jose.ECDH_ES):
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case string(jose.ES384):
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case string(jose.PS256), string(jose.RS256), string(jose.RSA_OAEP_256):
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case string(jose.EdDSA):
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("%w: %q", keystore.ErrUnsupported, alg)
}

// checkFit says why a public key cannot serve an algorithm that useOf knows.
func checkFit(alg string, public crypto.PublicKey) error {
	serves := jose.SignatureAlgorithm(alg)
	switch alg {
	case string(jose.RSA_OAEP_256):
		serves = jose.PS256 // the same bounds
	case string(jose.ECDH_ES):
		serves = jose.ES256
	}
	if err := jwt.CheckKey(serves, public); err != nil {
		return fmt.Errorf("pkcs12: the key does not fit %s: %w", alg, err)
	}
	return nil
}

// parsePrivate reads PKCS#8, of a key that fits any algorithm. Errors hold nothing of the key.
func parsePrivate(der []byte) (crypto.PrivateKey, crypto.PublicKey, error) {
	if len(der) > maxPrivate {
		return nil, nil, fmt.Errorf("it is longer than %d bytes", maxPrivate)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, nil, errors.New("it is no PKCS#8, or of an unknown algorithm")
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("its algorithm is unknown (%T)", private)
	}
	public := signer.Public()
	for _, alg := range jwt.Algorithms() {
		if err = jwt.CheckKey(alg, public); err == nil {
			return private, public, nil
		}
	}
	return nil, nil, fmt.Errorf("it is a %T of a size or on a curve that no algorithm takes: %w", public, err)
}
