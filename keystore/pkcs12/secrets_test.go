package pkcs12_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs12"
)

// That private keys are not printed is a rule of keystoretest. This is about the password, and about keys from elsewhere.
func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	private := newP256(t)
	d, err := private.Bytes()
	require.NoError(t, err)
	storage := holding(pkcs12.SealBags(password, pkcs12.Sequence(pkcs12.Bag(false, encode(t, private), "key", nil)), true))
	vault := open(t, storage)
	opened, err := vault.Open(t.Context(), keys(t, vault)[0].ID)
	require.NoError(t, err)
	for _, value := range []any{vault, config(storage), opened} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb, value)
			fmt.Fprintf(&out, verb, struct{ hidden any }{value})
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "value", value)
		if encoded, err := json.Marshal(value); err == nil {
			out.Write(encoded)
		}
		for _, secret := range [][]byte{[]byte(password), d} {
			for _, form := range []string{
				string(secret), hex.EncodeToString(secret), base64.StdEncoding.EncodeToString(secret),
				fmt.Sprintf("%d", secret[:8])[1:20], fmt.Sprintf("%#v", secret[:8])[7:30], new(big.Int).SetBytes(d).String(),
			} {
				assert.NotContains(t, out.String(), form, "%T", value)
			}
		}
	}
}

func TestTheFileShowsNoKeys(t *testing.T) {
	t.Parallel()
	private := newP256(t)
	d, err := private.Bytes()
	require.NoError(t, err)
	storage := &shared{}
	_, err = open(t, storage).Import(t.Context(), "key", "ES256", private, nil)
	require.NoError(t, err)
	assert.NotContains(t, string(storage.blob), string(d))
	assert.NotContains(t, string(storage.blob), string(d[:8]))
}
