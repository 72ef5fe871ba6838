package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"

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

// verifyECDSA takes r and s, each of size bytes. They go to crypto/ecdsa in the ASN.1 that it wants, for big.Int is not
// made for this and costs more.
func verifyECDSA(key *ecdsa.PublicKey, digest, signature []byte, size int) bool {
	if len(signature) != 2*size {
		return false
	}
	der := make([]byte, 2, 2+2*(3+48))
	der = appendInteger(der, signature[:size])
	der = appendInteger(der, signature[size:])
	der[0], der[1] = 0x30, byte(len(der)-2) // a SEQUENCE of fewer than 128 bytes
	return ecdsa.VerifyASN1(key, digest, der)
}

// appendInteger appends a big-endian number as an INTEGER of ASN.1: without the zeros before it, but with one where the
// first bit would be that of a negative number.
func appendInteger(der, n []byte) []byte {
	n = bytes.TrimLeft(n, "\x00")
	if len(n) == 0 || n[0] >= 0x80 {
		return append(append(der, 0x02, byte(len(n)+1), 0), n...)
	}
	return append(append(der, 0x02, byte(len(n))), n...)
}
