// Package store is the contract for what a provider keeps: short-lived, single-use state (pushed requests, login
// transactions, authorization codes, tokens, nonces), and a few records that last.
//
// [Ephemeral] is what a backend implements: six operations, each atomic across all instances that share the
// backend. There is deliberately no "save": a caller that wants to change a value says what it read
// ([Ephemeral.Replace]), a caller that wants to be first says so ([Ephemeral.Add]), a caller that wants to be the only
// one takes the value away ([Ephemeral.Take]), and a caller that counts leaves the adding to the backend
// ([Ephemeral.Increment]). A race therefore has no verb to be written with.
//
// [Bucket] is what the rest of Signet uses: typed records, stored under a hash of their handle and encrypted under a
// key derived from it, so that a copy of the whole backend opens none of them.
//
// [Ledger] is the contract for the little that lasts: clients, consents, key bindings, metadata of keys. [Collection]
// is its typed face. What is kept there names nobody.
//
// Which of the two a kind of state belongs to:
//
//	                   Ephemeral                               Ledger
//	what               codes, tokens, nonces, attempts         clients, consents, keys
//	lives              seconds to days, always with an end     until it is erased or expires
//	is reached by      who holds its handle                    whoever may read the database, and by owner
//	a dump shows       nothing: it is sealed (see Bucket)      pseudonyms and hashes
//	is written         over, or once                           as the next version; earlier ones stay
//	if it is lost      the logins under way begin again        a consent was never given: it must not be
//
// What must not be accepted twice depends on an Ephemeral that does not lose what it acknowledged. [Notifier] spares those
// who wait for either the asking.
//
// Whoever writes a backend runs the tests of package storetest on it.
package store

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotFound says that no live value has the key: it never existed, expired, or was taken.
	ErrNotFound = errors.New("store: not found")
	// ErrExists says that Add found a live value under the key.
	ErrExists = errors.New("store: already exists")
	// ErrConflict says that Replace found another value than the one it was to replace, or none.
	ErrConflict = errors.New("store: changed since it was read")
	// ErrFull says that a bounded backend has no room left. It never evicts a live value to make some.
	ErrFull = errors.New("store: full")
	// ErrForgotten says that the backend has lost what it knew of the time that an Add asks about; see [Operation]. It
	// passes: what is made from now on can be added.
	ErrForgotten = errors.New("store: what was used before is not known any more")
	// ErrInvalid says that the caller asked for what the contract rules out: a key, a value or a time to live beyond
	// its limits. Nothing was stored, and the same call will never succeed.
	ErrInvalid = errors.New("store: invalid argument")
)

// Ephemeral keeps small values for a while.
//
// Every method is atomic across all instances that share the backend, and safe for concurrent use. An expired value
// is absent for every method. Keys are 1 to 256 bytes of printable ASCII without spaces; values are up to 64 KiB, may
// be empty and may hold any byte; a time to live is positive. Anything else is refused with ErrInvalid: [CheckKey] and
// [CheckWrite] do that for an implementation. Implementations copy what they are given and what they return: neither
// side may see the other's later changes.
//
// When the context has ended, the method returns its error, and whether the operation took place is unknown. Any other
// error that is not one of this package means that the backend could not be reached, and the caller must fail closed.
type Ephemeral interface {
	// Put stores the value, whatever was there before.
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Add stores the value unless a live one is there: the first of many writers wins, the others get ErrExists.
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Get returns the value, or ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, error)
	// Take returns the value and removes it: of many callers one gets it, the others get ErrNotFound.
	Take(ctx context.Context, key string) ([]byte, error)
	// Replace stores new for ttl if the live value equals old byte for byte. Otherwise, and when there is no live value,
	// it changes nothing and returns ErrConflict.
	Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error
	// Increment adds delta to the counter under the key and returns what it then stands at. A counter begins at zero,
	// lives for ttl from its first increment on, however often it is incremented later, and never goes below zero:
	// taking away more than is there leaves zero, and adding nothing to a counter that does not exist, or taking away
	// from it, makes none.
	// Counters and values do not see each other: no other method reaches a counter, not even under the same key.
	Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (Counter, error)
}
