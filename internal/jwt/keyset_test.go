package jwt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/jwt"
)

func keySet(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// marshal encodes a key after f changed its members.
func marshal(key any, f func(map[string]any)) string {
	var members map[string]any
	if err := json.Unmarshal(must((&jose.JSONWebKey{Key: key}).MarshalJSON()), &members); err != nil {
		panic(err)
	}
	f(members)
	return string(must(json.Marshal(members)))
}

func set(name string, value any) func(map[string]any) {
	return func(members map[string]any) { members[name] = value }
}

func unchanged(map[string]any) {}

func TestParseKeySet(t *testing.T) {
	t.Parallel()
	p521 := &must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)).PublicKey
	data := keySet(
		marshal(public(jose.ES256).Key, func(m map[string]any) { m["kid"], m["use"], m["alg"] = "1", "sig", "ES256" }),
		marshal(public(jose.ES384).Key, set("kid", "2")),
		marshal(p521, set("use", "enc")),
		marshal(public(jose.RS256).Key, set("alg", "RSA-OAEP-256")),
		marshal(public(jose.EdDSA).Key, unchanged),
	)
	parsed, err := jwt.ParseKeySet([]byte(data))
	require.NoError(t, err)
	require.Len(t, parsed.Keys, 5)
	assert.Equal(t, jose.JSONWebKey{Key: public(jose.ES256).Key, KeyID: "1", Use: "sig", Algorithm: "ES256"}, withoutNil(parsed.Keys[0]))
	for i, key := range []any{public(jose.ES256).Key, public(jose.ES384).Key, p521, public(jose.RS256).Key, public(jose.EdDSA).Key} {
		assert.Equal(t, key, parsed.Keys[i].Key)
	}
}

// withoutNil makes the empty slices that go-jose leaves comparable.
func withoutNil(key jose.JSONWebKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Key, KeyID: key.KeyID, Use: key.Use, Algorithm: key.Algorithm}
}

func TestParseKeySetRefusals(t *testing.T) {
	t.Parallel()
	ec := public(jose.ES256).Key
	good := marshal(ec, unchanged)
	short := &must(rsa.GenerateKey(rand.Reader, 1024)).PublicKey
	for name, data := range map[string]string{
		"empty":                     ``,
		"null":                      `null`,
		"an array":                  `[` + good + `]`,
		"a bare key":                good,
		"no keys":                   keySet(),
		"keys is null":              `{"keys":null}`,
		"keys is an object":         `{"keys":{}}`,
		"keys twice":                `{"keys":[` + good + `],"keys":[` + good + `]}`,
		"too many keys":             keySet(strings.Split(strings.Repeat(good+"\n", jwt.MaxKeys)+good, "\n")...),
		"too long":                  keySet(good) + strings.Repeat(" ", jwt.MaxKeySetSize),
		"too deep":                  keySet(marshal(ec, unchanged), strings.Repeat("[", 32)+strings.Repeat("]", 32)),
		"a null key":                keySet("null"),
		"a string":                  keySet(`"key"`),
		"no kty":                    keySet(marshal(ec, set("kty", ""))),
		"unknown kty":               keySet(marshal(ec, set("kty", "AKP"))),
		"member twice":              keySet(`{"kty":"EC",` + good[1:]),
		"private EC":                keySet(marshal(keys()[jose.ES256], unchanged)),
		"private RSA":               keySet(marshal(keys()[jose.RS256], unchanged)),
		"private Ed25519":           keySet(marshal(keys()[jose.EdDSA], unchanged)),
		"symmetric":                 keySet(marshal([]byte("0123456789abcdef0123456789abcdef"), unchanged)),
		"private among public":      keySet(good, marshal(keys()[jose.ES384], unchanged)),
		"empty private member":      keySet(marshal(ec, set("d", ""))),
		"null private member":       keySet(marshal(ec, set("d", nil))),
		"more primes":               keySet(marshal(ec, set("oth", []any{}))),
		"symmetric member":          keySet(marshal(ec, set("k", "AAAA"))),
		"short RSA":                 keySet(marshal(short, unchanged)),
		"RSA exponent 1":            keySet(marshal(public(jose.RS256).Key, set("e", "AQ"))),
		"curve P-224":               keySet(marshal(ec, set("crv", "P-224"))),
		"curve secp256k1":           keySet(marshal(ec, set("crv", "secp256k1"))),
		"point not on the curve":    keySet(marshal(ec, set("x", strings.Repeat("A", 43)))),
		"coordinate missing":        keySet(marshal(ec, func(m map[string]any) { delete(m, "y") })),
		"X25519":                    keySet(marshal(public(jose.EdDSA).Key, set("crv", "X25519"))),
		"short Ed25519":             keySet(marshal(public(jose.EdDSA).Key, set("x", "AAAA"))),
		"unknown use":               keySet(marshal(ec, set("use", "both"))),
		"alg of another curve":      keySet(marshal(ec, set("alg", "ES384"))),
		"alg of another type":       keySet(marshal(ec, set("alg", "PS256"))),
		"kid twice":                 keySet(marshal(ec, set("kid", "1")), marshal(public(jose.ES384).Key, set("kid", "1"))),
		"certificate of a stranger": keySet(marshal(ec, set("x5c", []string{"AAAA"}))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parsed, err := jwt.ParseKeySet([]byte(data))
			require.ErrorIs(t, err, jwt.ErrMalformed)
			assert.Empty(t, parsed.Keys)
		})
	}
}

func TestParseKeySetReturnsAllProblemsAndNoSecret(t *testing.T) {
	t.Parallel()
	secret := keys()[jose.ES256].(*ecdsa.PrivateKey)
	private := must((&jose.JSONWebKey{Key: secret}).MarshalJSON())
	var members map[string]string
	require.NoError(t, json.Unmarshal(private, &members))

	_, err := jwt.ParseKeySet(fmt.Appendf(nil, `{"keys":[%s,{"kty":"oct","k":"c2VjcmV0"},{"kty":"EC"}]}`, private))
	for _, says := range []string{"key 0", "key 1", "key 2"} {
		require.ErrorContains(t, err, says)
	}
	assert.NotContains(t, err.Error(), members["d"])
	assert.NotContains(t, err.Error(), "c2VjcmV0")
}
