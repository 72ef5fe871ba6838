package store

import (
	"testing"
	"time"
)

// BenchmarkSeal is what sealing costs apart from JSON: the handle, the derivation of its keys, and the encryption.
func BenchmarkSeal(b *testing.B) {
	value := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		s, err := newSealer("logins", NewHandle())
		if err != nil {
			b.Fatal(err)
		}
		s.encrypt(value, time.Time{})
	}
}
