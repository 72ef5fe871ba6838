package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const (
	// MaxKeySetSize is the length of the longest key set that is read, in bytes.
	MaxKeySetSize = 64 << 10
	// MaxKeys is how many keys a key set may have.
	MaxKeys = 32
)

// privateMembers are the members of a JWK that hold a secret (RFC 7518, section 6; RFC 9964).
var privateMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// ParseKeySet reads the JWK Set with which a client registers: 1 to [MaxKeys] public keys, which are RSA keys of 2048
// to 4096 bits, EC keys on P-256, P-384 or P-521, or Ed25519 keys. It refuses a set with any other key, with private or
// symmetric material, or with one kid twice, and returns all problems at once; the errors hold no part of a key.
func ParseKeySet(data []byte) (jose.JSONWebKeySet, error) {
	if len(data) > MaxKeySetSize {
		return jose.JSONWebKeySet{}, fmt.Errorf("%w: key set of more than %d bytes", ErrMalformed, MaxKeySetSize)
	}
	members, err := object(data)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(members.get("keys"), &raw); err != nil || len(raw) == 0 || len(raw) > MaxKeys {
		return jose.JSONWebKeySet{}, fmt.Errorf("%w: \"keys\" is not an array of 1 to %d keys", ErrMalformed, MaxKeys)
	}
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, len(raw))}
	seen := make(map[string]bool)
	var errs []error
	for i, member := range raw {
		key, err := parseKey(member)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("key %d: %w", i, err))
		case key.KeyID != "" && seen[key.KeyID]:
			errs = append(errs, fmt.Errorf("key %d: %w: an earlier key has the same kid", i, ErrMalformed))
		}
		seen[key.KeyID] = true
		set.Keys[i] = key
	}
	if err := errors.Join(errs...); err != nil {
		return jose.JSONWebKeySet{}, err
	}
	return set, nil
}

// parseKey reads one public key, a value in an object that was split.
func parseKey(data []byte) (jose.JSONWebKey, error) {
	members, err := split(data)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	for _, name := range privateMembers {
		if members.get(name) != nil {
			return jose.JSONWebKey{}, fmt.Errorf("%w: the key has the private member %q", ErrMalformed, name)
		}
	}
	if pub := plainKey(members); pub != nil {
		return jose.JSONWebKey{Key: pub}, nil
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(data); err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := checkPublic(key); err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return key, nil
}

// plainKey reads the key of nearly every DPoP proof, on P-256 and with nothing but what RFC 7518 section 6.2.1 demands, in
// a tenth of the time that go-jose takes. It is nil for any other key, and for one that go-jose is to say is wrong.
func plainKey(members members) *ecdsa.PublicKey {
	if len(members) != 4 || string(members.get("kty")) != `"EC"` || string(members.get("crv")) != `"P-256"` {
		return nil
	}
	const size = 32
	point := append(make([]byte, 0, 1+2*size), 4) // SEC 1, section 2.3.3: an uncompressed point
	for _, name := range []string{"x", "y"} {
		encoded := members.get(name)
		if len(encoded) != len(`""`)+43 {
			return nil
		}
		var err error
		if point, err = base64url.AppendDecode(point, encoded[1:44]); err != nil || (len(point)-1)%size != 0 {
			return nil
		}
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil
	}
	return key
}

func checkPublic(key jose.JSONWebKey) error {
	if key.Use != "" && key.Use != "sig" && key.Use != "enc" {
		return fmt.Errorf("jwt: use is %q, neither \"sig\" nor \"enc\"", key.Use)
	}
	if alg := jose.SignatureAlgorithm(key.Algorithm); accepted(alg) {
		if err := CheckKey(alg, key.Key); err != nil {
			return err
		}
	}
	switch pub := key.Key.(type) {
	case *rsa.PublicKey:
		return checkRSA(pub)
	case *ecdsa.PublicKey:
		if pub.Curve == elliptic.P256() || pub.Curve == elliptic.P384() || pub.Curve == elliptic.P521() {
			return nil
		}
	case ed25519.PublicKey:
		return nil
	}
	return fmt.Errorf("jwt: a public key must not be %s", describe(key.Key))
}
