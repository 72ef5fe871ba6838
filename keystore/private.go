package keystore

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
)

// Algorithms returns what a [Vault] makes keys for, the algorithms of signatures first.
func Algorithms() []string {
	return []string{
		string(jose.ES256), string(jose.ES384), string(jose.EdDSA), string(jose.PS256), string(jose.RS256),
		string(jose.ECDH_ES), string(jose.RSA_OAEP_256),
	}
}

// CheckPublicKey says why a public key cannot serve the algorithm, one of [Algorithms]. RSA keys have 2048 to 4096 bits,
// keys of ECDH-ES are on P-256 and have the type *[crypto/ecdsa.PublicKey], as those of ES256 do.
func CheckPublicKey(alg string, public crypto.PublicKey) error {
	signature := jose.SignatureAlgorithm(alg)
	switch jose.KeyAlgorithm(alg) { // the keys are the same as for signatures, and so are their bounds
	case jose.RSA_OAEP_256:
		signature = jose.PS256
	case jose.ECDH_ES:
		signature = jose.ES256
	}
	if err := jwt.CheckKey(signature, public); err != nil {
		return fmt.Errorf("keystore: key and algorithm %q do not fit: %w", alg, err)
	}
	return nil
}

// Opaque wraps a private key of the standard library the way [Vault.Open] returns one for the algorithm: a
// [crypto.Signer], a [crypto.Decrypter] or an [ECDHKey] that nobody can print, encode or take apart. It is for vaults
// that keep their keys in memory.
func Opaque(alg string, key crypto.PrivateKey) (crypto.PrivateKey, error) {
	if jose.KeyAlgorithm(alg) == jose.ECDH_ES {
		return NewECDHKey(key)
	}
	half, ok := key.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil, fmt.Errorf("keystore: %T is no private key", key)
	}
	if err := CheckPublicKey(alg, half.Public()); err != nil {
		return nil, err
	}
	if decrypter, ok := key.(crypto.Decrypter); ok && jose.KeyAlgorithm(alg) == jose.RSA_OAEP_256 {
		return opaqueDecrypter{opaque{half.Public()}, decrypter.Decrypt}, nil
	}
	if signer, ok := key.(crypto.Signer); ok && jose.KeyAlgorithm(alg) != jose.RSA_OAEP_256 {
		return opaqueSigner{opaque{half.Public()}, signer.Sign}, nil
	}
	return nil, fmt.Errorf("keystore: %T does not do what %s needs", key, alg)
}

// NewECDHKey returns an ECDHKey of an *[crypto/ecdh.PrivateKey] or *[crypto/ecdsa.PrivateKey] on P-256.
func NewECDHKey(key crypto.PrivateKey) (ECDHKey, error) {
	var private *ecdh.PrivateKey
	switch key := key.(type) {
	case *ecdh.PrivateKey:
		private = key
	case *ecdsa.PrivateKey:
		if key != nil && key.Curve == elliptic.P256() {
			var err error
			if private, err = key.ECDH(); err != nil {
				return nil, errors.New("keystore: the private key is not valid")
			}
		}
	}
	if private == nil || private.Curve() != ecdh.P256() {
		return nil, fmt.Errorf("keystore: ECDH-ES needs a private key on P-256, not %T", key)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), private.PublicKey().Bytes())
	if err != nil {
		return nil, fmt.Errorf("keystore: public key: %w", err)
	}
	return opaqueECDH{opaque{public}, private.ECDH}, nil
}

// opaque is what the wrappers have in common. The methods of the private key hang on it as functions, where no printer
// and no encoder reaches the key.
type opaque struct{ public crypto.PublicKey }

func (o opaque) Public() crypto.PublicKey { return o.public }

// Format prints nothing of the key, whatever the verb.
func (o opaque) Format(f fmt.State, _ rune) { io.WriteString(f, "private key") }

type opaqueSigner struct {
	opaque
	sign func(io.Reader, []byte, crypto.SignerOpts) ([]byte, error)
}

func (o opaqueSigner) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return o.sign(rand, digest, opts)
}

type opaqueDecrypter struct {
	opaque
	decrypt func(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error)
}

func (o opaqueDecrypter) Decrypt(rand io.Reader, message []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return o.decrypt(rand, message, opts)
}

type opaqueECDH struct {
	opaque
	ecdh func(*ecdh.PublicKey) ([]byte, error)
}

func (o opaqueECDH) ECDH(ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return o.ecdh(remote)
}

// generatePrivate makes a private key for the algorithm. RSA keys have 2048 bits.
func generatePrivate(alg string) (crypto.PrivateKey, error) {
	switch alg {
	case string(jose.ES256), string(jose.ECDH_ES):
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case string(jose.ES384):
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case string(jose.RS256), string(jose.PS256), string(jose.RSA_OAEP_256):
		return rsa.GenerateKey(rand.Reader, 2048)
	case string(jose.EdDSA):
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("%w: %q", ErrUnsupported, alg)
}
