package pkcs12_test

import (
	"crypto/fips140"
	"testing"

	"github.com/stretchr/testify/require"
)

// The MAC that other programs write has a key derivation that is not approved. "make fips" runs this test in FIPS 140-3
// mode too.
func TestFilesWithoutPBMAC1AreForProvidersWithoutFIPS(t *testing.T) {
	t.Parallel()
	storage, _, err := fixture(t, "keytool.p12")
	if !fips140.Enabled() {
		require.NoError(t, err)
		return
	}
	require.ErrorContains(t, err, "is not approved in FIPS 140-3 mode: write the file with PBMAC1 first")
	require.Zero(t, storage.saves)

	storage = &shared{}
	vault := open(t, storage)
	generate(t, vault, "key", "ES256")
	require.Contains(t, string(storage.blob), pbmac1OID)
	require.Equal(t, keys(t, vault), keys(t, open(t, storage)))
}
