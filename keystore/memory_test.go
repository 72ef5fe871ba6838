package keystore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

func TestMemorySignsWithTheFirstKeyAndPublishesAll(t *testing.T) {
	t.Parallel()
	first, err := keystore.NewKey(jose.ES256, newSigner(jose.ES256))
	require.NoError(t, err)
	second, err := keystore.NewKey(jose.ES256, newSigner(jose.ES256))
	require.NoError(t, err)
	other, err := keystore.NewKey(jose.EdDSA, newSigner(jose.EdDSA))
	require.NoError(t, err)
	memory, err := keystore.NewMemory(first, other, second)
	require.NoError(t, err)

	signer, err := memory.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	assert.Same(t, first, signer)
	signer, err = memory.Signer(t.Context(), keystore.TokenSigning, jose.EdDSA)
	require.NoError(t, err)
	assert.Same(t, other, signer)
	signer, err = memory.Signer(t.Context(), keystore.TokenSigning, jose.RS256)
	require.ErrorIs(t, err, keystore.ErrNoKey)
	assert.Nil(t, signer)

	keys, err := memory.Keys(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []jose.JSONWebKey{first.Public(), other.Public(), second.Public()}, keys)
}

func TestMemoryReturnsCopies(t *testing.T) {
	t.Parallel()
	memory, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	keys, err := memory.Keys(t.Context())
	require.NoError(t, err)
	keys[0] = jose.JSONWebKey{}

	keys, err = memory.Keys(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, keys[0].KeyID)
}

func TestNewMemoryRefusals(t *testing.T) {
	t.Parallel()
	key, err := keystore.NewKey(jose.RS256, rsaKey())
	require.NoError(t, err)
	sameKey, err := keystore.NewKey(jose.PS256, rsaKey())
	require.NoError(t, err)

	_, err = keystore.NewMemory()
	require.ErrorContains(t, err, "no keys")
	_, err = keystore.NewMemory(key, key)
	require.ErrorContains(t, err, "key 1")
	_, err = keystore.NewMemory(key, sameKey)
	require.ErrorContains(t, err, "one algorithm")
	_, err = keystore.NewMemory(key, nil, &keystore.Key{}, sameKey)
	require.ErrorContains(t, err, "key 1 was not made by NewKey")
	require.ErrorContains(t, err, "key 2 was not made by NewKey")
	require.ErrorContains(t, err, "key 3")
}

func TestGenerateMakesAKeyForEachAlgorithm(t *testing.T) {
	t.Parallel()
	memory, err := keystore.Generate(algorithms...)
	require.NoError(t, err)
	for _, alg := range algorithms {
		key, err := memory.Signer(t.Context(), keystore.TokenSigning, alg)
		require.NoError(t, err)
		token, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
		require.NoError(t, err)
		verify(t, alg, key.Public().Key, token)
	}
	rs256, err := memory.Signer(t.Context(), keystore.TokenSigning, jose.RS256)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, rs256.Public().Key.(*rsa.PublicKey).N.BitLen(), 2048)
	es384, err := memory.Signer(t.Context(), keystore.TokenSigning, jose.ES384)
	require.NoError(t, err)
	assert.Equal(t, elliptic.P384(), es384.Public().Key.(*ecdsa.PublicKey).Curve)
}

func TestGenerateRefusals(t *testing.T) {
	t.Parallel()
	_, err := keystore.Generate()
	require.ErrorContains(t, err, "no keys")
	_, err = keystore.Generate(jose.ES256, "none", jose.HS256)
	require.ErrorContains(t, err, `"none"`)
	require.ErrorContains(t, err, `"HS256"`)
}

func TestKeySetHasDistinctKeysWithoutPrivateMembers(t *testing.T) {
	t.Parallel()
	memory, err := keystore.Generate(algorithms...)
	require.NoError(t, err)
	keys, err := memory.Keys(t.Context())
	require.NoError(t, err)
	encoded, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	require.NoError(t, err)

	var set struct{ Keys []map[string]string }
	require.NoError(t, json.Unmarshal(encoded, &set))
	require.Len(t, set.Keys, len(algorithms))
	kids := make(map[string]bool)
	for i, key := range set.Keys {
		assert.Equal(t, string(algorithms[i]), key["alg"])
		assert.Equal(t, "sig", key["use"])
		assert.NotEmpty(t, key["kid"])
		kids[key["kid"]] = true
		for name := range key {
			assert.Contains(t, []string{"alg", "use", "kid", "kty", "crv", "x", "y", "n", "e"}, name)
		}
	}
	assert.Len(t, kids, len(algorithms))
}
