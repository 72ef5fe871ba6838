package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

type consent struct {
	Claims    []string `json:"claims"`
	Withdrawn bool     `json:"withdrawn,omitempty"`
}

func newConsents(t testing.TB) (*store.Collection[consent], *memory.Store, *clock) {
	t.Helper()
	c := &clock{now: time.Unix(1_000_000_000, 0)}
	m, err := memory.New(memory.Config{Now: c.Now})
	require.NoError(t, err)
	return &store.Collection[consent]{Ledger: m, Name: "consents"}, m, c
}

func TestPutReturnsTheEntryAsGetDoesLater(t *testing.T) {
	t.Parallel()
	consents, _, clock := newConsents(t)
	ctx := t.Context()
	_, err := consents.Get(ctx, "c1")
	assert.ErrorIs(t, err, store.ErrNotFound)

	put, err := consents.Put(ctx, store.Entry[consent]{ID: "c1", Owner: "pseudonym", Value: consent{Claims: []string{"name"}}, ExpiresAt: clock.Now().Add(time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, int64(1), put.Version)
	assert.Equal(t, clock.Now(), put.WrittenAt)

	got, err := consents.Get(ctx, "c1")
	require.NoError(t, err)
	assert.Equal(t, put, got)
}

func TestPutOverAnotherVersionIsAConflict(t *testing.T) {
	t.Parallel()
	consents, _, _ := newConsents(t)
	ctx := t.Context()
	read, err := consents.Put(ctx, store.Entry[consent]{ID: "c1"})
	require.NoError(t, err)
	_, err = consents.Put(ctx, read)
	require.NoError(t, err)

	_, err = consents.Put(ctx, read)
	assert.ErrorIs(t, err, store.ErrConflict)
	_, err = consents.Put(ctx, store.Entry[consent]{ID: "c1"})
	assert.ErrorIs(t, err, store.ErrConflict)
}

func TestHistoryHasWhatTheEntryWas(t *testing.T) {
	t.Parallel()
	consents, _, _ := newConsents(t)
	ctx := t.Context()
	given, err := consents.Put(ctx, store.Entry[consent]{ID: "c1", Owner: "first", Value: consent{Claims: []string{"name"}}})
	require.NoError(t, err)
	withdrawn := given
	withdrawn.Owner, withdrawn.Value = "second", consent{Withdrawn: true}
	withdrawn, err = consents.Put(ctx, withdrawn)
	require.NoError(t, err)

	history, err := consents.History(ctx, "c1")
	require.NoError(t, err)
	assert.Equal(t, []store.Entry[consent]{withdrawn, given}, history)

	require.NoError(t, consents.Erase(ctx, "c1"))
	_, err = consents.History(ctx, "c1")
	assert.ErrorIs(t, err, store.ErrNotFound)
}

func TestListChoosesByOwnerAndPage(t *testing.T) {
	t.Parallel()
	consents, _, _ := newConsents(t)
	ctx := t.Context()
	for _, id := range []string{"c3", "c1", "c2"} {
		_, err := consents.Put(ctx, store.Entry[consent]{ID: id, Owner: "pseudonym", Value: consent{Claims: []string{id}}})
		require.NoError(t, err)
	}
	_, err := consents.Put(ctx, store.Entry[consent]{ID: "c4", Owner: "other"})
	require.NoError(t, err)

	page, err := consents.List(ctx, store.Query{Owner: "pseudonym", After: "c1", Limit: 5})
	require.NoError(t, err)
	require.Len(t, page, 2)
	assert.Equal(t, "c2", page[0].ID)
	assert.Equal(t, []string{"c3"}, page[1].Value.Claims)
}

func TestUpdateMakesOrChangesAnEntry(t *testing.T) {
	t.Parallel()
	consents, _, _ := newConsents(t)
	ctx := t.Context()
	made, err := consents.Update(ctx, "c1", func(e *store.Entry[consent]) error {
		assert.Equal(t, store.Entry[consent]{ID: "c1"}, *e)
		e.Owner, e.Value.Claims = "pseudonym", []string{"name"}
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, int64(1), made.Version)

	changed, err := consents.Update(ctx, "c1", func(e *store.Entry[consent]) error {
		assert.Equal(t, made, *e)
		e.Value.Withdrawn = true
		e.ID, e.Version = "c2", 7 // not its to change
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, int64(2), changed.Version)
	got, err := consents.Get(ctx, "c1")
	require.NoError(t, err)
	assert.Equal(t, changed, got)
	assert.Equal(t, "pseudonym", got.Owner)
	assert.True(t, got.Value.Withdrawn)
	_, err = consents.Get(ctx, "c2")
	assert.ErrorIs(t, err, store.ErrNotFound)
}

func TestUpdateThatReturnsAnErrorChangesNoEntry(t *testing.T) {
	t.Parallel()
	consents, _, _ := newConsents(t)
	ctx := t.Context()
	made, err := consents.Put(ctx, store.Entry[consent]{ID: "c1"})
	require.NoError(t, err)
	refused := errors.New("not yours")
	_, err = consents.Update(ctx, "c1", func(e *store.Entry[consent]) error {
		e.Value.Withdrawn = true
		return refused
	})
	assert.ErrorIs(t, err, refused)
	got, err := consents.Get(ctx, "c1")
	require.NoError(t, err)
	assert.Equal(t, made, got)
}

func TestUpdatesOfAnEntryAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	consents, _, _ := newConsents(t)
	const callers = 8 // fewer than Update tries
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			_, err := consents.Update(t.Context(), "c1", func(e *store.Entry[consent]) error {
				e.Value.Claims = append(e.Value.Claims, "claim")
				return nil
			})
			assert.NoError(t, err)
		})
	}
	done.Wait()
	got, err := consents.Get(t.Context(), "c1")
	require.NoError(t, err)
	assert.Len(t, got.Value.Claims, callers)
	assert.Equal(t, int64(callers), got.Version)
}

