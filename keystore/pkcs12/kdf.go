package pkcs12

import (
	"crypto"
	"crypto/hmac"
	"crypto/pbkdf2"
	"errors"
	"fmt"
	"hash"
	"slices"
)

// maxWork is how many iterations all key derivations of one file may take together: a few seconds. Whoever can change a
// file must not be able to keep its readers busy for longer.
const maxWork = 20_000_000

var errWork = errors.New("pkcs12: the file demands too many iterations of key derivation")

// derivation is what goes into a key beside the password.
type derivation struct {
	pkcs12     bool // the key derivation of PKCS#12 for MACs, otherwise PBKDF2
	hash       crypto.Hash
	salt       string
	iterations int
	size       int // of the key, in bytes
}

// kdf derives keys from the password, and remembers those of the latest file.
type kdf struct {
	password []byte
	known    map[derivation][]byte
}

// session derives the keys of one file.
type session struct {
	*kdf
	used map[derivation][]byte
	work int
}

func (k *kdf) session() *session { return &session{kdf: k, used: map[derivation][]byte{}} }

// done forgets keys that the file did not need.
func (s *session) done() { s.known = s.used }

func (s *session) derive(d derivation) ([]byte, error) {
	if key, ok := s.used[d]; ok {
		return key, nil
	}
	key, ok := s.known[d]
	if !ok {
		if d.iterations < 1 || d.iterations > maxWork-s.work {
			return nil, errWork
		}
		s.work += d.iterations
		var err error
		if key, err = d.key(s.password); err != nil {
			return nil, fmt.Errorf("pkcs12: derive a key: %w", err)
		}
	}
	s.used[d] = key
	return key, nil
}

func (d derivation) key(password []byte) ([]byte, error) {
	if d.pkcs12 {
		return macKey(d.hash.New(), password, []byte(d.salt), d.iterations), nil
	}
	return pbkdf2.Key(d.hash.New, string(password), []byte(d.salt), d.iterations, d.size)
}

// macKey derives a key for a MAC as RFC 7292 appendix B.2 has it (ID 3). The key is as long as the hash, for which one
// round of its step 6 is enough.
func macKey(h hash.Hash, password, salt []byte, iterations int) []byte {
	v := h.BlockSize()
	h.Write(slices.Repeat([]byte{3}, v))
	h.Write(fill(salt, v))
	h.Write(fill(append(toBMP(string(password)), 0, 0), v))
	key := h.Sum(nil)
	for range iterations - 1 {
		h.Reset()
		h.Write(key)
		key = h.Sum(key[:0])
	}
	return key
}

// fill repeats a string up to the next multiple of size.
func fill(s []byte, size int) []byte {
	if len(s) == 0 {
		return nil
	}
	length := (len(s) + size - 1) / size * size
	return slices.Repeat(s, length/len(s)+1)[:length]
}

// checkMAC compares a MAC in constant time.
func checkMAC(h crypto.Hash, key, message, mac []byte) bool {
	return hmac.Equal(sum(h, key, message), mac)
}

func sum(h crypto.Hash, key, message []byte) []byte {
	m := hmac.New(h.New, key)
	m.Write(message)
	return m.Sum(nil)
}
