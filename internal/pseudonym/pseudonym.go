// Package pseudonym makes names that tell nothing about what they stand for to anybody without a secret.
package pseudonym

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"sync"
)

// Maker makes the names of one purpose, for which it has a key of its own. It is safe for concurrent use.
type Maker struct {
	// macs are kept because a login needs nine names, and most of the cost of each was to set up HMAC for the same key.
	macs sync.Pool
}

// New returns the Maker with the key, of 256 random or derived bits.
func New(key []byte) *Maker {
	return &Maker{macs: sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }}}
}

type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

// Name returns the name of the input: its HMAC-SHA-256 in base64url, 43 characters, the same each time.
func (m *Maker) Name(input []byte) string {
	mac := m.macs.Get().(*mac)
	defer m.macs.Put(mac)
	mac.Write(input)
	var name [43]byte
	base64.RawURLEncoding.Encode(name[:], mac.Sum(mac.sum[:0]))
	mac.Reset() // so that nothing of the input stays
	return string(name[:])
}
