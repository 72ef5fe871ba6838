//go:build cgo

package pkcs11_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/softhsmtest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
	"github.com/gosignet/signet/keystore/pkcs11"
)

// configFor returns the configuration for a token.
func configFor(token *softhsmtest.Token) pkcs11.Config {
	return pkcs11.Config{Module: token.Module, TokenLabel: token.Label, PIN: func() ([]byte, error) { return []byte(softhsmtest.PIN), nil }}
}

// open opens a vault that is closed after the test.
func open(t testing.TB, config pkcs11.Config) pkcs11.Vault {
	t.Helper()
	vault, err := pkcs11.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, vault.Close()) })
	return vault
}

func TestVaultKeepsTheContract(t *testing.T) {
	t.Parallel()
	config := configFor(softhsmtest.New(t))
	vault := open(t, config)
	keystoretest.Run(t, func(t testing.TB) keystoretest.Backend {
		return keystoretest.Backend{Vault: vault, Reopen: func() keystore.Vault { return open(t, config) }}
	})
}
