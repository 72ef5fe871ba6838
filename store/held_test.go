package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

func newStore(t *testing.T) *memory.Store {
	t.Helper()
	s, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestUpdateHeldReadsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	backend := &counting{Ephemeral: newStore(t)}
	bucket := store.Bucket[int]{Store: backend, Name: "held"}
	increment := func(n *int) error { *n++; return nil }
	handle, err := bucket.Create(t.Context(), 1, time.Minute)
	require.NoError(t, err)

	held, err := bucket.Hold(t.Context(), handle)
	require.NoError(t, err)
	backend.gets = 0
	next, err := bucket.UpdateHeld(t.Context(), held, increment)
	require.NoError(t, err)
	require.Equal(t, 2, next.Value)
	require.Zero(t, backend.gets, "nothing changed since it was held")

	again, err := bucket.UpdateHeld(t.Context(), held, increment)
	require.NoError(t, err)
	require.Equal(t, 3, again.Value, "what was held is not what is stored any more")
	require.Equal(t, 1, held.Value, "and stays as it was")

	_, err = bucket.UpdateHeld(t.Context(), again, func(*int) error { return errors.New("no") })
	require.EqualError(t, err, "no")
	_, err = bucket.Take(t.Context(), handle)
	require.NoError(t, err)
	_, err = bucket.UpdateHeld(t.Context(), again, increment)
	require.ErrorIs(t, err, store.ErrNotFound, "a record that was taken does not come back")
}

func TestUpdateHeldOfManyLosesNothing(t *testing.T) {
	t.Parallel()
	bucket := store.Bucket[int]{Store: newStore(t), Name: "held"}
	handle, err := bucket.Create(t.Context(), 0, time.Minute)
	require.NoError(t, err)
	held, err := bucket.Hold(t.Context(), handle)
	require.NoError(t, err)
	var updated atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := bucket.UpdateHeld(t.Context(), held, func(n *int) error { *n++; return nil }); err == nil {
				updated.Add(1)
			}
		})
	}
	group.Wait()
	n, err := bucket.Get(t.Context(), handle)
	require.NoError(t, err)
	require.EqualValues(t, updated.Load(), n)
	require.Positive(t, n)
}

// counting counts reads.
type counting struct {
	store.Ephemeral
	gets int
}

func (c *counting) Get(ctx context.Context, key string) ([]byte, error) {
	c.gets++
	return c.Ephemeral.Get(ctx, key)
}

func TestUpdateHeldOfARecordThatExpiredMeanwhile(t *testing.T) {
	t.Parallel()
	now := time.Now()
	bucket := store.Bucket[int]{Store: newStore(t), Name: "held", Now: func() time.Time { return now }}
	handle, err := bucket.Create(t.Context(), 1, time.Minute)
	require.NoError(t, err)
	held, err := bucket.Hold(t.Context(), handle)
	require.NoError(t, err)
	now = now.Add(time.Minute) // by the bucket's clock; the store's stands where it was
	_, err = bucket.UpdateHeld(t.Context(), held, func(n *int) error { *n++; return nil })
	require.ErrorIs(t, err, store.ErrNotFound, "to hold a record does not keep it alive")
	_, err = bucket.UpdateHeldFor(t.Context(), held, time.Hour, func(n *int) error { *n++; return nil })
	require.ErrorIs(t, err, store.ErrNotFound, "nor does a longer life bring it back")
	_, err = bucket.UpdateHeldFor(t.Context(), held, 0, func(*int) error { return nil })
	require.ErrorIs(t, err, store.ErrInvalid)
}
