package store

import (
	"context"
	"errors"
	"time"
)

// Held is a record together with the state of the store in which it was read or written.
type Held[T any] struct {
	Value T

	sealer  *sealer
	record  []byte
	expires time.Time
}

// Hold is Get for a caller that will update the record soon; see [Bucket.UpdateHeld].
func (b *Bucket[T]) Hold(ctx context.Context, handle string) (*Held[T], error) {
	s, err := b.open(handle)
	if err != nil {
		return nil, err
	}
	return b.hold(ctx, s)
}

// HoldIn is Hold in a batch.
func (b *Bucket[T]) HoldIn(batch *Batch, handle string) (result func() (*Held[T], error)) {
	s, err := b.open(handle)
	if err != nil {
		return func() (*Held[T], error) { return nil, err }
	}
	got := batch.Queue(b.Store, Operation{Verb: VerbGet, Key: s.key})
	return func() (*Held[T], error) { return b.held(s, got.Value, got.Err) }
}

func (b *Bucket[T]) hold(ctx context.Context, s *sealer) (*Held[T], error) {
	record, err := b.Store.Get(ctx, s.key)
	return b.held(s, record, err)
}

func (b *Bucket[T]) held(s *sealer, record []byte, err error) (*Held[T], error) {
	if err != nil {
		return nil, err
	}
	held := &Held[T]{sealer: s, record: record}
	if held.expires, err = unseal(s, record, b.now(), &held.Value); err != nil {
		return nil, err
	}
	return held, nil
}

// UpdateHeld is Update for a caller that holds the record: it begins with the held value, a copy of which f gets, and
// reads the store only if the record changed since. What the copy points to is shared, so a caller that goes on using
// the held value when the update failed lets f replace and not change it.
func (b *Bucket[T]) UpdateHeld(ctx context.Context, held *Held[T], f func(*T) error) (*Held[T], error) {
	return b.update(ctx, held.sealer, held, 0, f)
}

// UpdateHeldFor is UpdateHeld for a record whose next state lives for ttl from now.
func (b *Bucket[T]) UpdateHeldFor(ctx context.Context, held *Held[T], ttl time.Duration, f func(*T) error) (*Held[T], error) {
	if err := checkTTL(ttl); err != nil {
		return nil, err
	}
	return b.update(ctx, held.sealer, held, ttl, f)
}

// UpdateHeldIn is UpdateHeld with its first try in a batch: f runs now, and if the record turns out to have changed since
// it was held, f runs again on the newer value when the result is asked for.
func (b *Bucket[T]) UpdateHeldIn(batch *Batch, held *Held[T], f func(*T) error) (result func(context.Context) (*Held[T], error)) {
	return b.updateIn(batch, held, 0, f)
}

// UpdateHeldForIn is UpdateHeldIn for a record whose next state lives for ttl from when f runs.
func (b *Bucket[T]) UpdateHeldForIn(
	batch *Batch, held *Held[T], ttl time.Duration, f func(*T) error,
) (result func(context.Context) (*Held[T], error)) {
	if err := checkTTL(ttl); err != nil {
		return func(context.Context) (*Held[T], error) { return nil, err }
	}
	return b.updateIn(batch, held, ttl, f)
}

func (b *Bucket[T]) updateIn(
	batch *Batch, held *Held[T], ttl time.Duration, f func(*T) error,
) (result func(context.Context) (*Held[T], error)) {
	now := b.now()
	again := func(ctx context.Context) (*Held[T], error) { return b.update(ctx, held.sealer, nil, ttl, f) }
	if !now.Before(held.expires) {
		return again
	}
	next, err := held.next(now, ttl, f)
	if err != nil {
		return func(context.Context) (*Held[T], error) { return nil, err }
	}
	replaced := batch.Queue(b.Store, held.replacing(next, now))
	return func(ctx context.Context) (*Held[T], error) {
		switch err := replaced.Err; {
		case err == nil:
			return next, nil
		case !errors.Is(err, ErrConflict):
			return nil, err
		}
		return again(ctx)
	}
}

// update changes the record that s opens. It begins with the held one, or reads it if that is nil.
func (b *Bucket[T]) update(ctx context.Context, s *sealer, held *Held[T], ttl time.Duration, f func(*T) error) (_ *Held[T], err error) {
	for range maxUpdates {
		now := b.now()
		if held == nil || !now.Before(held.expires) {
			if held, err = b.hold(ctx, s); err != nil {
				return nil, err
			}
		}
		next, err := held.next(now, ttl, f)
		if err != nil {
			return nil, err
		}
		o := held.replacing(next, now)
		switch err := b.Store.Replace(ctx, o.Key, o.Old, o.Value, o.TTL); {
		case err == nil:
			return next, nil
		case !errors.Is(err, ErrConflict):
			return nil, err
		}
		held = nil
	}
	return nil, ErrConflict
}

// next is what f makes of the record.
func (h *Held[T]) next(now time.Time, ttl time.Duration, f func(*T) error) (*Held[T], error) {
	next := &Held[T]{Value: h.Value, sealer: h.sealer, expires: h.expires}
	if err := f(&next.Value); err != nil {
		return nil, err
	}
	if ttl > 0 {
		next.expires = now.Add(ttl)
	}
	var err error
	next.record, err = h.sealer.seal(&next.Value, next.expires)
	return next, err
}

// replacing is the operation that puts next in the place of the record.
func (h *Held[T]) replacing(next *Held[T], now time.Time) Operation {
	return Operation{Verb: VerbReplace, Key: h.sealer.key, Old: h.record, Value: next.record, TTL: next.expires.Sub(now)}
}
