package keystore

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// agreement derives the key with ECDH-ES in direct mode (RFC 7518 section 4.6). go-jose does so for keys in memory only.
func agreement(private ECDHKey) func(context.Context, []byte, jose.Header) ([]byte, error) {
	return func(ctx context.Context, encrypted []byte, header jose.Header) ([]byte, error) {
		remote, err := ephemeralKey(header)
		if err != nil || len(encrypted) > 0 {
			return nil, ErrDecrypt
		}
		enc, _ := header.ExtraHeaders["enc"].(string)
		size := contentKeySize(jose.ContentEncryption(enc))
		apu, apuErr := bytesOf(header.ExtraHeaders["apu"])
		apv, apvErr := bytesOf(header.ExtraHeaders["apv"])
		if size == 0 || apuErr != nil || apvErr != nil {
			return nil, ErrDecrypt
		}
		z, err := private.ECDH(ctx, remote)
		if err != nil {
			return nil, err
		}
		if len(z) != (256+7)/8 {
			return nil, fmt.Errorf("keystore: the key agreed on %d bytes, not 32", len(z))
		}
		return concatKDF(z, enc, apu, apv, size), nil
	}
}

// ephemeralKey returns the epk of the header. One that is not a point of P-256 other than infinity is an error, so that
// nobody can ask the private key about points of a weaker curve.
func ephemeralKey(header jose.Header) (*ecdh.PublicKey, error) {
	epk, _ := header.ExtraHeaders["epk"].(map[string]any)
	if epk["kty"] != "EC" || epk["crv"] != "P-256" {
		return nil, ErrDecrypt
	}
	point := []byte{4} // uncompressed (SEC 1 section 2.3.3)
	for _, name := range []string{"x", "y"} {
		coordinate, err := bytesOf(epk[name])
		if err != nil || len(coordinate) != 32 {
			return nil, ErrDecrypt
		}
		point = append(point, coordinate...)
	}
	return ecdh.P256().NewPublicKey(point)
}

// bytesOf decodes a member of a header that is bytes in base64url. One that is absent is empty.
func bytesOf(member any) ([]byte, error) {
	text, ok := member.(string)
	if !ok && member != nil {
		return nil, ErrDecrypt
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// contentKeySize returns the length of the key in bytes, zero for an algorithm that is not among decryptionEncodings.
func contentKeySize(enc jose.ContentEncryption) int {
	switch enc {
	case jose.A128GCM:
		return 16
	case jose.A256GCM:
		return 32
	}
	return 0
}

// concatKDF is the Concatenation Key Derivation Function (NIST SP 800-56A section 5.8.1) with SHA-256, as RFC 7518
// section 4.6.2 uses it. It gives at most one hash: 32 bytes.
func concatKDF(z []byte, alg string, apu, apv []byte, size int) []byte {
	input := binary.BigEndian.AppendUint32(nil, 1) // the round
	input = append(input, z...)
	for _, field := range [][]byte{[]byte(alg), apu, apv} {
		input = binary.BigEndian.AppendUint32(input, uint32(len(field)))
		input = append(input, field...)
	}
	input = binary.BigEndian.AppendUint32(input, uint32(size)*8)
	sum := sha256.Sum256(input)
	return sum[:size]
}
