package wallet

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
)

// maxKey bounds a public key in JSON: one of RSA with 4096 bits takes less than a kilobyte.
const maxKey = 4 << 10

// ErrKey says that a public key cannot be bound: it is of a kind that is not allowed, it has been revoked, or it is bound
// to somebody else. The text around it says which.
var ErrKey = errors.New("wallet: the public key cannot be bound")

// ParseKey reads the public key of a wallet, a JWK (RFC 7517): RSA of 2048 to 4096 bits, EC on P-256, or Ed25519, for
// signatures. Other keys, private ones and what is no JWK are ErrKey.
func ParseKey(jwk []byte) (jose.JSONWebKey, error) {
	if len(jwk) > maxKey || !json.Valid(jwk) {
		return jose.JSONWebKey{}, fmt.Errorf("%w: not a JWK, or too long", ErrKey)
	}
	set, err := jwt.ParseKeySet([]byte(`{"keys":[` + string(jwk) + `]}`))
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	k := set.Keys[0]
	serves := false
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		serves = serves || jwt.CheckKey(alg, k.Key) == nil && (k.Algorithm == "" || k.Algorithm == string(alg))
	}
	if !serves || k.Use != "" && k.Use != "sig" {
		return jose.JSONWebKey{}, fmt.Errorf("%w: it does not sign with RS256, PS256, ES256 or EdDSA", ErrKey)
	}
	// What else the wallet said about the key is not the provider's word.
	return jose.JSONWebKey{Key: k.Key, KeyID: k.KeyID, Algorithm: k.Algorithm, Use: k.Use}, nil
}

// thumbprint names a public key, however it is written (RFC 7638).
func thumbprint(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
