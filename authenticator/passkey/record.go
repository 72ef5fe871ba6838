package passkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// formatSealed is the format of records: a nonce, and the JSON of a passkey encrypted with AES-256-GCM. Later versions
// keep reading it.
const formatSealed = 1

var errSealed = errors.New("passkey: a record cannot be opened: it was damaged, moved, or written by a later version")

// record is a passkey as the ledger has it.
type record struct {
	Format int    `json:"format"`
	Sealed []byte `json:"sealed"`
}

// passkey is what a record holds.
type passkey struct {
	// Subject and State are the Identity of the owner when the passkey was registered.
	Subject string `json:"subject"`
	State   []byte `json:"state,omitempty"`
	// Credential is a webauthn.Credential as the library encodes it.
	Credential json.RawMessage `json:"credential"`
	CreatedAt  time.Time       `json:"created_at"`
	// UsedOn is the day of the last login, UTC.
	UsedOn time.Time `json:"used_on"`
}

func (p *passkey) credential() (c webauthn.Credential, err error) {
	if err = json.Unmarshal(p.Credential, &c); err != nil {
		return c, errSealed
	}
	return c, nil
}

func (p *passkey) identity() *authenticator.Identity {
	return &authenticator.Identity{Subject: p.Subject, State: p.State}
}

// keys are derived from the Secret, one for each use.
type keys struct{ record, owner, handle, seal []byte }

func newKeys(secret []byte) (*keys, error) {
	k := new(keys)
	for use, key := range map[string]*[]byte{"record": &k.record, "owner": &k.owner, "handle": &k.handle, "seal": &k.seal} {
		var err error
		if *key, err = hkdf.Key(sha256.New, secret, nil, "signet/passkey/"+use, sha256.Size); err != nil {
			return nil, fmt.Errorf("passkey: deriving keys: %w", err)
		}
	}
	return k, nil
}

func keyed(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

// recordID names the record of a credential.
func (k *keys) recordID(credential []byte) string {
	return base64.RawURLEncoding.EncodeToString(keyed(k.record, credential))
}

// ownerOf groups the records of a person.
func (k *keys) ownerOf(subject string) string {
	return base64.RawURLEncoding.EncodeToString(keyed(k.owner, []byte(subject)))
}

// userHandle names the person towards their devices.
func (k *keys) userHandle(subject string) []byte { return keyed(k.handle, []byte(subject)) }

// sealInto writes the passkey into an entry, whose ID is set, in place of what is there.
func (k *keys) sealInto(e *store.Entry[record], p *passkey) error {
	plain, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("passkey: encoding a record: %w", err)
	}
	e.Owner = k.ownerOf(p.Subject)
	aead, err := k.aead(e.ID)
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce) // never fails: it ends the program instead
	e.Value = record{Format: formatSealed, Sealed: aead.Seal(nonce, nonce, plain, authenticated(e))}
	return nil
}

// open reads the passkey in an entry.
func (k *keys) open(e *store.Entry[record]) (*passkey, error) {
	aead, err := k.aead(e.ID)
	if err != nil {
		return nil, err
	}
	sealed := e.Value.Sealed
	if e.Value.Format != formatSealed || len(sealed) < aead.NonceSize() {
		return nil, errSealed
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], authenticated(e))
	if err != nil {
		return nil, errSealed
	}
	p := new(passkey)
	if json.Unmarshal(plain, p) != nil {
		return nil, errSealed
	}
	return p, nil
}

// aead has a key of its own for every record.
func (k *keys) aead(id string) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, k.seal, id, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// authenticated binds what is sealed to its place.
func authenticated(e *store.Entry[record]) []byte {
	return []byte(fmt.Sprintf("signet/passkey/%d\n%s\n%s", formatSealed, e.ID, e.Owner))
}
