package pkcs12_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs12"
)

// BenchmarkOpenKey is what it costs to look whether the file has changed, and to get a key of it.
func BenchmarkOpenKey(b *testing.B) {
	vault := open(b, pkcs12.File(newFile(b)))
	var key keystore.VaultKey
	for range 10 {
		key = generate(b, vault, "key", "ES256")
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := vault.Open(b.Context(), key.ID)
		require.NoError(b, err)
	}
}

// BenchmarkGenerate is a change to a file with ten keys: reading, writing and syncing it.
func BenchmarkGenerate(b *testing.B) {
	vault := open(b, pkcs12.File(newFile(b)))
	for range 10 {
		generate(b, vault, "key", "ES256")
	}
	for b.Loop() {
		key := generate(b, vault, "key", "ES256")
		require.NoError(b, vault.Delete(b.Context(), key.ID))
	}
}

// BenchmarkOpen is the start of a process, with the iterations that are the default.
func BenchmarkOpen(b *testing.B) {
	c := config(pkcs12.File(newFile(b)))
	c.Iterations = 0
	for b.Loop() {
		_, err := pkcs12.Open(b.Context(), c)
		require.NoError(b, err)
	}
}
