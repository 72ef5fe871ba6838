package store_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/storetest"
)

// earlier makes a record as the first version of Signet did: in JSON.
func earlier(t *testing.T, bucket, handle, value string, expires time.Time) (key string, record []byte) {
	t.Helper()
	secret, err := base64.RawURLEncoding.DecodeString(handle)
	require.NoError(t, err)
	okm, err := hkdf.Expand(sha256.New, secret, "signet/bucket/"+bucket, 64)
	require.NoError(t, err)
	block, err := aes.NewCipher(okm[32:])
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(t, err)
	nonce := make([]byte, 12)
	message := append(binary.BigEndian.AppendUint64(nil, uint64(expires.UnixMilli())), value...)
	record = append([]byte{1}, nonce...)
	return bucket + ":" + base64.RawURLEncoding.EncodeToString(okm[:32]), aead.Seal(record, nonce, message, nil)
}

// An upgrade ends no login: what an instance of the earlier version keeps is read, and kept on in the new form.
func TestRecordsOfTheEarlierFormatAreRead(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	handle := store.NewHandle()
	key, record := earlier(t, "logins", handle, `{"Person":"Amina","Attempts":2}`, b.Now().Add(time.Minute))
	require.NoError(t, b.Store.Put(ctx, key, record, time.Minute))
	got, err := b.Get(ctx, handle)
	require.NoError(t, err)
	require.Equal(t, login{Person: "Amina", Attempts: 2}, got)
	_, err = b.Update(ctx, handle, func(l *login) error { l.Attempts++; return nil })
	require.NoError(t, err)
	_, updated := b.backend.only(t)
	require.EqualValues(t, 2, updated[0])
	got, err = b.Take(ctx, handle)
	require.NoError(t, err)
	require.Equal(t, login{Person: "Amina", Attempts: 3}, got)

	blocked := store.NewHandle()
	key, record = earlier(t, "logins", blocked, "", b.Now().Add(time.Minute))
	require.NoError(t, b.Store.Put(ctx, key, record, time.Minute))
	_, err = b.Get(ctx, blocked)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, b.Add(ctx, blocked, login{}, time.Minute), store.ErrExists)
}

// Nobody with access to the backend can have a record read as one of the other format.
func TestFormatOfARecordIsAuthenticated(t *testing.T) {
	t.Parallel()
	b, ctx := newBench(t), t.Context()
	numbers := store.Bucket[int]{Store: b.Store, Name: "numbers", Now: b.Now}
	handle := store.NewHandle()
	require.NoError(t, numbers.Add(ctx, handle, -18, time.Minute)) // in CBOR one byte, which is a 1 in JSON
	key, record := b.backend.only(t)
	record[0] = 1
	require.NoError(t, b.Store.Put(ctx, key, record, time.Minute))
	_, err := numbers.Get(ctx, handle)
	require.ErrorIs(t, err, store.ErrSealed)

	handle = store.NewHandle()
	key, record = earlier(t, "numbers", handle, "1", b.Now().Add(time.Minute))
	record[0] = 2
	require.NoError(t, b.Store.Put(ctx, key, record, time.Minute))
	_, err = numbers.Get(ctx, handle)
	require.ErrorIs(t, err, store.ErrSealed)
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	type inner struct {
		Raw  json.RawMessage `json:"raw,omitempty"`
		Zero *int            `json:"zero,omitempty"`
	}
	type outer struct {
		At       time.Time                  `json:"at"`
		Never    time.Time                  `json:"never,omitzero"`
		For      *time.Duration             `json:"for,omitempty"`
		Bytes    []byte                     `json:"bytes,omitempty"`
		Text     string                     `json:"text"`
		Numbers  []int64                    `json:"numbers"`
		Big      uint64                     `json:"big"`
		Map      map[string][]string        `json:"map,omitempty"`
		Raws     map[string]json.RawMessage `json:"raws,omitempty"`
		Inner    inner                      `json:"inner,omitzero"`
		Inners   []inner                    `json:"inners,omitempty"`
		Pointer  *inner                     `json:"pointer,omitempty"`
		Untagged bool
	}
	backend := newStore(t)
	storetest.Record[outer](t, backend)
	storetest.Record[string](t, backend)
	storetest.Record[[]byte](t, backend)
	storetest.Record[map[string]int](t, backend)
}
