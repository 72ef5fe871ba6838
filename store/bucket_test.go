package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

func TestRecordIsReadWithItsHandleAndTakenOnce(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	want := login{Person: "Amina", Attempts: 2}
	handle, err := b.Create(ctx, want, time.Minute)
	require.NoError(t, err)

	got, err := b.Get(ctx, handle)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	got, err = b.Take(ctx, handle)
	require.NoError(t, err)
	assert.Equal(t, want, got)

	_, err = b.Take(ctx, handle)
	assert.ErrorIs(t, err, store.ErrNotFound)
	_, err = b.Get(ctx, handle)
	assert.ErrorIs(t, err, store.ErrNotFound)
}

func TestAddUnderAHandleInUseIsRefused(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle := store.NewHandle()
	require.NoError(t, b.Add(ctx, handle, login{Person: "first"}, time.Minute))
	assert.ErrorIs(t, b.Add(ctx, handle, login{Person: "second"}, time.Minute), store.ErrExists)
	got, err := b.Get(ctx, handle)
	require.NoError(t, err)
	assert.Equal(t, "first", got.Person)
}

func TestHandleOpensNothingInAnotherBucket(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	other := store.Bucket[login]{Store: b.Store, Name: "codes", Now: b.Now}
	handle, err := b.Create(ctx, login{}, time.Minute)
	require.NoError(t, err)
	_, err = other.Get(ctx, handle)
	assert.ErrorIs(t, err, store.ErrNotFound)
	assert.NoError(t, other.Add(ctx, handle, login{}, time.Minute), "the buckets do not share their places either")
}

func TestBucketWithoutStoreOrNameIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, bucket := range []store.Bucket[login]{
		{Name: "logins"},
		{Store: b.Store},
		{Store: b.Store, Name: "Logins"},
		{Store: b.Store, Name: "log ins"},
		{Store: b.Store, Name: "logins:open"},
		{Store: b.Store, Name: strings.Repeat("x", 65)},
	} {
		_, err := bucket.Create(t.Context(), login{}, time.Minute)
		assert.ErrorIs(t, err, store.ErrInvalid, "%q", bucket.Name)
		_, err = bucket.Get(t.Context(), store.NewHandle())
		assert.ErrorIs(t, err, store.ErrInvalid, "%q", bucket.Name)
	}
}

func TestWritesBeyondTheLimitsAreRefused(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle, err := b.Create(ctx, login{}, 0)
	assert.ErrorIs(t, err, store.ErrInvalid)
	assert.Empty(t, handle, "no handle comes with an error")
	_, err = b.Create(ctx, login{Person: strings.Repeat("x", store.MaxValue)}, time.Minute)
	assert.ErrorIs(t, err, store.ErrInvalid)

	handle, err = b.Create(ctx, login{}, time.Minute)
	require.NoError(t, err)
	_, err = b.UpdateFor(ctx, handle, 0, func(*login) error { return nil })
	assert.ErrorIs(t, err, store.ErrInvalid)
}

func TestRecordExpiresByTheClockOfTheBucket(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := newBench(t)
	frozen, err := memory.New(memory.Config{Now: func() time.Time { return time.Unix(1_000_000_000, 0) }})
	require.NoError(t, err)
	b.Store = frozen // it never expires anything
	handle, err := b.Create(ctx, login{}, time.Minute)
	require.NoError(t, err)

	b.clock.Advance(time.Minute - time.Millisecond)
	_, err = b.Get(ctx, handle)
	require.NoError(t, err)
	b.clock.Advance(time.Millisecond)
	_, err = b.Get(ctx, handle)
	assert.ErrorIs(t, err, store.ErrNotFound)
	_, err = b.Update(ctx, handle, func(*login) error { return nil })
	assert.ErrorIs(t, err, store.ErrNotFound)
	_, err = b.Take(ctx, handle)
	assert.ErrorIs(t, err, store.ErrNotFound)
}

func TestUpdateKeepsTheExpiryAndUpdateForChangesIt(t *testing.T) {
	t.Parallel()
	attempt := func(l *login) error { l.Attempts++; return nil }
	tests := map[string]struct {
		update func(b *bench, handle string) (login, error)
		lives  time.Duration // from the update on, 20 s after a creation for one minute
	}{
		"Update": {func(b *bench, handle string) (login, error) {
			return b.Update(t.Context(), handle, attempt)
		}, 40 * time.Second},
		"longer UpdateFor": {func(b *bench, handle string) (login, error) {
			return b.UpdateFor(t.Context(), handle, time.Hour, attempt)
		}, time.Hour},
		"shorter UpdateFor": {func(b *bench, handle string) (login, error) {
			return b.UpdateFor(t.Context(), handle, time.Second, attempt)
		}, time.Second},
	}
	for name, tt := range tests {
		b := newBench(t)
		handle, err := b.Create(t.Context(), login{}, time.Minute)
		require.NoError(t, err)
		b.clock.Advance(20 * time.Second)
		got, err := tt.update(b, handle)
		require.NoError(t, err)
		assert.Equal(t, 1, got.Attempts)

		b.clock.Advance(tt.lives - time.Millisecond)
		got, err = b.Get(t.Context(), handle)
		require.NoError(t, err, name)
		assert.Equal(t, 1, got.Attempts)
		b.clock.Advance(time.Millisecond)
		_, err = b.Get(t.Context(), handle)
		assert.ErrorIs(t, err, store.ErrNotFound, name)
	}
}

func TestUpdateThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle, err := b.Create(ctx, login{Attempts: 1}, time.Minute)
	require.NoError(t, err)
	refused := errors.New("refused")
	got, err := b.Update(ctx, handle, func(l *login) error {
		l.Attempts = 99
		return refused
	})
	assert.ErrorIs(t, err, refused)
	assert.Zero(t, got)
	got, err = b.Get(ctx, handle)
	require.NoError(t, err)
	assert.Equal(t, 1, got.Attempts)
}

func TestUpdateUnderRaceLosesNothing(t *testing.T) {
	t.Parallel()
	const callers, each = 8, 50
	b, ctx := newBench(t), t.Context()
	handle, err := b.Create(ctx, login{}, time.Minute)
	require.NoError(t, err)
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			for range each {
				for {
					_, err := b.Update(ctx, handle, func(l *login) error { l.Attempts++; return nil })
					if err == nil {
						break
					}
					if !assert.ErrorIs(t, err, store.ErrConflict) {
						return
					}
				}
			}
		})
	}
	done.Wait()
	got, err := b.Get(ctx, handle)
	require.NoError(t, err)
	assert.Equal(t, callers*each, got.Attempts)
}

func TestUpdateGivesUpOnARecordThatNeverRests(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle, err := b.Create(ctx, login{}, time.Minute)
	require.NoError(t, err)
	runs := 0
	_, err = b.Update(ctx, handle, func(l *login) error {
		runs++
		require.Equal(t, runs-1, l.Attempts, "f sees the newer value")
		_, err := b.Update(ctx, handle, func(l *login) error { l.Attempts++; return nil })
		return err
	})
	assert.ErrorIs(t, err, store.ErrConflict)
	assert.Equal(t, 16, runs)
}

func TestBlockedHandleIsUnusable(t *testing.T) {
	t.Parallel()
	for _, created := range []bool{false, true} {
		b, ctx := newBench(t), t.Context()
		handle := store.NewHandle()
		if created {
			require.NoError(t, b.Add(ctx, handle, login{}, time.Minute))
		}
		require.NoError(t, b.Block(ctx, handle, time.Hour))

		for range 2 { // what refuses once refuses again
			_, err := b.Get(ctx, handle)
			assert.ErrorIs(t, err, store.ErrNotFound)
			_, err = b.Take(ctx, handle)
			assert.ErrorIs(t, err, store.ErrNotFound)
			_, err = b.Update(ctx, handle, func(*login) error { return nil })
			assert.ErrorIs(t, err, store.ErrNotFound)
			assert.ErrorIs(t, b.Add(ctx, handle, login{}, time.Minute), store.ErrExists)
		}

		b.clock.Advance(time.Hour)
		assert.NoError(t, b.Add(ctx, handle, login{}, time.Minute), "a block ends with its time to live")
	}
}

func TestBlockOutlivesACallerThatLeaves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	handle := store.NewHandle()
	require.NoError(t, b.Block(t.Context(), handle, time.Hour))
	ctx, leave := context.WithCancel(t.Context())
	b.Store = leaving{b.Store, leave}
	_, err := b.Take(ctx, handle)
	assert.ErrorIs(t, err, store.ErrNotFound)
	assert.ErrorIs(t, b.Add(t.Context(), handle, login{}, time.Minute), store.ErrExists)
}

// leaving ends the caller's context when something was taken.
type leaving struct {
	store.Ephemeral
	leave func()
}

func (s leaving) Take(ctx context.Context, key string) ([]byte, error) {
	defer s.leave()
	return s.Ephemeral.Take(ctx, key)
}

func TestErrorOfTheBackendIsReturned(t *testing.T) {
	t.Parallel()
	outage := errors.New("outage")
	b := store.Bucket[login]{Store: down{outage}, Name: "logins"}
	ctx, handle := t.Context(), store.NewHandle()
	_, create := b.Create(ctx, login{}, time.Minute)
	_, get := b.Get(ctx, handle)
	_, take := b.Take(ctx, handle)
	_, update := b.Update(ctx, handle, func(*login) error { return nil })
	block := b.Block(ctx, handle, time.Minute)
	for i, err := range []error{create, get, take, update, block} {
		assert.ErrorIs(t, err, outage, i)
	}
}

// down is a backend that cannot be reached.
type down struct{ err error }

func (d down) Put(context.Context, string, []byte, time.Duration) error { return d.err }
func (d down) Add(context.Context, string, []byte, time.Duration) error { return d.err }
func (d down) Get(context.Context, string) ([]byte, error)              { return nil, d.err }
func (d down) Take(context.Context, string) ([]byte, error)             { return nil, d.err }
func (d down) Replace(context.Context, string, []byte, []byte, time.Duration) error {
	return d.err
}

func (d down) Increment(context.Context, string, int64, time.Duration) (store.Counter, error) {
	return store.Counter{}, d.err
}
