package pkcs12_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs12"
	"github.com/gosignet/signet/store"
)

func ledgerStorage() func() pkcs12.Storage {
	l := &ledger{}
	return func() pkcs12.Storage { return pkcs12.Ledger(l, "keys", "vault") }
}

func TestALedgerKeepsTheFile(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	key := generate(t, open(t, pkcs12.Ledger(l, "keys", "vault")), "key", "ES256")
	require.Equal(t, key.ID, keys(t, open(t, pkcs12.Ledger(l, "keys", "vault")))[0].ID)
	require.Equal(t, int64(2), l.record.Version)
	require.NotContains(t, string(l.record.Value), key.Label)
}

func TestALedgerThatHoldsSomethingElseIsNotOverwritten(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`[]`, `{}`, `{"pkcs12":"not base64"}`, `{"pkcs12":"AAAA"}`, `null`} {
		l := &ledger{record: store.Record{ID: "vault", Version: 7, Value: []byte(value)}}
		_, err := pkcs12.Open(t.Context(), config(pkcs12.Ledger(l, "keys", "vault")))
		require.ErrorContains(t, err, "pkcs12: ", value)
		require.Equal(t, value, string(l.record.Value))
	}
	_, err := pkcs12.Open(t.Context(), config(pkcs12.Ledger(nil, "keys", "vault")))
	require.ErrorContains(t, err, "no ledger")
}

func TestACreatedFileIsThatOfTheFirst(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for _, storage := range []func() pkcs12.Storage{ledgerStorage(), func() pkcs12.Storage { return pkcs12.File(path) }} {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				vault, err := pkcs12.Open(t.Context(), config(storage()))
				if err == nil {
					_, err = vault.Generate(t.Context(), "key", "ES256")
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, keys(t, open(t, storage())), 4)
	}
}

// ledger is a store.Ledger of one record.
type ledger struct {
	store.Ledger
	mu     sync.Mutex
	record store.Record
}

func (l *ledger) Read(_ context.Context, collection, id string) (store.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(store.CheckCollection(collection), store.CheckKey(id)); err != nil {
		return store.Record{}, err
	}
	if l.record.Version == 0 {
		return store.Record{}, store.ErrNotFound
	}
	r := l.record
	r.Value = bytes.Clone(r.Value)
	return r, nil
}

func (l *ledger) Write(_ context.Context, collection string, r store.Record) (store.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(store.CheckCollection(collection), store.CheckRecord(&r)); err != nil {
		return store.Record{}, err
	}
	if r.Version != l.record.Version {
		return store.Record{}, store.ErrConflict
	}
	r.Version++
	l.record = r
	return r, nil
}
