package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Collection keeps records of one kind in a [Ledger], as JSON.
//
// The fields are set once, before the first use; a Collection is then safe for concurrent use.
type Collection[T any] struct {
	// Ledger is the backend. Required.
	Ledger Ledger
	// Name is the name of the collection. Required.
	Name string
}

// Entry is one version of a record of a Collection. The fields beside Value are those of [Record].
type Entry[T any] struct {
	ID        string
	Owner     string
	Value     T
	Version   int64
	WrittenAt time.Time
	ExpiresAt time.Time
}

// Get returns the present version of a record, or ErrNotFound.
func (c *Collection[T]) Get(ctx context.Context, id string) (Entry[T], error) {
	r, err := c.Ledger.Read(ctx, c.Name, id)
	if err != nil {
		return Entry[T]{}, err
	}
	return c.decode(r)
}

// Put writes e as the version that follows e.Version, which must be the present one, or 0 for a new record; otherwise it
// returns ErrConflict. It returns the entry as it was stored.
func (c *Collection[T]) Put(ctx context.Context, e Entry[T]) (Entry[T], error) {
	value, err := json.Marshal(e.Value)
	if err != nil {
		return Entry[T]{}, fmt.Errorf("store: encode %s: %w", c.Name, err)
	}
	r, err := c.Ledger.Write(ctx, c.Name, Record{ID: e.ID, Owner: e.Owner, Value: value, Version: e.Version, ExpiresAt: e.ExpiresAt})
	if err != nil {
		return Entry[T]{}, err
	}
	e.Version, e.WrittenAt, e.ExpiresAt = r.Version, r.WrittenAt, r.ExpiresAt
	return e, nil
}

// Update changes a record with f and returns what was stored. A record that does not exist reaches f as a zero Value with
// Version 0. When another caller changes the record at the same time, f runs again on the newer version, so it must do
// nothing but change its argument. An error of f leaves the record as it was and is returned. The ID and the Version are
// not f's to change.
func (c *Collection[T]) Update(ctx context.Context, id string, f func(*Entry[T]) error) (Entry[T], error) {
	for range maxUpdates {
		e, err := c.Get(ctx, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Entry[T]{}, err
		}
		version := e.Version
		e.ID = id
		if err := f(&e); err != nil {
			return Entry[T]{}, err
		}
		e.ID, e.Version = id, version
		if e, err = c.Put(ctx, e); !errors.Is(err, ErrConflict) {
			return e, err
		}
	}
	return Entry[T]{}, ErrConflict
}

// List returns the present versions of the records that q chooses, in the order of their IDs.
func (c *Collection[T]) List(ctx context.Context, q Query) ([]Entry[T], error) {
	return c.decodeAll(c.Ledger.List(ctx, c.Name, q))
}

// History returns the versions of a record, the present one first, or ErrNotFound.
func (c *Collection[T]) History(ctx context.Context, id string) ([]Entry[T], error) {
	return c.decodeAll(c.Ledger.History(ctx, c.Name, id))
}

// Erase removes a record together with its history.
func (c *Collection[T]) Erase(ctx context.Context, id string) error {
	return c.Ledger.Erase(ctx, c.Name, id)
}

func (c *Collection[T]) decodeAll(records []Record, err error) ([]Entry[T], error) {
	if err != nil {
		return nil, err
	}
	entries := make([]Entry[T], len(records))
	for i, r := range records {
		if entries[i], err = c.decode(r); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func (c *Collection[T]) decode(r Record) (Entry[T], error) {
	e := Entry[T]{ID: r.ID, Owner: r.Owner, Version: r.Version, WrittenAt: r.WrittenAt, ExpiresAt: r.ExpiresAt}
	if err := json.Unmarshal(r.Value, &e.Value); err != nil {
		return Entry[T]{}, fmt.Errorf("store: decode %s %s: %w", c.Name, r.ID, err)
	}
	return e, nil
}
