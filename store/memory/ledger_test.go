package memory_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const records = "records"

// text is JSON of n bytes.
func text(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }

func TestFullLedgerRefusesMoreAndKeepsItsRecords(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, now := newStore(t, memory.Config{MaxRecordBytes: 8192})
	_, err := s.Write(ctx, records, store.Record{ID: "stays", Value: text(4000)})
	require.NoError(t, err)
	_, err = s.Write(ctx, records, store.Record{ID: "ends", Value: text(2000), ExpiresAt: now.Now().Add(time.Minute)})
	require.NoError(t, err)

	_, err = s.Write(ctx, records, store.Record{ID: "new", Value: text(2000)})
	assert.ErrorIs(t, err, store.ErrFull)
	_, err = s.Write(ctx, records, store.Record{ID: "stays", Version: 1, Value: text(2000)})
	assert.ErrorIs(t, err, store.ErrFull, "what a record was takes room too")
	_, err = s.Read(ctx, records, "new")
	assert.ErrorIs(t, err, store.ErrNotFound)
	stays, err := s.History(ctx, records, "stays")
	require.NoError(t, err)
	assert.Len(t, stays, 1)

	now.Advance(time.Minute)
	_, err = s.Write(ctx, records, store.Record{ID: "new", Value: text(2000)})
	assert.NoError(t, err, "what has expired makes room")
	require.NoError(t, s.Erase(ctx, records, "stays"))
	_, err = s.Write(ctx, records, store.Record{ID: "newer", Value: text(4000)})
	assert.NoError(t, err, "what was erased makes room")
}

func TestRecordsAndValuesHaveRoomOfTheirOwn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, _ := newStore(t, memory.Config{MaxEntries: 1})
	require.NoError(t, s.Put(ctx, "key", nil, time.Hour))
	require.ErrorIs(t, s.Put(ctx, "other", nil, time.Hour), store.ErrFull)
	_, err := s.Write(ctx, records, store.Record{ID: "id", Value: []byte("0")})
	assert.NoError(t, err)
}

func TestBytesOfRecordsAreCountedThroughEveryChange(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, now := newStore(t, memory.Config{MaxRecordBytes: 8192})
	for i := range 100 {
		id := strconv.Itoa(i % 7)
		_, err := s.Write(ctx, records, store.Record{ID: id, Owner: "one", Value: text(1000)})
		require.NoError(t, err)
		_, err = s.Write(ctx, records, store.Record{ID: id, Version: 1, Owner: "other", Value: text(2000), ExpiresAt: now.Now().Add(time.Minute)})
		require.NoError(t, err)
		if i%2 == 0 {
			now.Advance(time.Minute)
			continue
		}
		require.NoError(t, s.Erase(ctx, records, id))
	}
	now.Advance(time.Minute)
	_, err := s.Write(ctx, records, store.Record{ID: "large", Value: text(7500)})
	require.NoError(t, err)
}

func TestALongHistoryDoesNotFillTheLedger(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, _ := newStore(t, memory.Config{MaxRecordBytes: 600 * store.MaxList})
	for v := range int64(3 * store.MaxList) {
		_, err := s.Write(ctx, records, store.Record{ID: "id", Version: v, Value: []byte("0")})
		require.NoError(t, err)
	}
}
