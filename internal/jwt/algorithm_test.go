package jwt_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/jwt"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// keys are made once: RSA keys are slow to make.
var keys = sync.OnceValue(func() map[jose.SignatureAlgorithm]any {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	return map[jose.SignatureAlgorithm]any{
		jose.ES256: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		jose.ES384: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		jose.EdDSA: ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef")),
		jose.RS256: rsaKey,
		jose.PS256: rsaKey,
	}
})

// public returns the public half of the key of an algorithm, with neither kid nor use nor alg.
func public(alg jose.SignatureAlgorithm) jose.JSONWebKey {
	return (&jose.JSONWebKey{Key: keys()[alg]}).Public()
}

func TestAlgorithmsAreAsymmetricAndOwnedByTheCaller(t *testing.T) {
	t.Parallel()
	algs := jwt.Algorithms()
	assert.ElementsMatch(t, []jose.SignatureAlgorithm{"ES256", "ES384", "PS256", "RS256", "EdDSA"}, algs)
	require.NoError(t, jwt.CheckAlgorithms(algs))
	algs[0] = "none"
	assert.NotContains(t, jwt.Algorithms(), jose.SignatureAlgorithm("none"))
}

func TestParseAlgorithms(t *testing.T) {
	t.Parallel()
	algs, err := jwt.ParseAlgorithms([]string{"PS256", "ES256"})
	require.NoError(t, err)
	assert.Equal(t, []jose.SignatureAlgorithm{jose.PS256, jose.ES256}, algs)

	for _, name := range []string{"none", "None", "HS256", "HS512", "es256", "ES512", "RS384", "", " ES256"} {
		_, err := jwt.ParseAlgorithms([]string{"ES256", name})
		assert.Error(t, err, "%q", name)
	}
	_, err = jwt.ParseAlgorithms(nil)
	require.Error(t, err)
	_, err = jwt.ParseAlgorithms([]string{"none", "ES256", "HS256", "ES256"})
	require.ErrorContains(t, err, `"none"`)
	require.ErrorContains(t, err, `"HS256"`)
	require.ErrorContains(t, err, `"ES256" is listed twice`)
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	short := &must(rsa.GenerateKey(rand.Reader, 1024)).PublicKey
	long := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 4096, 1), E: 65537}
	weak := &rsa.PublicKey{N: public(jose.RS256).Key.(*rsa.PublicKey).N, E: 1}
	p521 := &must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)).PublicKey
	fits := map[jose.SignatureAlgorithm]any{}
	for _, alg := range jwt.Algorithms() {
		fits[alg] = public(alg).Key
		require.NoError(t, jwt.CheckKey(alg, fits[alg]))
		for _, bad := range []any{
			nil, keys()[alg], []byte("secret"), short, long, weak, p521, ed25519.PublicKey("short"),
			(*ecdsa.PublicKey)(nil), (*rsa.PublicKey)(nil), &ecdsa.PublicKey{}, &rsa.PublicKey{},
		} {
			assert.Error(t, jwt.CheckKey(alg, bad), "%s %T", alg, bad)
		}
	}
	for _, alg := range jwt.Algorithms() {
		for other, key := range fits {
			if other != alg && !(isRSA(alg) && isRSA(other)) {
				assert.Error(t, jwt.CheckKey(alg, key), "%s with the key of %s", alg, other)
			}
		}
	}
	for _, alg := range []jose.SignatureAlgorithm{"none", "", jose.HS256, jose.ES512} {
		assert.Error(t, jwt.CheckKey(alg, fits[jose.ES256]), alg)
	}
}

func isRSA(alg jose.SignatureAlgorithm) bool { return alg == jose.RS256 || alg == jose.PS256 }
