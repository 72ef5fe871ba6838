package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// maxName leaves room for the hash of a handle in a key.
	maxName = 64

	// maxUpdates bounds the compare-and-swap loop of Update. A record is changed by one person's requests: many
	// conflicts in a row mean an attack or a fault, not load.
	maxUpdates = 16
)

// Bucket keeps records of one kind, each sealed by its bearer.
//
// A record is reached by its handle: 256 random bits in base64url that somebody outside the provider holds (a cookie,
// a code, a request_uri, a token). The backend sees a hash of the handle as the key, and as the value a text encrypted
// with AES-256-GCM under a key derived from the handle with HKDF-SHA-256. A copy of the backend, even together with
// all keys of the server, therefore opens no record; whoever presents a handle opens one.
//
// The fields are set once, before the first use; a Bucket is then safe for concurrent use. Without a Store, or with a
// Name that is not allowed, every method returns ErrInvalid.
//
// Records are kept as CBOR (RFC 8949), with the field names and options of the cbor tags of structs, or else of their json
// tags. Only what these say comes back, of times the instant to the nanosecond with its offset, and methods for encoding
// that a type has for JSON are not called. An encrypted record has to fit into [MaxValue].
type Bucket[T any] struct {
	// Store is the backend. Required.
	Store Ephemeral
	// Name separates kinds of records that share a backend; a handle of one bucket opens nothing in another. At most
	// 64 lower-case letters, digits and hyphens. Required.
	Name string
	// Now is the clock that decides when a record has expired. Nil means time.Now.
	Now func() time.Time
}

// Create stores v under a new handle for ttl and returns the handle.
func (b *Bucket[T]) Create(ctx context.Context, v T, ttl time.Duration) (handle string, err error) {
	handle = NewHandle()
	if err := b.Add(ctx, handle, v, ttl); err != nil {
		return "", err
	}
	return handle, nil
}

// Add stores v under a handle that the caller minted with [NewHandle] earlier. It returns ErrExists when there is, or
// was [Bucket.Block]ed, a record under the handle, and ErrInvalid when it was not minted there.
func (b *Bucket[T]) Add(ctx context.Context, handle string, v T, ttl time.Duration) error {
	o, err := b.adding(handle, v, ttl)
	if err != nil {
		return err
	}
	return b.Store.Add(ctx, o.Key, o.Value, o.TTL)
}

// AddIn is Add in a batch.
func (b *Bucket[T]) AddIn(batch *Batch, handle string, v T, ttl time.Duration) (result func() error) {
	o, err := b.adding(handle, v, ttl)
	if err != nil {
		return func() error { return err }
	}
	added := batch.Queue(b.Store, o)
	return func() error { return added.Err }
}

func (b *Bucket[T]) adding(handle string, v T, ttl time.Duration) (o Operation, err error) {
	s, err := b.open(handle)
	if errors.Is(err, ErrNotFound) {
		return o, fmt.Errorf("%w: not a handle", ErrInvalid)
	}
	if err != nil {
		return o, err
	}
	value, err := s.seal(v, b.now().Add(ttl))
	return Operation{Verb: VerbAdd, Key: s.key, Value: value, TTL: ttl}, err
}

// Get returns the record, or ErrNotFound. A handle that no bucket could have minted is not found either.
func (b *Bucket[T]) Get(ctx context.Context, handle string) (v T, err error) {
	s, err := b.open(handle)
	if err != nil {
		return v, err
	}
	value, err := b.Store.Get(ctx, s.key)
	if err != nil {
		return v, err
	}
	_, err = unseal(s, value, b.now(), &v)
	return v, err
}

// Take returns the record and removes it: of many callers one gets it, the others get ErrNotFound. A record that
// cannot be opened is removed too. A blocked handle stays blocked.
func (b *Bucket[T]) Take(ctx context.Context, handle string) (v T, err error) {
	s, err := b.open(handle)
	if err != nil {
		return v, err
	}
	value, err := b.Store.Take(ctx, s.key)
	return b.taken(ctx, s, value, err)
}

// TakeIn is Take in a batch.
func (b *Bucket[T]) TakeIn(batch *Batch, handle string) (result func(context.Context) (T, error)) {
	s, err := b.open(handle)
	if err != nil {
		return func(context.Context) (v T, _ error) { return v, err }
	}
	taken := batch.Queue(b.Store, Operation{Verb: VerbTake, Key: s.key})
	return func(ctx context.Context) (T, error) { return b.taken(ctx, s, taken.Value, taken.Err) }
}

func (b *Bucket[T]) taken(ctx context.Context, s *sealer, value []byte, err error) (v T, _ error) {
	if err != nil {
		return v, err
	}
	now := b.now()
	expires, err := unseal(s, value, now, &v)
	if errors.Is(err, errBlocked) {
		// The block was taken as if it were a record. Putting it back also undoes an Add that came in between; the
		// caller may be gone by now, and that must not lift the block.
		if err := b.Store.Put(context.WithoutCancel(ctx), s.key, value, expires.Sub(now)); err != nil {
			return v, err
		}
	}
	return v, err
}

// Update changes the record with f and returns what was stored. When another caller changes the record at the same
// time, f runs again on the newer value, so it must do nothing but change its argument. An error of f leaves the
// record as it was and is returned. The record keeps its time of expiry.
func (b *Bucket[T]) Update(ctx context.Context, handle string, f func(*T) error) (T, error) {
	return b.holdAndUpdate(ctx, handle, 0, f)
}

// UpdateFor is Update for a record whose next state lives for ttl from now, longer or shorter than it would have.
func (b *Bucket[T]) UpdateFor(ctx context.Context, handle string, ttl time.Duration, f func(*T) error) (v T, err error) {
	if err := checkTTL(ttl); err != nil {
		return v, err
	}
	return b.holdAndUpdate(ctx, handle, ttl, f)
}

func (b *Bucket[T]) holdAndUpdate(ctx context.Context, handle string, ttl time.Duration, f func(*T) error) (v T, err error) {
	held, err := b.Hold(ctx, handle)
	if err != nil {
		return v, err
	}
	if held, err = b.update(ctx, held.sealer, held, ttl, f); err != nil {
		return v, err
	}
	return held.Value, nil
}

// Block makes the handle unusable for ttl: a record under it is gone, and a later Add under it gets ErrExists. It is
// how something is revoked that may be about to be created. A handle that no bucket could have minted gets
// ErrNotFound: nothing will ever be created under it.
func (b *Bucket[T]) Block(ctx context.Context, handle string, ttl time.Duration) error {
	s, err := b.open(handle)
	if err != nil {
		return err
	}
	return b.Store.Put(ctx, s.key, s.sealBlock(b.now().Add(ttl)), ttl)
}

// open derives what the handle gives access to, or returns ErrNotFound if it cannot be a handle.
func (b *Bucket[T]) open(handle string) (*sealer, error) {
	if b.Store == nil {
		return nil, fmt.Errorf("%w: a Bucket needs a Store", ErrInvalid)
	}
	if b.Name == "" || len(b.Name) > maxName || strings.Trim(b.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, fmt.Errorf("%w: name of a Bucket: %q", ErrInvalid, b.Name)
	}
	return newSealer(b.Name, handle)
}

func (b *Bucket[T]) now() time.Time {
	if b.Now == nil {
		return time.Now()
	}
	return b.Now()
}
