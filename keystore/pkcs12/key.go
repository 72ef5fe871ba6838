package pkcs12

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// maxPrivate is the length of the longest PKCS#8 that is parsed: more than RSA of 4096 bits takes, and little enough for
// an RSA key of nonsense to be dismissed fast.
const maxPrivate = 4 << 10

// use is the first byte of a KeyUsage (RFC 5280 section 4.2.1.3). It tells what a key was made for: a key on P-256 may
// be for ES256 or ECDH-ES, an RSA key for signatures or RSA-OAEP-256.
type use byte

const (
	signs     use = 1 << 7 // digitalSignature
	enciphers use = 1 << 5 // keyEncipherment
	agrees    use = 1 << 3 // keyAgreement
)

// useOf returns what keys for an algorithm of [keystore.Algorithms] are used for.
func useOf(alg string) use {
	switch alg {
	case string(jose.RSA_OAEP_256):
		return enciphers
	case string(jose.ECDH_ES):
		return agrees
	}
	return signs
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

// parsePrivate reads PKCS#8. Errors hold nothing of the key.
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
	return private, signer.Public(), nil
}

// opaque returns the private key as callers get it, or says that no algorithm takes it.
func opaque(private crypto.PrivateKey, use use) (crypto.PrivateKey, error) {
	sign, other := jose.EdDSA, ""
	switch private := private.(type) {
	case *rsa.PrivateKey:
		sign, other = jose.PS256, string(jose.RSA_OAEP_256)
	case *ecdsa.PrivateKey:
		sign, other = jose.ES256, string(jose.ECDH_ES)
		if private.Curve == elliptic.P384() {
			sign, other = jose.ES384, ""
		}
	}
	signer, err := keystore.Opaque(string(sign), private)
	if err != nil || other == "" || use == signs {
		return signer, err
	}
	second, err := keystore.Opaque(other, private)
	if err != nil || use == useOf(other) {
		return second, err
	}
	if decrypter, ok := second.(crypto.Decrypter); ok {
		return signerAndDecrypter{signer.(crypto.Signer), decrypter.Decrypt}, nil
	}
	return signerAndECDH{signer.(crypto.Signer), second.(keystore.ECDHKey).ECDH}, nil
}

// A key from elsewhere that does not say what it is for is for both. These hold opaque keys, and print as those do.

type signerAndDecrypter struct {
	crypto.Signer
	decrypt func(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error)
}

func (k signerAndDecrypter) Decrypt(rand io.Reader, message []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return k.decrypt(rand, message, opts)
}

func (k signerAndDecrypter) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.Signer) }

type signerAndECDH struct {
	crypto.Signer
	ecdh func(context.Context, *ecdh.PublicKey) ([]byte, error)
}

func (k signerAndECDH) ECDH(ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	return k.ecdh(ctx, remote)
}

func (k signerAndECDH) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.Signer) }
