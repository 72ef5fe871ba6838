// Package keystore gives the provider its signing keys and the world their public halves.
//
// A [Keystore] hands out keys as [crypto.Signer], so that a key may live in memory, in a file, in an HSM or in a
// remote service; nothing in Signet looks at the concrete type of a private key.
package keystore

import (
	"context"
	"crypto"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// ErrNoKey says that a keystore has no key that signs with the algorithm.
var ErrNoKey = errors.New("keystore: no key for this algorithm")

// Keystore holds the provider's signing keys. It is safe for concurrent use.
type Keystore interface {
	// Signer returns the key that signs now for the algorithm, or an error that wraps ErrNoKey.
	Signer(ctx context.Context, alg jose.SignatureAlgorithm) (*Key, error)
	// Keys returns every public key that a verifier may need: the next, the current, and those retired whose
	// signatures are still valid. Each has kid, use and alg.
	Keys(ctx context.Context) ([]jose.JSONWebKey, error)
}

// Key is a key that signs with one algorithm. It is safe for concurrent use and never printed.
type Key struct {
	// unexported: made by NewKey
	id     string
	alg    jose.SignatureAlgorithm
	signer crypto.Signer
}
