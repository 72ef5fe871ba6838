package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

func TestDoCallsTheMethodThatEachVerbNames(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m, err := memory.New(memory.Config{})
	require.NoError(t, err)
	require.NoError(t, m.Put(ctx, "live", []byte("value"), time.Hour))
	require.NoError(t, m.Put(ctx, "taken", []byte("once"), time.Hour))

	results := store.Do(ctx, m,
		store.Operation{Verb: store.VerbPut, Key: "put", Value: []byte("1"), TTL: time.Hour},
		store.Operation{Verb: store.VerbAdd, Key: "live", Value: []byte("2"), TTL: time.Hour},
		store.Operation{Verb: store.VerbGet, Key: "live"},
		store.Operation{Verb: store.VerbTake, Key: "taken"},
		store.Operation{Verb: store.VerbReplace, Key: "live", Old: []byte("value"), Value: []byte("new"), TTL: time.Hour},
		store.Operation{Verb: store.VerbIncrement, Key: "live", Delta: 3, TTL: time.Hour},
		store.Operation{Key: "live"},
		store.Operation{Verb: 99, Key: "live"},
	)
	require.Len(t, results, 8)
	assert.NoError(t, results[0].Err)
	assert.ErrorIs(t, results[1].Err, store.ErrExists)
	assert.Equal(t, "value", string(results[2].Value))
	assert.Equal(t, "once", string(results[3].Value))
	assert.NoError(t, results[4].Err)
	assert.Equal(t, int64(3), results[5].Counter.N)
	assert.ErrorIs(t, results[6].Err, store.ErrInvalid)
	assert.ErrorIs(t, results[7].Err, store.ErrInvalid)

	value, err := m.Get(ctx, "live")
	require.NoError(t, err)
	assert.Equal(t, "new", string(value))
	_, err = m.Get(ctx, "taken")
	assert.ErrorIs(t, err, store.ErrNotFound)
}

// batcher counts round trips.
type batcher struct {
	store.Ephemeral
	trips int
}

func (b *batcher) Do(ctx context.Context, operations []store.Operation) []store.Result {
	b.trips++
	return store.Do(ctx, b.Ephemeral, operations...)
}

func TestDoIsOneRoundTripToABatcher(t *testing.T) {
	t.Parallel()
	m, err := memory.New(memory.Config{})
	require.NoError(t, err)
	b := &batcher{Ephemeral: m}
	results := store.Do(t.Context(), b, store.Operation{Verb: store.VerbGet, Key: "a"}, store.Operation{Verb: store.VerbGet, Key: "b"})
	assert.Len(t, results, 2)
	assert.Equal(t, 1, b.trips)
}

func TestOperationCheckAllowsWhatItsMethodAllows(t *testing.T) {
	t.Parallel()
	const ttl = time.Hour
	large := make([]byte, store.MaxValue+1)
	tests := []struct {
		name  string
		o     store.Operation
		valid bool
	}{
		{"Put", store.Operation{Verb: store.VerbPut, Key: "k", TTL: ttl}, true},
		{"Put for no time", store.Operation{Verb: store.VerbPut, Key: "k"}, false},
		{"Add", store.Operation{Verb: store.VerbAdd, Key: "k", TTL: ttl}, true},
		{"Add of too much", store.Operation{Verb: store.VerbAdd, Key: "k", Value: large, TTL: ttl}, false},
		{"Get", store.Operation{Verb: store.VerbGet, Key: "k"}, true},
		{"Get with what it does not look at", store.Operation{Verb: store.VerbGet, Key: "k", Value: large, Delta: store.MaxDelta + 1, TTL: -1}, true},
		{"Get of no key", store.Operation{Verb: store.VerbGet}, false},
		{"Take", store.Operation{Verb: store.VerbTake, Key: "k"}, true},
		{"Take of a too long key", store.Operation{Verb: store.VerbTake, Key: strings.Repeat("k", store.MaxKey+1)}, false},
		{"Replace", store.Operation{Verb: store.VerbReplace, Key: "k", Old: large, TTL: ttl}, true},
		{"Replace by too much", store.Operation{Verb: store.VerbReplace, Key: "k", Value: large, TTL: ttl}, false},
		{"Increment", store.Operation{Verb: store.VerbIncrement, Key: "k", Delta: 1, TTL: ttl}, true},
		{"Increment by too much", store.Operation{Verb: store.VerbIncrement, Key: "k", Delta: store.MaxDelta + 1, TTL: ttl}, false},
		{"no verb", store.Operation{Key: "k", TTL: ttl}, false},
		{"no such verb", store.Operation{Verb: store.VerbIncrement + 1, Key: "k", TTL: ttl}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expectCheck(t, tt.valid, tt.o.Check())
			m, err := memory.New(memory.Config{})
			require.NoError(t, err)
			called := store.Do(t.Context(), m, tt.o)[0].Err
			if tt.valid {
				assert.NotErrorIs(t, called, store.ErrInvalid, "the method agrees")
			} else {
				assert.ErrorIs(t, called, store.ErrInvalid, "the method agrees")
			}
		})
	}
}
