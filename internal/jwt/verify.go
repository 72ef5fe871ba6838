package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"

	"github.com/go-jose/go-jose/v4"
)

// verify reports whether the signature is the key's, which fits the algorithm (RFC 7518, sections 3.3 to 3.5; RFC 8037).
//
// It is not go-jose's verification, which decodes the header and encodes the payload once more: parsing and verifying
// costs three times as much there beside the raw verification; BenchmarkVerify has both.
func verify(alg jose.SignatureAlgorithm, key any, input string, signature []byte) bool {
	message := []byte(input)
	switch alg {
	case jose.ES256:
		digest := sha256.Sum256(message)
		return verifyECDSA(key.(*ecdsa.PublicKey), digest[:], signature, 32)
	case jose.ES384:
		digest := sha512.Sum384(message)
		return verifyECDSA(key.(*ecdsa.PublicKey), digest[:], signature, 48)
	case jose.RS256:
		digest := sha256.Sum256(message)
		return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, digest[:], signature) == nil
	case jose.PS256:
		digest := sha256.Sum256(message)
		opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return rsa.VerifyPSS(key.(*rsa.PublicKey), crypto.SHA256, digest[:], signature, opts) == nil
	case jose.EdDSA:
		return ed25519.Verify(key.(ed25519.PublicKey), message, signature)
	}
	return false
}

// verifyECDSA takes r and s, each of size bytes.
func verifyECDSA(key *ecdsa.PublicKey, digest, signature []byte, size int) bool {
	return len(signature) == 2*size &&
		ecdsa.Verify(key, digest, new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:]))
}
