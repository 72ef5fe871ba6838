package conformance

import (
	"crypto/rand"
	"math"
	"strings"
)

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	unreserved   = alphanumeric + "-._~"
)

// randomText returns n characters of the alphabet, whose length divides no power of two exactly: good enough for test
// values, which need to be unique and not secret.
func randomText(n int, alphabet string) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// randomCase returns the text in random letter case, at least one letter of it changed.
func randomCase(s string) string {
	b := make([]byte, len(s))
	rand.Read(b)
	out := []byte(s)
	for i := range out {
		if b[i]&1 == 1 {
			out[i] = strings.ToUpper(string(out[i]))[0]
		}
	}
	return strings.ToUpper(s[:1]) + string(out[1:])
}

// entropy estimates the bits in a text as the OpenID Foundation's suite does: the entropy of its characters'
// frequencies times its length. It underestimates short random values.
func entropy(s string) float64 {
	counts := map[rune]float64{}
	n := 0.0
	for _, r := range s {
		counts[r]++
		n++
	}
	bits := 0.0
	for _, count := range counts {
		bits -= count * math.Log2(count/n)
	}
	return bits
}

const minEntropy = 96

// unguessable reports a value that the suite would call guessable.
func (t *trial) unguessable(name, value string) {
	if bits := entropy(value); bits <= minEntropy {
		t.fail("the entropy of %s is estimated at %.0f bits, and must be above %d: 32 random bytes in base64url suffice", name, bits, minEntropy)
	}
}

// unguessableToken is unguessable for codes and tokens, which also have a least length.
func (t *trial) unguessableToken(name, value string) {
	const minLength = 16
	if len(value) < minLength {
		t.fail("%s has %d bytes, fewer than %d", name, len(value), minLength)
	}
	t.unguessable(name, value)
}
