package keystoretest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// verify checks a token with go-jose and, apart from it, with the standard library.
func verify(token string, alg jose.SignatureAlgorithm, public crypto.PublicKey) error {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return fmt.Errorf("go-jose does not parse the token: %w", err)
	}
	if _, err := jws.Verify(public); err != nil {
		return fmt.Errorf("go-jose does not verify the signature of %s: %w", alg, err)
	}
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.Strict().DecodeString(token[dot+1:])
	if err != nil {
		return err
	}
	if !verifies(alg, public, []byte(token[:dot]), signature) {
		return fmt.Errorf("the standard library does not verify the signature of %s", alg)
	}
	return nil
}

// verifies reports whether the standard library takes the signature (RFC 7518 sections 3.3 to 3.5, RFC 8037).
func verifies(alg jose.SignatureAlgorithm, public crypto.PublicKey, input, signature []byte) bool {
	sum := sha256.Sum256(input)
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		digest := sum[:]
		if alg == jose.ES384 {
			sum := sha512.Sum384(input)
			digest = sum[:]
		}
		half := (public.Curve.Params().BitSize + 7) / 8
		return len(signature) == 2*half &&
			ecdsa.Verify(public, digest, new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
	case *rsa.PublicKey:
		if alg == jose.PS256 {
			return rsa.VerifyPSS(public, crypto.SHA256, sum[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(public, input, signature)
	}
	return false
}

// secretContent is what is encrypted.
const secretContent = "the content of a request object"

// encrypt makes a JWE with go-jose.
func encrypt(alg jose.KeyAlgorithm, public crypto.PublicKey) (string, error) {
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: alg, Key: public}, nil)
	if err != nil {
		return "", fmt.Errorf("go-jose does not encrypt with %s for the public key: %w", alg, err)
	}
	jwe, err := encrypter.Encrypt([]byte(secretContent))
	if err != nil {
		return "", fmt.Errorf("go-jose does not encrypt with %s for the public key: %w", alg, err)
	}
	return jwe.CompactSerialize()
}

// expectContent opens what encrypt made.
func expectContent(ctx context.Context, alg, jwe string, key *keystore.DecryptionKey) error {
	content, err := keystore.Decrypt(ctx, jwe, key)
	if err != nil {
		return fmt.Errorf("what go-jose encrypted with %s is not opened: %w", alg, err)
	}
	if string(content) != secretContent {
		return errors.New("the content is another")
	}
	return nil
}
