package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// handleBytes is the entropy of a handle; in base64url it makes handleLength characters.
	handleBytes  = 32
	handleLength = 43

	// format is the first byte of every record. A later version of Signet keeps reading the formats of the earlier
	// ones for as long as a record can live, so that an upgrade ends no login.
	format = 1

	nonceSize  = 12
	headerSize = 1 + nonceSize

	// maxUpdates bounds the compare-and-swap loop of Update. A record is changed by one person's requests: many
	// conflicts in a row mean an attack or a fault, not load.
	maxUpdates = 16
)

// ErrSealed says that a record was found under the handle and could not be opened: it was damaged, or it was written
// by a version of Signet that this one does not know.
var ErrSealed = errors.New("store: record cannot be opened")

// Bucket keeps records of one kind, each sealed by its bearer.
//
// A record is reached by its handle: 256 random bits in base64url that somebody outside the provider holds (a cookie,
// a code, a request_uri, a token). The backend sees a hash of the handle as the key, and as the value a text encrypted
// with AES-256-GCM under a key derived from the handle with HKDF-SHA-256. A copy of the backend, even together with
// all keys of the server, therefore opens no record; whoever presents a handle opens one.
//
// The fields are set once, before the first use; a Bucket is then safe for concurrent use.
type Bucket[T any] struct {
	// Store is the backend. Required.
	Store Ephemeral
	// Name separates kinds of records that share a backend; a handle of one bucket opens nothing in another.
	// Lower-case letters, digits and hyphens. Required.
	Name string
	// Now is the clock that decides when a record has expired. Nil means time.Now.
	Now func() time.Time
}

// NewHandle mints a handle: 256 random bits in base64url, 43 characters.
func NewHandle() string {
	var b [handleBytes]byte
	rand.Read(b[:]) // crypto/rand never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Create stores v under a new handle for ttl and returns the handle.
func (b *Bucket[T]) Create(ctx context.Context, v T, ttl time.Duration) (handle string, err error) {
	handle = NewHandle()
	return handle, b.Add(ctx, handle, v, ttl)
}

// Add stores v under a handle that the caller minted with [NewHandle] earlier. It returns ErrExists when there is, or
// was [Bucket.Block]ed, a record under the handle.
func (b *Bucket[T]) Add(ctx context.Context, handle string, v T, ttl time.Duration) error {
	s, err := b.open(handle)
	if err != nil {
		return err
	}
	value, err := s.seal(v, b.now().Add(ttl))
	if err != nil {
		return err
	}
	return b.Store.Add(ctx, s.key, value, ttl)
}

// Get returns the record, or ErrNotFound. A handle that no bucket could have minted is not found either.
func (b *Bucket[T]) Get(ctx context.Context, handle string) (T, error) {
	var zero T
	s, err := b.open(handle)
	if err != nil {
		return zero, err
	}
	value, err := b.Store.Get(ctx, s.key)
	if err != nil {
		return zero, err
	}
	v, _, err := unseal[T](s, value, b.now())
	return v, err
}

// Take returns the record and removes it: of many callers one gets it, the others get ErrNotFound.
func (b *Bucket[T]) Take(ctx context.Context, handle string) (T, error) {
	var zero T
	s, err := b.open(handle)
	if err != nil {
		return zero, err
	}
	value, err := b.Store.Take(ctx, s.key)
	if err != nil {
		return zero, err
	}
	v, _, err := unseal[T](s, value, b.now())
	return v, err
}

// Update changes the record with f and returns what was stored. When another caller changes the record at the same
// time, f runs again on the newer value, so it must do nothing but change its argument. An error of f leaves the
// record as it was and is returned. The record keeps its time of expiry.
func (b *Bucket[T]) Update(ctx context.Context, handle string, f func(*T) error) (T, error) {
	return b.update(ctx, handle, 0, f)
}

// UpdateFor is Update for a record whose next state lives for ttl from now, longer or shorter than it would have.
func (b *Bucket[T]) UpdateFor(ctx context.Context, handle string, ttl time.Duration, f func(*T) error) (T, error) {
	if ttl <= 0 {
		var zero T
		return zero, errors.New("store: a time to live must be positive")
	}
	return b.update(ctx, handle, ttl, f)
}

func (b *Bucket[T]) update(ctx context.Context, handle string, ttl time.Duration, f func(*T) error) (T, error) {
	var zero T
	s, err := b.open(handle)
	if err != nil {
		return zero, err
	}
	for range maxUpdates {
		old, err := b.Store.Get(ctx, s.key)
		if err != nil {
			return zero, err
		}
		now := b.now()
		v, expires, err := unseal[T](s, old, now)
		if err != nil {
			return zero, err
		}
		if err := f(&v); err != nil {
			return zero, err
		}
		if ttl > 0 {
			expires = now.Add(ttl)
		}
		value, err := s.seal(v, expires)
		if err != nil {
			return zero, err
		}
		err = b.Store.Replace(ctx, s.key, old, value, expires.Sub(now))
		if !errors.Is(err, ErrConflict) {
			return v, err
		}
	}
	return zero, ErrConflict
}

// Block makes the handle unusable for ttl: a record under it is gone, and a later Add under it gets ErrExists. It is
// how something is revoked that may be about to be created.
func (b *Bucket[T]) Block(ctx context.Context, handle string, ttl time.Duration) error {
	s, err := b.open(handle)
	if err != nil {
		return err
	}
	return b.Store.Put(ctx, s.key, []byte{0}, ttl)
}

func (b *Bucket[T]) now() time.Time {
	if b.Now == nil {
		return time.Now()
	}
	return b.Now()
}

// sealer holds what a handle gives access to: the backend's key and the cipher.
type sealer struct {
	key  string
	aead cipher.AEAD
}

func (b *Bucket[T]) open(handle string) (*sealer, error) {
	if len(handle) != handleLength {
		return nil, ErrNotFound
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(handle)
	if err != nil {
		return nil, ErrNotFound
	}
	// One expansion gives both halves: what the backend may know, and what it may not.
	okm, err := hkdf.Key(sha256.New, secret, nil, "signet/bucket/"+b.Name, 2*sha256.Size)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(okm[sha256.Size:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{key: b.Name + ":" + base64.RawURLEncoding.EncodeToString(okm[:sha256.Size]), aead: aead}, nil
}

// seal encrypts the expiry (Unix milliseconds) and the value. The record is bound to its key, so that a record moved
// to another place in the backend does not open.
func (s *sealer) seal(v any, expires time.Time) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("store: encode record: %w", err)
	}
	record := make([]byte, headerSize, headerSize+8+len(plain)+s.aead.Overhead())
	record[0] = format
	rand.Read(record[1:headerSize])
	message := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(plain)), uint64(expires.UnixMilli()))
	message = append(message, plain...)
	return s.aead.Seal(record, record[1:headerSize], message, []byte(s.key)), nil
}

func unseal[T any](s *sealer, record []byte, now time.Time) (v T, expires time.Time, err error) {
	if len(record) == 1 && record[0] == 0 { // blocked
		return v, expires, ErrNotFound
	}
	if len(record) < headerSize || record[0] != format {
		return v, expires, ErrSealed
	}
	message, err := s.aead.Open(nil, record[1:headerSize], record[headerSize:], []byte(s.key))
	if err != nil || len(message) < 8 {
		return v, expires, ErrSealed
	}
	expires = time.UnixMilli(int64(binary.BigEndian.Uint64(message)))
	if !now.Before(expires) {
		return v, expires, ErrNotFound
	}
	if err := json.Unmarshal(message[8:], &v); err != nil {
		var zero T
		return zero, expires, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return v, expires, nil
}