func TestUpdateGivesUpOnAnEntryThatNeverRests(t *testing.T) {
	t.Parallel()
	consents, m, _ := newConsents(t)
	ctx := t.Context()
	_, err := consents.Update(ctx, "c1", func(e *store.Entry[consent]) error {
		_, err := m.Write(ctx, "consents", store.Record{ID: "c1", Version: e.Version, Value: []byte(`{}`)})
		return err
	})
	assert.ErrorIs(t, err, store.ErrConflict)
}

func TestAnEntryThatCannotBeJSONIsRefused(t *testing.T) {
	t.Parallel()
	_, m, _ := newConsents(t)
	channels := store.Collection[chan int]{Ledger: m, Name: "channels"}
	_, err := channels.Put(t.Context(), store.Entry[chan int]{ID: "c1", Value: make(chan int)})
	assert.ErrorContains(t, err, "store: encode channels")
}

func TestAnEntryOfAnotherKindIsAnError(t *testing.T) {
	t.Parallel()
	consents, m, _ := newConsents(t)
	ctx := t.Context()
	_, err := m.Write(ctx, "consents", store.Record{ID: "c1", Value: []byte(`"text"`)})
	require.NoError(t, err)

	_, get := consents.Get(ctx, "c1")
	_, list := consents.List(ctx, store.Query{})
	_, history := consents.History(ctx, "c1")
	_, update := consents.Update(ctx, "c1", func(*store.Entry[consent]) error { return nil })
	for name, err := range map[string]error{"Get": get, "List": list, "History": history, "Update": update} {
		assert.ErrorContains(t, err, "store: decode consents c1", name)
	}
}

func TestCollectionReturnsTheErrorOfItsLedger(t *testing.T) {
	t.Parallel()
	consents, m, _ := newConsents(t)
	require.NoError(t, m.Close())
	ctx := context.Background()

	_, get := consents.Get(ctx, "c1")
	_, put := consents.Put(ctx, store.Entry[consent]{ID: "c1"})
	_, list := consents.List(ctx, store.Query{})
	_, history := consents.History(ctx, "c1")
	_, update := consents.Update(ctx, "c1", func(*store.Entry[consent]) error { return nil })
	for name, err := range map[string]error{"Get": get, "Put": put, "List": list, "History": history, "Update": update, "Erase": consents.Erase(ctx, "c1")} {
		assert.ErrorIs(t, err, memory.ErrClosed, name)
	}
}

func TestCollectionWithoutANameIsRefused(t *testing.T) {
	t.Parallel()
	_, m, _ := newConsents(t)
	unnamed := store.Collection[consent]{Ledger: m}
	_, err := unnamed.Get(t.Context(), "c1")
	assert.ErrorIs(t, err, store.ErrInvalid)
}
