package passkey_test

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
)

// recorded is a passkey that an earlier version wrote, with what its owner's device holds.
type recorded struct {
	Record store.Record
	Key    []byte // PKCS #8
	ID     []byte
	Handle []byte
}

func TestPasskeysOfEarlierVersionsStayGood(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/passkey-1.json") // with the Secret of newWorld
	require.NoError(t, err)
	var old recorded
	require.NoError(t, json.Unmarshal(data, &old))
	w := newWorld(t)
	old.Record.Version = 0
	_, err = w.ledger.Write(t.Context(), "passkeys", old.Record)
	require.NoError(t, err)

	key, err := x509.ParsePKCS8PrivateKey(old.Key)
	require.NoError(t, err)
	d := newDevice(t, "ES256")
	d.key, d.id, d.handle, d.counter = key.(crypto.Signer), old.ID, old.Handle, 2
	_, err = w.login(d)
	require.NoError(t, err)
	assert.Equal(t, grace, w.people.asked[0])
	passkeys, err := w.List(t.Context(), &grace)
	require.NoError(t, err)
	assert.Len(t, passkeys, 1)
}
