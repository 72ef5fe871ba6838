package keystoretest_test

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
)

func TestTheVaultInMemoryBreaksNoRule(t *testing.T) {
	t.Parallel()
	vault := keystore.NewMemoryVault()
	keystoretest.Run(t, func(testing.TB) keystoretest.Backend {
		return keystoretest.Backend{Vault: vault, Reopen: func() keystore.Vault { return vault }}
	})
}

func TestTheKeystoreInMemoryBreaksNoRule(t *testing.T) {
	t.Parallel()
	keystoretest.RunKeystore(t, func(t testing.TB) keystore.Keystore {
		keys, err := keystore.Generate(jose.ES256, jose.EdDSA)
		require.NoError(t, err)
		var decryption []*keystore.DecryptionKey
		for _, alg := range keystore.DecryptionAlgorithms() {
			key, err := keystore.GenerateDecryptionKey(alg)
			require.NoError(t, err)
			decryption = append(decryption, key)
		}
		decrypting, err := keystore.WithDecryption(keys, decryption...)
		require.NoError(t, err)
		return decrypting
	})
}
