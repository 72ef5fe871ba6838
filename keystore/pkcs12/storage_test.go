package pkcs12_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs12"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

func newLedger(tb testing.TB) *memory.Store {
	tb.Helper()
	ledger, err := memory.New(memory.Config{})
	require.NoError(tb, err)
	return ledger
}

func ledgerStorage(tb testing.TB) func() pkcs12.Storage {
	ledger := newLedger(tb)
	return func() pkcs12.Storage { return pkcs12.Ledger(ledger, "keys", "vault") }
}

func TestALedgerKeepsTheFile(t *testing.T) {
	t.Parallel()
	ledger := newLedger(t)
	key := generate(t, open(t, pkcs12.Ledger(ledger, "keys", "vault")), "key", "ES256")
	require.Equal(t, key.ID, keys(t, open(t, pkcs12.Ledger(ledger, "keys", "vault")))[0].ID)
	record, err := ledger.Read(t.Context(), "keys", "vault")
	require.NoError(t, err)
	require.Equal(t, int64(2), record.Version)
}

func TestALedgerThatHoldsSomethingElseIsNotOverwritten(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`[]`, `{}`, `{"pkcs12":"not base64"}`, `{"pkcs12":"AAAA"}`, `null`} {
		ledger := newLedger(t)
		written, err := ledger.Write(t.Context(), "keys", store.Record{ID: "vault", Value: []byte(value)})
		require.NoError(t, err)
		_, err = pkcs12.Open(t.Context(), config(pkcs12.Ledger(ledger, "keys", "vault")))
		require.ErrorContains(t, err, "pkcs12: ", value)
		read, err := ledger.Read(t.Context(), "keys", "vault")
		require.NoError(t, err)
		require.Equal(t, written, read)
	}
	_, err := pkcs12.Open(t.Context(), config(pkcs12.Ledger(nil, "keys", "vault")))
	require.ErrorContains(t, err, "no ledger")
}

func TestACreatedFileIsThatOfTheFirst(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for _, storage := range []func() pkcs12.Storage{ledgerStorage(t), func() pkcs12.Storage { return pkcs12.File(path) }} {
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

func TestAFullLedgerIsAFullVault(t *testing.T) {
	t.Parallel()
	ledger, err := memory.New(memory.Config{MaxRecordBytes: 8 << 10})
	require.NoError(t, err)
	vault := open(t, pkcs12.Ledger(ledger, "keys", "vault"))
	for err == nil {
		_, err = vault.Generate(t.Context(), "key", "ES256")
	}
	require.ErrorIs(t, err, keystore.ErrVaultFull)
	require.NotEmpty(t, keys(t, vault))
}
