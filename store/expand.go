package store

import (
	"bytes"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/sha256"
)

// expand is HKDF-Expand (RFC 5869, section 2.3) with SHA-256, to two blocks of output.
//
// A login opens a dozen records. Here this costs no allocation, and 14 in crypto/hkdf, which does it where cryptography has
// to be that of a validated module.
func expand(secret [handleSize]byte, info string) (okm [2 * sha256.Size]byte, err error) {
	if fips140.Enabled() {
		out, err := hkdf.Expand(sha256.New, bytes.Clone(secret[:]), info, len(okm)) // a clone, so that only here it is on the heap
		copy(okm[:], out)
		return okm, err
	}
	var inner, outer [sha256.BlockSize]byte // the secret with the pads of HMAC (RFC 2104)
	for i := range inner {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, b := range secret {
		inner[i] ^= b
		outer[i] ^= b
	}
	var previous []byte
	for i := range len(okm) / sha256.Size {
		buffer := append(append(append(make([]byte, 0, 256), inner[:]...), previous...), info...)
		sum := sha256.Sum256(append(buffer, byte(i+1)))
		buffer = append(append(buffer[:0], outer[:]...), sum[:]...)
		sum = sha256.Sum256(buffer)
		previous = okm[i*sha256.Size:][:copy(okm[i*sha256.Size:], sum[:])]
	}
	return okm, nil
}
