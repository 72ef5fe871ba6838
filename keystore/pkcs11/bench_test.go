//go:build cgo

package pkcs11_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	p11 "github.com/miekg/pkcs11"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/softhsmtest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs12"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/store/memory"
)

// BenchmarkKeys sets beside each other what a signature costs from 1, 8 and 64 goroutines: with a private key alone
// (raw), and through a keystore that rotates, finding the key included, over a vault in memory, a PKCS#12 file, and
// SoftHSM2 with eight sessions.
func BenchmarkKeys(b *testing.B) {
	specs := []rotation.Spec{{Role: keystore.TokenSigning, Algorithm: "ES256"}, {Role: keystore.TokenSigning, Algorithm: "PS256"}}
	file, err := pkcs12.Open(b.Context(), pkcs12.Config{
		Storage: pkcs12.File(filepath.Join(b.TempDir(), "keys.p12")), Password: func() ([]byte, error) { return []byte("password"), nil },
		Create: true, Iterations: 10_000, RSABits: 2048,
	})
	require.NoError(b, err)
	config := configFor(softhsmtest.New(b))
	config.RSABits = 2048
	vaults := []struct {
		name  string
		vault keystore.Vault
	}{{"memory", keystore.NewMemoryVault()}, {"pkcs12", file}, {"softhsm", openWith(b, config, &library{})}}
	var stores []*rotation.Keystore
	for _, v := range vaults {
		ledger, err := memory.New(memory.Config{})
		require.NoError(b, err)
		b.Cleanup(func() { ledger.Close() })
		keys, err := rotation.New(rotation.Config{Vault: v.vault, Ledger: ledger, Keys: specs})
		require.NoError(b, err)
		require.NoError(b, keys.Start(b.Context()))
		stores = append(stores, keys)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b, err)
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b, err)
	payload := make([]byte, 400)
	for alg, raw := range map[jose.SignatureAlgorithm]func(sum []byte) error{
		jose.ES256: func(sum []byte) error {
			_, err := p256.Sign(rand.Reader, sum, crypto.SHA256)
			return err
		},
		jose.PS256: func(sum []byte) error {
			_, err := rsa2048.Sign(rand.Reader, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
			return err
		},
	} {
		for _, goroutines := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/%d/raw", alg, goroutines), func(b *testing.B) {
				concurrently(b, goroutines, func(context.Context) error {
					sum := sha256.Sum256(payload)
					return raw(sum[:])
				})
			})
			for i, v := range vaults {
				b.Run(fmt.Sprintf("%s/%d/%s", alg, goroutines, v.name), func(b *testing.B) {
					concurrently(b, goroutines, func(ctx context.Context) error {
						key, err := stores[i].Signer(ctx, keystore.TokenSigning, alg)
						if err != nil {
							return err
						}
						_, err = key.Sign(ctx, "JWT", payload)
						return err
					})
				})
			}
		}
	}
}

// concurrently has so many goroutines share b.N calls.
func concurrently(b *testing.B, goroutines int, call func(context.Context) error) {
	b.ReportAllocs()
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			for n := i; n < b.N; n += goroutines {
				if err := call(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// BenchmarkRaw is ES256 on SoftHSM2 alone, in one session, to set beside BenchmarkKeys.
func BenchmarkRaw(b *testing.B) {
	library := &library{}
	vault := openWith(b, configFor(softhsmtest.New(b)), library)
	key, _ := signer(b, vault, jose.ES256)
	digest := sha256.Sum256([]byte(`{"sub":"somebody"}`))
	// The vault's own session is used, while a signature is made in it.
	library.signInit = func(s p11.SessionHandle, key p11.ObjectHandle) error {
		for b.Loop() {
			if err := library.Cryptoki.SignInit(s, []*p11.Mechanism{p11.NewMechanism(p11.CKM_ECDSA, nil)}, key); err != nil {
				return err
			}
			if _, err := library.Cryptoki.Sign(s, digest[:]); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := key.Sign(b.Context(), "JWT", []byte(`{}`))
	library.signInit = nil
	require.NoError(b, err)
}
