package rotation_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/store"
)

// A provider gets its keys, lets them rotate, and an operator replaces one.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var vault keystore.Vault = keystore.NewMemoryVault()                                  // or a file, or an HSM
	var records store.Ledger = &ledger{now: time.Now, records: map[string]store.Record{}} // or PostgreSQL

	keys, err := rotation.New(rotation.Config{
		Vault:  vault,
		Ledger: records,
		Keys: []rotation.Spec{
			{Role: keystore.TokenSigning, Algorithm: "ES256"},
			{Role: keystore.RequestDecryption, Algorithm: "ECDH-ES"},
		},
		Policy: rotation.Policy{Lifetime: 30 * 24 * time.Hour},
	})
	if err != nil {
		panic(err)
	}
	if err := keys.Start(ctx); err != nil { // makes the first keys
		panic(err)
	}
	go keys.Run(ctx) // every instance does so

	key, err := keys.Signer(ctx, keystore.TokenSigning, jose.ES256)
	if err != nil {
		panic(err)
	}
	next, err := keys.Rotate(ctx, keystore.TokenSigning, "ES256", false)
	if err != nil {
		panic(err)
	}
	fmt.Println(next.State, "takes over from", key.Algorithm(), "after", time.Until(next.Activates).Round(time.Hour))
	// Output: next takes over from ES256 after 24h0m0s
}
