package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

// expectCheck wants ErrInvalid, or no error.
func expectCheck(t *testing.T, valid bool, err error) {
	t.Helper()
	if valid {
		assert.NoError(t, err)
	} else {
		assert.ErrorIs(t, err, store.ErrInvalid)
	}
}

func TestCheckIncrementLimitsTheDelta(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		key   string
		delta int64
		ttl   time.Duration
		valid bool
	}{
		{"the least", "k", -store.MaxDelta, 1, true},
		{"nothing", "k", 0, 1, true},
		{"the most", "k", store.MaxDelta, time.Hour, true},
		{"more", "k", store.MaxDelta + 1, time.Hour, false},
		{"less", "k", -store.MaxDelta - 1, time.Hour, false},
		{"the smallest number", "k", math.MinInt64, time.Hour, false},
		{"no time to live", "k", 1, 0, false},
		{"no key", "", 1, time.Hour, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expectCheck(t, tt.valid, store.CheckIncrement(tt.key, tt.delta, tt.ttl))
		})
	}
}

func TestCheckCollectionAllowsShortNames(t *testing.T) {
	t.Parallel()
	for name, valid := range map[string]bool{
		"clients":                                true,
		"a":                                      true,
		"key-bindings-2":                         true,
		strings.Repeat("x", store.MaxCollection): true,
		strings.Repeat("x", store.MaxCollection+1): false,
		"":             false,
		"Clients":      false,
		"key_bindings": false,
		"a b":          false,
		"a\x00":        false,
		"é":            false,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectCheck(t, valid, store.CheckCollection(name))
		})
	}
}

func TestCheckRecordAllowsJSONUnderAnID(t *testing.T) {
	t.Parallel()
	text := func(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }
	tests := []struct {
		name  string
		r     store.Record
		valid bool
	}{
		{"the smallest", store.Record{ID: "i", Value: []byte("0")}, true},
		{"the largest", store.Record{ID: strings.Repeat("i", store.MaxKey), Owner: strings.Repeat("o", store.MaxKey), Value: text(store.MaxRecord), Version: math.MaxInt64}, true},
		{"no ID", store.Record{Value: []byte("0")}, false},
		{"an ID with a space", store.Record{ID: "a b", Value: []byte("0")}, false},
		{"a too long ID", store.Record{ID: strings.Repeat("i", store.MaxKey+1), Value: []byte("0")}, false},
		{"an owner with a space", store.Record{ID: "i", Owner: "a b", Value: []byte("0")}, false},
		{"a too long owner", store.Record{ID: "i", Owner: strings.Repeat("o", store.MaxKey+1), Value: []byte("0")}, false},
		{"a negative version", store.Record{ID: "i", Value: []byte("0"), Version: -1}, false},
		{"no value", store.Record{ID: "i"}, false},
		{"no JSON", store.Record{ID: "i", Value: []byte("text")}, false},
		{"two values", store.Record{ID: "i", Value: []byte("1 2")}, false},
		{"no UTF-8", store.Record{ID: "i", Value: []byte("\"\xff\"")}, false},
		{"a too large value", store.Record{ID: "i", Value: text(store.MaxRecord + 1)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expectCheck(t, tt.valid, store.CheckRecord(&tt.r))
		})
	}
}

func TestCheckQueryTellsTheLimit(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{0: store.MaxList, 1: 1, store.MaxList: store.MaxList, store.MaxList + 1: store.MaxList, math.MaxInt: store.MaxList} {
		got, err := store.CheckQuery(store.Query{Owner: "owner", After: "after", Limit: limit})
		require.NoError(t, err)
		assert.Equal(t, want, got, "a limit of %d", limit)
	}
	for _, q := range []store.Query{{Limit: -1}, {Owner: "a b"}, {After: "a b"}, {After: strings.Repeat("x", store.MaxKey+1)}} {
		_, err := store.CheckQuery(q)
		assert.ErrorIs(t, err, store.ErrInvalid, "%.40v", q)
	}
}

// What CheckRecord lets through has to be safe to write into a line of a log, an index and a column of JSON.
func FuzzCheckRecord(f *testing.F) {
	f.Add("id", "owner", []byte(`{"a":1}`), int64(0))
	f.Add("", "", []byte(nil), int64(-1))
	f.Add("a b", "\x00", []byte("\"\xff\""), int64(math.MaxInt64))
	f.Add(strings.Repeat("x", store.MaxKey+1), "é", []byte(`"\ud800"`), int64(1))
	f.Fuzz(func(t *testing.T, id, owner string, value []byte, version int64) {
		r := store.Record{ID: id, Owner: owner, Value: value, Version: version}
		err := store.CheckRecord(&r)
		if err != nil {
			require.ErrorIs(t, err, store.ErrInvalid)
			return
		}
		require.NotEmpty(t, id)
		for _, text := range []string{id, owner} {
			require.LessOrEqual(t, len(text), store.MaxKey)
			require.Empty(t, strings.Map(func(c rune) rune {
				if c > ' ' && c <= '~' {
					return -1
				}
				return c
			}, text))
		}
		require.LessOrEqual(t, len(value), store.MaxRecord)
		require.True(t, json.Valid(value))
		require.GreaterOrEqual(t, version, int64(0))

		// A ledger keeps it as it is.
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		r.Version = 0
		_, err = m.Write(context.Background(), "fuzz", r)
		require.NoError(t, err)
		got, err := m.Read(context.Background(), "fuzz", id)
		require.NoError(t, err)
		require.True(t, bytes.Equal(value, got.Value))
		require.Equal(t, owner, got.Owner)
	})
}
