package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
)

// batching is a store that takes batches, and counts round trips.
type batching struct {
	store.Ephemeral
	trips int
}

func (s *batching) Do(ctx context.Context, operations []store.Operation) []store.Result {
	s.trips++
	return store.Do(ctx, s.Ephemeral, operations...)
}

func TestBatchIsOneRoundTripForEachStore(t *testing.T) {
	t.Parallel()
	here, there := &batching{Ephemeral: newStore(t)}, &batching{Ephemeral: newStore(t)}
	plain := newStore(t)
	var batch store.Batch
	for range 3 {
		for _, s := range []store.Ephemeral{here, there, plain} {
			batch.Queue(s, store.Operation{Verb: store.VerbIncrement, Key: "n", Delta: 1, TTL: time.Minute})
		}
	}
	batch.Do(t.Context())
	for _, s := range []store.Ephemeral{here, there, plain} {
		c, err := s.Increment(t.Context(), "n", 0, time.Minute)
		require.NoError(t, err)
		require.EqualValues(t, 3, c.N)
	}
	require.Equal(t, 1, here.trips)
	require.Equal(t, 1, there.trips)
	batch.Do(t.Context())
	require.Equal(t, 1, here.trips, "what was carried out is not carried out again")
}

// A type that cannot be compared must not stop the program; it is worth no more than a round trip of its own.
func TestBatchTakesStoresThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	type odd struct {
		store.Ephemeral
		_ []int
	}
	var batch store.Batch
	backend := newStore(t)
	first := batch.Queue(odd{Ephemeral: backend}, store.Operation{Verb: store.VerbAdd, Key: "k", TTL: time.Minute})
	second := batch.Queue(odd{Ephemeral: backend}, store.Operation{Verb: store.VerbAdd, Key: "k", TTL: time.Minute})
	batch.Do(t.Context())
	require.NoError(t, first.Err)
	require.ErrorIs(t, second.Err, store.ErrExists)
}

func TestResultsOfABatchAreThoseOfTheMethods(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	stored, err := b.Create(ctx, login{Person: "Amina"}, time.Minute)
	require.NoError(t, err)
	taken, err := b.Create(ctx, login{Person: "Brenda"}, time.Minute)
	require.NoError(t, err)
	fresh := store.NewHandle()

	var batch store.Batch
	added, again := b.AddIn(&batch, fresh, login{Person: "Chinedu"}, time.Minute), b.AddIn(&batch, stored, login{}, time.Minute)
	malformed := b.AddIn(&batch, "no handle", login{}, time.Minute)
	held, unknown, never := b.HoldIn(&batch, stored), b.HoldIn(&batch, store.NewHandle()), b.HoldIn(&batch, "no handle")
	took, tookNothing, tookNever := b.TakeIn(&batch, taken), b.TakeIn(&batch, store.NewHandle()), b.TakeIn(&batch, "no handle")
	assert.Error(t, added(), "nothing was carried out yet")
	_, err = held()
	assert.Error(t, err, "nothing was carried out yet")
	batch.Do(ctx)

	assert.NoError(t, added())
	assert.ErrorIs(t, again(), store.ErrExists)
	assert.ErrorIs(t, malformed(), store.ErrInvalid)
	h, err := held()
	require.NoError(t, err)
	assert.Equal(t, "Amina", h.Value.Person)
	_, err = unknown()
	assert.ErrorIs(t, err, store.ErrNotFound)
	_, err = never()
	assert.ErrorIs(t, err, store.ErrNotFound)
	v, err := took(ctx)
	require.NoError(t, err)
	assert.Equal(t, "Brenda", v.Person)
	_, err = b.Get(ctx, taken)
	assert.ErrorIs(t, err, store.ErrNotFound)
	_, err = tookNothing(ctx)
	assert.ErrorIs(t, err, store.ErrNotFound)
	_, err = tookNever(ctx)
	assert.ErrorIs(t, err, store.ErrNotFound)
}

func TestTakeInABatchLeavesABlockWhereItIs(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle := store.NewHandle()
	require.NoError(t, b.Block(ctx, handle, time.Hour))
	var batch store.Batch
	taken := b.TakeIn(&batch, handle)
	batch.Do(ctx)
	_, err := taken(ctx)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, b.Add(ctx, handle, login{}, time.Minute), store.ErrExists)
}

func TestUpdateInABatchGoesOnFromWhereTheRecordIs(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	attempt := func(l *login) error {
		if l.Attempts++; l.Attempts > 3 {
			return errors.New("no more")
		}
		return nil
	}
	handle, err := b.Create(ctx, login{Person: "Amina"}, time.Minute)
	require.NoError(t, err)
	held, err := b.Hold(ctx, handle)
	require.NoError(t, err)

	var batch store.Batch
	first, second := b.UpdateHeldIn(&batch, held, attempt), b.UpdateHeldForIn(&batch, held, time.Hour, attempt)
	_, err = first(ctx)
	require.Error(t, err, "nothing was carried out yet")
	batch.Do(ctx)
	next, err := first(ctx)
	require.NoError(t, err)
	assert.Equal(t, 1, next.Value.Attempts)
	next, err = second(ctx)
	require.NoError(t, err)
	assert.Equal(t, 2, next.Value.Attempts, "the first came in between")
	b.clock.Advance(time.Minute)
	got, err := b.Get(ctx, handle)
	require.NoError(t, err, "the second prolonged it")
	assert.Equal(t, 2, got.Attempts)

	third, refused := b.UpdateHeldIn(&batch, next, attempt), b.UpdateHeldIn(&batch, next, func(*login) error { return errors.New("no") })
	invalid := b.UpdateHeldForIn(&batch, next, 0, attempt)
	batch.Do(ctx)
	_, err = third(ctx)
	require.NoError(t, err)
	_, err = refused(ctx)
	assert.EqualError(t, err, "no")
	_, err = invalid(ctx)
	assert.ErrorIs(t, err, store.ErrInvalid)

	late := b.UpdateHeldIn(&batch, next, attempt)
	batch.Do(ctx)
	_, err = late(ctx)
	assert.EqualError(t, err, "no more", "what f says of the newer value")
	b.clock.Advance(time.Hour)
	expired := b.UpdateHeldIn(&batch, next, attempt)
	batch.Do(ctx)
	_, err = expired(ctx)
	assert.ErrorIs(t, err, store.ErrNotFound, "to hold a record does not keep it alive")
}

func TestOutageShowsInEveryResultOfABatch(t *testing.T) {
	t.Parallel()
	outage := errors.New("outage")
	good := newBench(t)
	handle, err := good.Create(t.Context(), login{}, time.Minute)
	require.NoError(t, err)
	known, err := good.Hold(t.Context(), handle)
	require.NoError(t, err)
	b := store.Bucket[login]{Store: down{outage}, Name: "logins", Now: good.Now}
	var batch store.Batch
	added, held, taken := b.AddIn(&batch, handle, login{}, time.Minute), b.HoldIn(&batch, handle), b.TakeIn(&batch, handle)
	updated := b.UpdateHeldIn(&batch, known, func(*login) error { return nil })
	batch.Do(t.Context())
	_, get := held()
	_, take := taken(t.Context())
	_, update := updated(t.Context())
	for i, err := range []error{added(), get, take, update} {
		assert.ErrorIs(t, err, outage, i)
	}
}
