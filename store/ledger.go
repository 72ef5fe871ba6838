package store

import (
	"context"
	"time"
)

// Record is one version of something that lasts.
type Record struct {
	// ID names the record within its collection: 1 to 256 bytes of printable ASCII without spaces.
	ID string
	// Owner groups records of a collection for [Ledger.List]: a pseudonym, never an identifier of a person. It has the
	// alphabet of an ID, may be empty, and may differ from version to version.
	Owner string
	// Value is JSON, at most [MaxRecord] bytes. It comes back byte for byte.
	Value []byte
	// Version counts what was written under the ID, from 1 on.
	Version int64
	// WrittenAt is when this version was written, by the clock of the backend.
	WrittenAt time.Time
	// ExpiresAt is when the record, with its history, is absent. Zero means never. The present version decides.
	ExpiresAt time.Time
}

// Query chooses records of a collection.
type Query struct {
	// Owner, if not empty, chooses the records whose present version has this owner.
	Owner string
	// After, if not empty, chooses the records whose ID follows it in byte order: the next page begins after the last
	// ID of the one before.
	After string
	// Limit is how many records to return at most; 0 and more than [MaxList] mean MaxList.
	Limit int
}

// Ledger keeps records that last, and what they were before.
//
// It is the counterpart of [Ephemeral]: what an Ephemeral keeps is short-lived, opaque, reached by who holds its key, and
// may be lost in the worst case, which ends logins that are under way. What a Ledger keeps can be listed and read by the
// operator, is never lost, and therefore holds no secret and names nobody.
//
// Every method is atomic across all instances that share the backend, and safe for concurrent use. A write that
// returned no error is durable: it survives the loss of the instance, and of the backend's process. An expired record is
// absent for every method. Collections are named by 1 to 64 lower-case letters, digits and hyphens; they need not be
// declared. What is out of bounds is refused with ErrInvalid: [CheckCollection], [CheckRecord] and [CheckQuery] do that
// for an implementation. Implementations copy what they are given and what they return.
//
// When the context has ended, the method returns its error, and whether the operation took place is unknown. Any other
// error that is not one of this package means that the backend could not be reached, and the caller must fail closed.
type Ledger interface {
	// Read returns the present version of a record, or ErrNotFound.
	Read(ctx context.Context, collection, id string) (Record, error)
	// Write stores r as the version that follows r.Version, which must be the present one, or 0 for a record that does
	// not exist; otherwise it changes nothing and returns ErrConflict. It returns the record as it was stored:
	// r.WrittenAt is not looked at. The earlier version stays in the history.
	Write(ctx context.Context, collection string, r Record) (Record, error)
	// List returns the present versions of the records that q chooses, in the byte order of their IDs.
	List(ctx context.Context, collection string, q Query) ([]Record, error)
	// History returns the versions of a record, the present one first, at most [MaxList] of them. It returns ErrNotFound
	// when there is no record.
	History(ctx context.Context, collection, id string) ([]Record, error)
	// Erase removes a record together with its history. It is for data that must not be kept any longer; what ends is
	// written as ended. A record that is not there is no error.
	Erase(ctx context.Context, collection, id string) error
}

// Notifier wakes those who wait, in whichever instance, for something to happen in another.
//
// It carries no news, only the hint to look: whoever is woken reads what they wait for. A hint may come for nothing. It
// gets lost only while the backend cannot be reached, and then everybody is woken once it is back.
type Notifier interface {
	// Notify wakes those who are subscribed to the topic, in all instances, this one included. Topics have the alphabet
	// of keys.
	Notify(ctx context.Context, topic string) error
	// Subscribe returns a channel that is readable after each later Notify of the topic; several of them that come in
	// between two reads make one. The subscription ends with the context, and frees what it took at once; the channel is
	// never closed. Subscribers to many topics share one connection to the backend.
	Subscribe(ctx context.Context, topic string) (<-chan struct{}, error)
}
