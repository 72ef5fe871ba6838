package esignet

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// clientKey says whose a public key is. Its ID is the key's hash as eSignet has it.
type clientKey struct {
	ClientID string `json:"client_id"`
}

// keyClaimFor is how long a key that is claimed for a client that is not registered is held for it: the call that claimed
// it may be about to.
const keyClaimFor = time.Minute

var errDuplicateKey = errors.New("esignet: another client has the key")

// claimKey makes the client's key its own. A claim of a client that has come to nothing, or has another key, is no
// obstacle.
func (m *manager) claimKey(ctx context.Context, c *oauth.Client) error {
	hash := keyHash(c.Keys.Keys[0].Key)
	var present store.Entry[clientKey]
	for range maxTries {
		e, err := m.keys.Get(ctx, hash)
		switch {
		case errors.Is(err, store.ErrNotFound):
			e = store.Entry[clientKey]{ID: hash}
		case err != nil:
			return err
		case e.Value.ClientID != c.ID:
			if has, err := m.hasKey(ctx, &e, hash); err != nil || has {
				return errors.Join(err, duplicateIf(has))
			}
		}
		present = e
		present.Value.ClientID = c.ID
		if _, err = m.keys.Put(ctx, present); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return store.ErrConflict
}

func duplicateIf(has bool) error {
	if has {
		return errDuplicateKey
	}
	return nil
}

// hasKey reports whether the client of the claim has the key, or may be about to have it.
func (m *manager) hasKey(ctx context.Context, e *store.Entry[clientKey], hash string) (bool, error) {
	r, err := m.Clients.Get(ctx, e.Value.ClientID)
	if errors.Is(err, oauth.ErrUnknownClient) {
		return time.Since(e.WrittenAt) < keyClaimFor, nil
	}
	if err != nil {
		return false, err
	}
	c, err := r.Client()
	if err != nil {
		return true, nil // whatever it has
	}
	for _, key := range c.Keys.Keys {
		if key.Use != "enc" && keyHash(key.Key) == hash {
			return true, nil
		}
	}
	return false, nil
}

// keyHash is eSignet's public_key_hash: the SHA-256 of n, or of x and y, as the JWK has them.
func keyHash(key any) string {
	var members string
	enc := base64.RawURLEncoding
	switch key := key.(type) {
	case *rsa.PublicKey:
		members = enc.EncodeToString(key.N.Bytes())
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // uncompressed: 4, x, y
		if err != nil {
			return ""
		}
		size := (len(point) - 1) / 2
		members = enc.EncodeToString(point[1:1+size]) + enc.EncodeToString(point[1+size:])
	}
	sum := sha256.Sum256([]byte(members))
	return hex.EncodeToString(sum[:])
}

// parseJWK reads a public key, RSA or EC, of which it keeps no private member. It reports false if it is none.
func parseJWK(raw json.RawMessage) (jose.JSONWebKey, bool) {
	var members struct {
		Use *string `json:"use"`
		Alg *string `json:"alg"`
	}
	var key jose.JSONWebKey
	if json.Unmarshal(raw, &members) != nil || key.UnmarshalJSON(raw) != nil {
		return jose.JSONWebKey{}, false
	}
	if members.Use != nil && isBlank(*members.Use) || members.Alg != nil && isBlank(*members.Alg) {
		return jose.JSONWebKey{}, false
	}
	public := key.Public()
	switch public.Key.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
	default:
		return jose.JSONWebKey{}, false
	}
	key = jose.JSONWebKey{Key: public.Key, KeyID: key.KeyID, Use: key.Use, Algorithm: key.Algorithm}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
	if err != nil {
		return jose.JSONWebKey{}, false
	}
	_, err = jwt.ParseKeySet(set)
	return key, err == nil
}

// assertionAlgorithm is what the key signs assertions with: eSignet's registrations do not say it but in the key's alg.
func assertionAlgorithm(key *jose.JSONWebKey, profile oauth.Profile) jose.SignatureAlgorithm {
	if key.Algorithm != "" {
		return jose.SignatureAlgorithm(key.Algorithm)
	}
	order := []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.ES384}
	for _, alg := range order {
		if profile.Allows(alg) && jwt.CheckKey(alg, key.Key) == nil {
			return alg
		}
	}
	return ""
}

// encryptionOf is how things are encrypted to the key; the key's own alg says only what it was said to be for.
func encryptionOf(key any) oauth.Encryption {
	if _, ok := key.(*ecdsa.PublicKey); ok {
		return oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A256GCM}
	}
	return oauth.Encryption{KeyAlgorithm: jose.RSA_OAEP_256, Content: jose.A256GCM}
}
