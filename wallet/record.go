package wallet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/base64"
	"errors"
	"time"
)

// individual leads from an individual ID, of which a person may have several, to the person's binding. Its ID is the name
// of the individual's hash.
type individual struct {
	// Binding is the ID of the binding.
	Binding string `json:"binding"`
	// Subject is who the person is to the identity system, sealed by the individual's hash.
	Subject []byte `json:"subject"`
}

// binding is the one of a person. Its ID is the name of their subject, and never changes.
type binding struct {
	WalletUserID string `json:"wallet_user_id"`
	// Certificate is in DER. Key is the thumbprint of its public key (RFC 7638), the ID of the key's record.
	Certificate []byte `json:"certificate,omitempty"`
	Key         string `json:"key"`
	// State is that of the person's identity, sealed by the subject.
	State []byte `json:"state,omitempty"`
	// Individuals are the IDs of the records that lead here.
	Individuals []string  `json:"individuals,omitempty"`
	BoundAt     time.Time `json:"bound_at"`
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
}

// key says whose a public key is. Its ID is the key's thumbprint.
type key struct {
	// Binding is the ID of the binding that has, or had, the key.
	Binding string `json:"binding"`
	// Revoked says that nobody may bind the key again.
	Revoked bool `json:"revoked,omitempty"`
}

// individualHash is how eSignet's registry names an individual ID, so that its records can be taken over.
func individualHash(individualID string) string {
	sum := sha3.Sum256([]byte(individualID))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// name is the ID of a record of something that a copy of the ledger must not tell, not even to somebody who tries all.
func (r *Registry) name(use, of string) string {
	mac := hmac.New(sha256.New, r.names)
	mac.Write([]byte(use + ":" + of))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (r *Registry) seal(use, of string, plain []byte) ([]byte, error) {
	aead, err := r.cipher(use, of)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, nil), nil
}

var errSealed = errors.New("wallet: a record cannot be opened: was the secret changed?")

func (r *Registry) open(use, of string, sealed []byte) ([]byte, error) {
	aead, err := r.cipher(use, of)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// cipher is that of one record: it needs the secret, and what leads to the record.
func (r *Registry) cipher(use, of string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, r.sealing, []byte(of), "signet/wallet/"+use, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
