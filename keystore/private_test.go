package keystore_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

func TestOpaqueKeysShowNothing(t *testing.T) {
	t.Parallel()
	for _, alg := range keystore.Algorithms() {
		private := crypto.PrivateKey(newSigner(jose.SignatureAlgorithm(alg)))
		if alg == "ECDH-ES" {
			private = must(ecdh.P256().GenerateKey(rand.Reader))
		}
		opaque, err := keystore.Opaque(alg, private)
		require.NoError(t, err, alg)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			require.Equal(t, "private key", fmt.Sprintf(verb, opaque), alg)
		}
		require.Equal(t, "{}", string(must(json.Marshal(opaque))))
	}
}

func TestOpaqueRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for alg, key := range map[string]crypto.PrivateKey{
		"ES256": rsaKey(), "ES384": newSigner(jose.ES256), "RSA-OAEP-256": newSigner(jose.ES256), "ECDH-ES": rsaKey(),
		"none": rsaKey(), "EdDSA": nil, "PS256": "text", "RS256": publicOnly{&rsaKey().PublicKey}.key,
	} {
		_, err := keystore.Opaque(alg, key)
		require.Error(t, err, alg)
		require.False(t, strings.Contains(err.Error(), rsaKey().D.String()[:20]), "errors hold no keys")
	}
}

func TestAVaultInMemoryShowsNothing(t *testing.T) {
	t.Parallel()
	vault := keystore.NewMemoryVault()
	require.NoError(t, second(vault.Generate(t.Context(), "a label", "ES256")))
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		require.Equal(t, "vault in memory", fmt.Sprintf(verb, vault))
	}
}

func second[T any](_ T, err error) error { return err }

func TestEveryAlgorithmOfAVaultIsOneThatSignsOrDecrypts(t *testing.T) {
	t.Parallel()
	for _, alg := range keystore.Algorithms() {
		signs := slices.Contains(algorithms, jose.SignatureAlgorithm(alg))
		decrypts := slices.Contains(keystore.DecryptionAlgorithms(), jose.KeyAlgorithm(alg))
		require.NotEqual(t, signs, decrypts, alg)
	}
	require.Len(t, keystore.Algorithms(), len(algorithms)+len(keystore.DecryptionAlgorithms()))
}
