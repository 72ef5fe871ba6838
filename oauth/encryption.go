package oauth

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Encryption is how what is for a client alone is encrypted to it (RFC 7516). The zero value does not encrypt.
type Encryption struct {
	// KeyAlgorithm is one of [KeyAlgorithms], and Content one of [ContentEncryptions].
	KeyAlgorithm jose.KeyAlgorithm
	Content      jose.ContentEncryption
}

// KeyAlgorithms are the algorithms with which keys can be encrypted to clients.
func KeyAlgorithms() []jose.KeyAlgorithm {
	return []jose.KeyAlgorithm{jose.RSA_OAEP_256, jose.ECDH_ES, jose.ECDH_ES_A256KW}
}

// ContentEncryptions are the algorithms with which contents can be encrypted to clients.
func ContentEncryptions() []jose.ContentEncryption {
	return []jose.ContentEncryption{jose.A128GCM, jose.A256GCM}
}

// EncryptionKey returns the client's first key that fits the algorithm: one that is not for signatures only (RFC 7517
// sections 4.2 and 4.4). It reports false if there is none.
func (c *Client) EncryptionKey(alg jose.KeyAlgorithm) (jose.JSONWebKey, bool) {
	i := slices.IndexFunc(c.Keys.Keys, func(key jose.JSONWebKey) bool {
		return (key.Use == "enc" || key.Use == "" && key.Algorithm == string(alg)) &&
			(key.Algorithm == "" || key.Algorithm == string(alg)) && encrypts(key.Key, alg)
	})
	if i < 0 {
		return jose.JSONWebKey{}, false
	}
	return c.Keys.Keys[i], true
}

// encrypts reports whether the public key is of the kind that the algorithm needs, and strong enough.
func encrypts(key any, alg jose.KeyAlgorithm) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return alg == jose.RSA_OAEP_256 && key.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return alg == jose.ECDH_ES || alg == jose.ECDH_ES_A256KW
	}
	return false
}

// checkEncryption returns what is wrong with what the client wants encrypted. Keys that it publishes are checked when
// something is encrypted.
func (c *Client) checkEncryption(what string, e Encryption) error {
	switch {
	case e == Encryption{}:
		return nil
	case !slices.Contains(KeyAlgorithms(), e.KeyAlgorithm):
		return fmt.Errorf("the %s cannot be encrypted with the key algorithm %q", what, e.KeyAlgorithm)
	case !slices.Contains(ContentEncryptions(), e.Content):
		return fmt.Errorf("the %s cannot be encrypted with %q; the algorithm has to be registered", what, e.Content)
	}
	if _, ok := c.EncryptionKey(e.KeyAlgorithm); !ok && c.JWKSURI == "" && (what != "userinfo" || !c.EncryptionKeyPending) {
		return fmt.Errorf("no key for encryption fits the %s algorithm %s", what, e.KeyAlgorithm)
	}
	return nil
}
