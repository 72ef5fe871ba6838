package authenticator

import (
	"context"
	"encoding/json"
)

// KeyBinder is a [Method] whose identity system certifies the keys of wallets itself, instead of the provider. One that stands
// for others, of which perhaps none does, proves who the person is all the same.
type KeyBinder interface {
	// BindKey proves that a person answered the challenges, as Authenticate does, and has the key certified as theirs.
	BindKey(ctx context.Context, r *KeyBindingRequest) (*KeyBinding, error)
}

// KeyBindingRequest asks to bind a key to a person.
type KeyBindingRequest struct {
	Request
	// Factor is what the key will prove: [Wallet].
	Factor Factor
	// Key is the public key, a JWK (RFC 7517).
	Key json.RawMessage
	// Header is what the wallet sent along for the identity system, by lower-case names: "partner-id", say. It is a
	// stranger's word.
	Header map[string]string
}

// KeyBinding is a key that was bound.
type KeyBinding struct {
	// Identity is who the person is.
	Identity Identity
	// Certificate was issued for the key: X.509 in DER. Empty means that the identity system certifies no keys, and that the
	// provider may.
	Certificate []byte
}
