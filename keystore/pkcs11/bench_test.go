//go:build cgo

package pkcs11_test

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	p11 "github.com/miekg/pkcs11"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/softhsmtest"
)

// BenchmarkSign shows what ES256 costs on SoftHSM2: raw in one session, and through the vault's eight from 1, 8 and 64
// goroutines.
func BenchmarkSign(b *testing.B) {
	library := &library{}
	vault := openWith(b, configFor(softhsmtest.New(b)), library)
	key, _ := signer(b, vault, jose.ES256)
	payload := []byte(`{"sub":"somebody"}`)

	b.Run("raw", func(b *testing.B) {
		digest := sha256.Sum256(payload)
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
		_, err := key.Sign(b.Context(), "JWT", payload)
		library.signInit = nil
		require.NoError(b, err)
	})
	for _, goroutines := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			var group sync.WaitGroup
			work := make(chan struct{})
			for range goroutines {
				group.Go(func() {
					for range work {
						if _, err := key.Sign(b.Context(), "JWT", payload); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			group.Wait()
		})
	}
}
