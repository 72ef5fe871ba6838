package pkcs12_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs12"
)

// BenchmarkSign sets the key of a vault (vault) beside the same private key without one (raw), for 1, 8 and 64
// goroutines. A token is signed each time, of the size of an ID Token.
func BenchmarkSign(b *testing.B) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b, err)
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b, err)
	vault := open(b, pkcs12.File(newFile(b)))
	for alg, raw := range map[jose.SignatureAlgorithm]crypto.Signer{jose.ES256: p256, jose.PS256: rsa2048} {
		imported, err := vault.Import(b.Context(), "key", string(alg), raw, nil)
		require.NoError(b, err)
		opened, err := vault.Open(b.Context(), imported.ID)
		require.NoError(b, err)
		for _, goroutines := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/raw/%d", alg, goroutines), func(b *testing.B) { benchmarkSign(b, alg, raw, goroutines) })
			b.Run(fmt.Sprintf("%s/vault/%d", alg, goroutines), func(b *testing.B) { benchmarkSign(b, alg, opened, goroutines) })
		}
	}
}

func benchmarkSign(b *testing.B, alg jose.SignatureAlgorithm, private crypto.PrivateKey, goroutines int) {
	key, err := keystore.NewKey(alg, private.(crypto.Signer))
	require.NoError(b, err)
	payload := make([]byte, 400)
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for n := i; n < b.N; n += goroutines {
				if _, err := key.Sign(b.Context(), "JWT", payload); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

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
