//go:build cgo

package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	p11 "github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosignet/signet/keystore"
)

// key is a private key in a token.
type key struct {
	token  *token
	id     string
	public crypto.PublicKey
}

// Public implements [crypto.Signer].
func (k *key) Public() crypto.PublicKey { return k.public }

// Format prints which key it is, whatever the verb.
func (k *key) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "private key %s in a token", k.id) }

// sign signs the input, which must stay as it is, with the mechanism.
func (k *key) sign(ctx context.Context, mechanism uint, params any, input []byte) ([]byte, error) {
	if !k.token.offers(mechanism, p11.CKF_SIGN) {
		return nil, fmt.Errorf("%w: the token does not offer the mechanism %#x for signatures", keystore.ErrUnsupported, mechanism)
	}
	return do(ctx, k.token, func(s *session) ([]byte, error) {
		handle, err := s.key(k.id)
		if err != nil {
			return nil, err
		}
		if err := s.token.api.SignInit(s.handle, []*p11.Mechanism{p11.NewMechanism(mechanism, params)}, handle); err != nil {
			return nil, fmt.Errorf("pkcs11: sign: %w", err)
		}
		signature, err := s.token.api.Sign(s.handle, input)
		if err != nil {
			return nil, fmt.Errorf("pkcs11: sign: %w", err)
		}
		return signature, nil
	})
}

// checkDigest says whether there is a digest of the hash in the options.
func checkDigest(digest []byte, opts crypto.SignerOpts) error {
	if opts == nil {
		return errors.New("pkcs11: no options say which hash was used")
	}
	if _, known := hashes[opts.HashFunc()]; !known || len(digest) != opts.HashFunc().Size() {
		return fmt.Errorf("pkcs11: %d bytes are no digest of SHA-256, SHA-384 or SHA-512 as the options say", len(digest))
	}
	return nil
}

// hashes are the hashes that are signed: their mechanisms, and the start of their DigestInfo (RFC 8017 section 9.2, note 1).
var hashes = map[crypto.Hash]struct {
	mechanism, mgf uint
	digestInfo     []byte
}{
	crypto.SHA256: {p11.CKM_SHA256, p11.CKG_MGF1_SHA256, digestInfo(1, 32)},
	crypto.SHA384: {p11.CKM_SHA384, p11.CKG_MGF1_SHA384, digestInfo(2, 48)},
	crypto.SHA512: {p11.CKM_SHA512, p11.CKG_MGF1_SHA512, digestInfo(3, 64)},
}

func digestInfo(oid, size byte) []byte {
	return []byte{0x30, 0x11 + size, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, oid, 0x05, 0x00, 0x04, size}
}

// ecdsaKey signs with ECDSA.
type ecdsaKey struct {
	key
	public *ecdsa.PublicKey
}

// Sign implements [crypto.Signer].
func (k *ecdsaKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), rand, digest, opts)
}

// SignContext implements [keystore.ContextSigner]. The signature is in ASN.1, as that of every [crypto.Signer].
func (k *ecdsaKey) SignContext(ctx context.Context, _ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := checkDigest(digest, opts); err != nil {
		return nil, err
	}
	// Tokens may take no more than the curve has bits; what is beyond does not count (FIPS 186-5 section 6.4.1).
	size := (k.public.Curve.Params().BitSize + 7) / 8
	signature, err := k.sign(ctx, p11.CKM_ECDSA, nil, bytes.Clone(digest[:min(len(digest), size)]))
	if err != nil {
		return nil, err
	}
	if len(signature) == 0 || len(signature) > 2*size || len(signature)%2 != 0 {
		return nil, fmt.Errorf("pkcs11: the token gave an ECDSA signature of %d bytes", len(signature))
	}
	half := len(signature) / 2
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(signature[:half]))
		b.AddASN1BigInt(new(big.Int).SetBytes(signature[half:]))
	})
	return b.Bytes()
}

// ed25519Key signs with Ed25519.
type ed25519Key struct{ key }

// Sign implements [crypto.Signer].
func (k *ed25519Key) Sign(rand io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), rand, message, opts)
}

// SignContext implements [keystore.ContextSigner]. It signs the message, not a digest.
func (k *ed25519Key) SignContext(ctx context.Context, _ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if o, ok := opts.(*ed25519.Options); opts == nil || opts.HashFunc() != 0 || ok && o.Context != "" {
		return nil, errors.New("pkcs11: Ed25519 signs messages, without a hash or a context")
	}
	return k.sign(ctx, ckmEdDSA, nil, bytes.Clone(message))
}

// rsaKey signs with PKCS #1 v1.5 and PSS, and decrypts OAEP; what of it the key may do is for the token to know.
type rsaKey struct {
	key
	public *rsa.PublicKey
}

// Sign implements [crypto.Signer].
func (k *rsaKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), rand, digest, opts)
}

// SignContext implements [keystore.ContextSigner]. With [*rsa.PSSOptions] it is PSS, and [rsa.PSSSaltLengthAuto] then is as
// long as the hash.
func (k *rsaKey) SignContext(ctx context.Context, _ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := checkDigest(digest, opts); err != nil {
		return nil, err
	}
	hash := hashes[opts.HashFunc()]
	pss, ok := opts.(*rsa.PSSOptions)
	if !ok {
		return k.sign(ctx, p11.CKM_RSA_PKCS, nil, slices.Concat(hash.digestInfo, digest))
	}
	salt := pss.SaltLength
	if salt == rsa.PSSSaltLengthAuto || salt == rsa.PSSSaltLengthEqualsHash {
		salt = len(digest)
	}
	if salt < 0 {
		return nil, errors.New("pkcs11: the length of the salt is negative")
	}
	return k.sign(ctx, p11.CKM_RSA_PKCS_PSS, p11.NewPSSParams(hash.mechanism, hash.mgf, uint(salt)), bytes.Clone(digest))
}
