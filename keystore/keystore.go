// Package keystore gives the provider its signing keys and the world their public halves.
//
// A [Keystore] hands out keys as [Key], which wraps any [crypto.Signer]: a key may live in memory, in a file, in an HSM
// or in a remote service, and nothing in Signet looks at the concrete type of a private key. Key is also the one place
// that turns signatures into compact JWS.
//
// A key serves one algorithm, and its kid is its RFC 7638 thumbprint. Each published key has its alg, so the same RSA
// key under RS256 and PS256 would be two entries with one kid, and a verifier could not choose: use two RSA keys, as
// [Generate] does; [NewMemory] refuses one key for two algorithms, and every Keystore must.
package keystore

import (
	"context"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// ErrNoKey says that a keystore has no key that signs with the algorithm.
var ErrNoKey = errors.New("keystore: no key for this algorithm")

// Keystore holds the provider's signing keys. It is safe for concurrent use.
type Keystore interface {
	// Signer returns the key that signs now in the role with the algorithm, or an error that wraps ErrNoKey.
	Signer(ctx context.Context, role Role, alg jose.SignatureAlgorithm) (*Key, error)
	// Keys returns every public key that a verifier, or a client that encrypts, may need: the next, the current, and
	// those retired whose signatures are still valid. Each has kid, use and alg, and no kid is there twice. The caller owns the slice.
	Keys(ctx context.Context) ([]jose.JSONWebKey, error)
}
