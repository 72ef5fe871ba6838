package store_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
)

func TestHandleIs256RandomBitsInBase64URL(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		handle := store.NewHandle()
		assert.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`), handle)
		assert.False(t, seen[handle])
		seen[handle] = true
	}
}

func TestWhatCannotBeAHandleIsNotFound(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle := strings.Repeat("A", 43)
	require.NoError(t, b.Add(ctx, handle, login{}, time.Minute))
	for _, wrong := range []string{"", "A", handle[1:], handle + "A", handle + "=", handle[1:] + "B", handle[1:] + "=",
		handle[1:] + "\n", "\r\n" + handle[2:], handle[1:] + "+", handle[2:] + "é"} {
		_, err := b.Get(ctx, wrong)
		assert.ErrorIs(t, err, store.ErrNotFound, "%q", wrong)
		_, err = b.Take(ctx, wrong)
		assert.ErrorIs(t, err, store.ErrNotFound, "%q", wrong)
		_, err = b.Update(ctx, wrong, func(*login) error { return nil })
		assert.ErrorIs(t, err, store.ErrNotFound, "%q", wrong)
		assert.ErrorIs(t, b.Block(ctx, wrong, time.Minute), store.ErrNotFound, "%q", wrong)
		assert.ErrorIs(t, b.Add(ctx, wrong, login{}, time.Minute), store.ErrInvalid, "%q", wrong)
	}
}

// A dump of the backend is all keys and values, and an attacker knows this program.
func TestDumpOfTheBackendOpensNothing(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle, err := b.Create(ctx, login{Person: "Amina Nakato", Attempts: 4711}, time.Minute)
	require.NoError(t, err)
	secret, err := base64.RawURLEncoding.DecodeString(handle)
	require.NoError(t, err)

	key, record := b.backend.only(t)
	dump := key + string(record)
	for _, telling := range []string{handle, string(secret), hex.EncodeToString(secret), "Amina", "Nakato", "Person", "4711"} {
		assert.NotContains(t, dump, telling)
	}

	name, hash, _ := strings.Cut(key, ":")
	require.Equal(t, "logins", name)
	decoded, err := base64.RawURLEncoding.DecodeString(hash)
	require.NoError(t, err)
	for _, known := range []string{dump, string(decoded) + string(record)} {
		for i := range len(known) - 32 {
			guess := []byte(known[i : i+32])
			_, err := b.Get(ctx, base64.RawURLEncoding.EncodeToString(guess))
			require.ErrorIs(t, err, store.ErrNotFound, "the dump holds the handle")
			block, err := aes.NewCipher(guess)
			require.NoError(t, err)
			aead, err := cipher.NewGCM(block)
			require.NoError(t, err)
			_, err = aead.Open(nil, record[1:13], record[13:], record[:1])
			require.Error(t, err, "the dump holds the key")
		}
	}
}

func TestEqualRecordsLookDifferent(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle, err := b.Create(ctx, login{Person: "Amina"}, time.Minute)
	require.NoError(t, err)
	_, before := b.backend.only(t)
	_, err = b.Update(ctx, handle, func(*login) error { return nil })
	require.NoError(t, err)
	_, after := b.backend.only(t)
	assert.NotEqual(t, before, after)
}

func TestChangedRecordCannotBeOpened(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle, err := b.Create(ctx, login{Person: "Amina"}, time.Minute)
	require.NoError(t, err)
	key, record := b.backend.only(t)

	broken := map[string][]byte{"empty": {}, "longer": append(slices.Clone(record), 0)}
	for i := range record {
		broken[fmt.Sprint("cut to ", i)] = record[:i]
		flipped := slices.Clone(record)
		flipped[i] ^= 1
		broken[fmt.Sprint("bit flipped in ", i)] = flipped
	}
	for how, record := range broken {
		require.NoError(t, b.Store.Put(ctx, key, record, time.Minute))
		_, err := b.Get(ctx, handle)
		assert.ErrorIs(t, err, store.ErrSealed, how)
		_, err = b.Update(ctx, handle, func(*login) error { return nil })
		assert.ErrorIs(t, err, store.ErrSealed, how)
		_, err = b.Take(ctx, handle)
		assert.ErrorIs(t, err, store.ErrSealed, how)
	}
}

func TestMovedRecordCannotBeOpened(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	mine, err := b.Create(ctx, login{Person: "mine"}, time.Minute)
	require.NoError(t, err)
	myKey, _ := b.backend.only(t)
	_, err = b.Create(ctx, login{Person: "yours"}, time.Minute)
	require.NoError(t, err)
	delete(b.backend.records, myKey)
	_, yours := b.backend.only(t)

	require.NoError(t, b.Store.Put(ctx, myKey, yours, time.Minute))
	_, err = b.Get(ctx, mine)
	assert.ErrorIs(t, err, store.ErrSealed)
}

func TestRecordMovedFromAnotherBucketCannotBeOpened(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	other := newBench(t)
	other.Name = "codes"
	handle := store.NewHandle()
	require.NoError(t, b.Add(ctx, handle, login{Person: "login"}, time.Minute))
	require.NoError(t, other.Add(ctx, handle, login{Person: "code"}, time.Minute))
	key, _ := b.backend.only(t)
	otherKey, record := other.backend.only(t)
	_, place, _ := strings.Cut(key, ":")
	assert.NotContains(t, otherKey, place, "one handle is not seen to be in both")

	require.NoError(t, b.Store.Put(ctx, key, record, time.Minute))
	_, err := b.Get(ctx, handle)
	assert.ErrorIs(t, err, store.ErrSealed)
}

func TestRecordOfAnotherTypeCannotBeOpenedAndIsNotQuoted(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	other := store.Bucket[[]int]{Store: b.Store, Name: b.Name, Now: b.Now}
	handle, err := other.Create(ctx, []int{4711}, time.Minute)
	require.NoError(t, err)
	got, err := b.Get(ctx, handle)
	assert.Equal(t, store.ErrSealed, err)
	assert.Zero(t, got)
}

// FuzzRecord opens what somebody with access to the backend wrote there.
func FuzzRecord(f *testing.F) {
	b, ctx := newBench(f), context.Background()
	handle := store.NewHandle()
	require.NoError(f, b.Add(ctx, handle, login{Person: "Amina"}, time.Hour))
	key, record := b.backend.only(f)
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{1})
	f.Add(record[:13])
	f.Add(record[:len(record)-1])
	f.Add(append([]byte{1}, record[1:]...))
	f.Add(append([]byte{3}, record[1:]...))
	f.Fuzz(func(t *testing.T, record []byte) {
		if err := b.Store.Put(ctx, key, record, time.Hour); err != nil {
			require.ErrorIs(t, err, store.ErrInvalid)
			return
		}
		_, err := b.Get(ctx, handle)
		require.ErrorIs(t, err, store.ErrSealed)
		_, err = b.Take(ctx, handle)
		require.ErrorIs(t, err, store.ErrSealed)
	})
}

// FuzzHandle presents what strangers send in place of a handle.
func FuzzHandle(f *testing.F) {
	b, ctx := newBench(f), context.Background()
	handle, err := b.Create(ctx, login{}, time.Hour)
	require.NoError(f, err)
	for _, seed := range []string{"", strings.Repeat("A", 43), strings.Repeat("\n", 43), handle[:42] + "=", handle + handle} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stranger string) {
		_, err := b.Get(ctx, stranger)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}
