package jwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/jwt"
)

// sign makes a token with go-jose, with the algorithm's key and the header's further members.
func sign(alg jose.SignatureAlgorithm, payload string, header map[jose.HeaderKey]any) string {
	opts := &jose.SignerOptions{}
	for name, value := range header {
		opts.WithHeader(name, value)
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: keys()[alg]}, opts))
	return must(must(signer.Sign([]byte(payload))).CompactSerialize())
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// unsigned makes a token of any header, with a signature that nobody made.
func unsigned(header string) string {
	return encode(header) + "." + encode(`{}`) + "." + encode("signature")
}

func TestParseAndVerify(t *testing.T) {
	t.Parallel()
	for _, alg := range jwt.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			raw := sign(alg, `{"iss":"a"}`, map[jose.HeaderKey]any{"kid": "1", "typ": "JWT"})
			token, err := jwt.Parse(raw, []jose.SignatureAlgorithm{alg})
			require.NoError(t, err)
			assert.Equal(t, alg, token.Algorithm)
			assert.Equal(t, "1", token.KeyID)
			assert.Equal(t, "JWT", token.Type)
			assert.Equal(t, `{"iss":"a"}`, string(token.UnverifiedPayload()))

			key := public(alg)
			key.KeyID = "1"
			payload, err := token.Verify([]jose.JSONWebKey{key})
			require.NoError(t, err)
			assert.Equal(t, `{"iss":"a"}`, string(payload))
		})
	}
}

func TestVerifyRefusesAChangedToken(t *testing.T) {
	t.Parallel()
	for _, alg := range jwt.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			parts := strings.Split(sign(alg, `{"sub":"alice"}`, nil), ".")
			for name, changed := range map[string]string{
				"header":        encode(`{"alg":"`+string(alg)+`","typ":"x"}`) + "." + parts[1] + "." + parts[2],
				"payload":       parts[0] + "." + encode(`{"sub":"mallory"}`) + "." + parts[2],
				"no signature":  parts[0] + "." + parts[1] + ".",
				"short":         parts[0] + "." + parts[1] + "." + parts[2][4:],
				"long":          parts[0] + "." + parts[1] + "." + "AAAA" + parts[2],
				"all zero":      parts[0] + "." + parts[1] + "." + encode(strings.Repeat("\x00", base64.RawURLEncoding.DecodedLen(len(parts[2])))),
				"of other data": parts[0] + "." + parts[1] + "." + strings.Split(sign(alg, `{}`, nil), ".")[2],
			} {
				token, err := jwt.Parse(changed, jwt.Algorithms())
				require.NoError(t, err, name)
				payload, err := token.Verify([]jose.JSONWebKey{public(alg)})
				require.ErrorIs(t, err, jwt.ErrSignature, name)
				assert.Nil(t, payload)
			}
		})
	}
}

// One signature in 128 has a number that begins with a zero byte, and most have one that begins with a one bit.
func TestVerifyTakesEveryECDSASignature(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.ES384} {
		for range 300 {
			token, err := jwt.Parse(sign(alg, `{}`, nil), jwt.Algorithms())
			require.NoError(t, err)
			_, err = token.Verify([]jose.JSONWebKey{public(alg)})
			require.NoError(t, err)
		}
	}
}

func TestVerifyRefusesAnECDSASignatureOfZeros(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.ES384} {
		good := sign(alg, `{}`, nil)
		end := strings.LastIndexByte(good, '.') + 1
		token, err := jwt.Parse(good[:end]+strings.Repeat("A", len(good)-end), jwt.Algorithms())
		require.NoError(t, err)
		_, err = token.Verify([]jose.JSONWebKey{public(alg)})
		require.ErrorIs(t, err, jwt.ErrSignature)
	}
}

func TestVerifyRefusesASignatureInASN1(t *testing.T) {
	t.Parallel()
	input := encode(`{"alg":"ES256"}`) + "." + encode(`{}`)
	digest := sha256.Sum256([]byte(input))
	der := must(ecdsa.SignASN1(rand.Reader, keys()[jose.ES256].(*ecdsa.PrivateKey), digest[:]))
	token, err := jwt.Parse(input+"."+encode(string(der)), jwt.Algorithms())
	require.NoError(t, err)
	_, err = token.Verify([]jose.JSONWebKey{public(jose.ES256)})
	assert.ErrorIs(t, err, jwt.ErrSignature)
}

func TestVerifyRefusesAPSSSaltThatIsNotAsLongAsTheHash(t *testing.T) {
	t.Parallel()
	input := encode(`{"alg":"PS256"}`) + "." + encode(`{}`)
	digest := sha256.Sum256([]byte(input))
	opts := &rsa.PSSOptions{SaltLength: 20}
	signature := must(rsa.SignPSS(rand.Reader, keys()[jose.PS256].(*rsa.PrivateKey), crypto.SHA256, digest[:], opts))
	token, err := jwt.Parse(input+"."+encode(string(signature)), jwt.Algorithms())
	require.NoError(t, err)
	_, err = token.Verify([]jose.JSONWebKey{public(jose.PS256)})
	assert.ErrorIs(t, err, jwt.ErrSignature)
}

func TestParseRefusals(t *testing.T) {
	t.Parallel()
	good := sign(jose.ES256, `{}`, nil)
	parts := strings.Split(good, ".")
	for _, tc := range []struct {
		name, token string
		err         error
	}{
		{"empty", "", jwt.ErrMalformed},
		{"one part", "e30", jwt.ErrMalformed},
		{"two parts", parts[0] + "." + parts[1], jwt.ErrMalformed},
		{"four parts", good + ".", jwt.ErrMalformed},
		{"encrypted", good + "." + parts[1] + "." + parts[2], jwt.ErrMalformed},
		{"JSON serialization", `{"payload":"e30","signatures":[]}`, jwt.ErrMalformed},
		{"too long", good + strings.Repeat("A", jwt.MaxTokenSize), jwt.ErrMalformed},
		{"white space before", " " + good, jwt.ErrMalformed},
		{"line break behind", good + "\n", jwt.ErrMalformed},
		{"line break inside", good[:10] + "\r\n" + good[10:], jwt.ErrMalformed},
		{"padding", parts[0] + "." + encode(`{"a":1}`) + "=." + parts[2], jwt.ErrMalformed},
		{"base64 that is not base64url", parts[0] + ".+/+/." + parts[2], jwt.ErrMalformed},
		{"stray bits in the signature", good[:len(good)-1] + "B", jwt.ErrMalformed},
		{"header is empty", "." + parts[1] + "." + parts[2], jwt.ErrMalformed},
		{"header is no JSON", unsigned(`alg`), jwt.ErrMalformed},
		{"header is null", unsigned(`null`), jwt.ErrMalformed},
		{"header is an array", unsigned(`[]`), jwt.ErrMalformed},
		{"header is not UTF-8", unsigned("{\"alg\":\"ES256\",\"kid\":\"\xff\"}"), jwt.ErrMalformed},
		{"header goes on", unsigned(`{"alg":"ES256"}{}`), jwt.ErrMalformed},
		{"header is deep", unsigned(`{"alg":"ES256","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`), jwt.ErrMalformed},
		{"alg twice", unsigned(`{"alg":"ES256","alg":"ES256"}`), jwt.ErrMalformed},
		{"alg twice, spelled in two ways", unsigned(`{"alg":"ES256","\u0061lg":"ES256"}`), jwt.ErrMalformed},
		{"alg is no string", unsigned(`{"alg":["ES256"]}`), jwt.ErrMalformed},
		{"alg is null", unsigned(`{"alg":null}`), jwt.ErrMalformed},
		{"kid is no string", unsigned(`{"alg":"ES256","kid":1}`), jwt.ErrMalformed},
		{"kid is null", unsigned(`{"alg":"ES256","kid":null}`), jwt.ErrMalformed},
		{"typ is no string", unsigned(`{"alg":"ES256","typ":{}}`), jwt.ErrMalformed},
		{"crit", unsigned(`{"alg":"ES256","crit":["exp"],"exp":1}`), jwt.ErrMalformed},
		{"empty crit", unsigned(`{"alg":"ES256","crit":[]}`), jwt.ErrMalformed},
		{"b64 with crit", unsigned(`{"alg":"ES256","crit":["b64"],"b64":false}`), jwt.ErrMalformed},
		{"b64", unsigned(`{"alg":"ES256","b64":true}`), jwt.ErrMalformed},
		{"no alg", unsigned(`{"typ":"JWT"}`), jwt.ErrAlgorithm},
		{"alg in upper case", unsigned(`{"ALG":"ES256"}`), jwt.ErrAlgorithm},
		{"none", unsigned(`{"alg":"none"}`), jwt.ErrAlgorithm},
		{"HS256", unsigned(`{"alg":"HS256"}`), jwt.ErrAlgorithm},
		{"not in the list", unsigned(`{"alg":"RS256"}`), jwt.ErrAlgorithm},
		{"es256", unsigned(`{"alg":"es256"}`), jwt.ErrAlgorithm},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			token, err := jwt.Parse(tc.token, []jose.SignatureAlgorithm{jose.ES256, jose.PS256})
			require.ErrorIs(t, err, tc.err)
			assert.Nil(t, token)
		})
	}
}

func TestParseRefusesABadAllowList(t *testing.T) {
	t.Parallel()
	for _, algs := range [][]jose.SignatureAlgorithm{nil, {}, {"none"}, {jose.ES256, jose.HS256}, {jose.ES512}, {""}} {
		_, err := jwt.Parse(unsigned(`{"alg":"none"}`), algs)
		require.Error(t, err, algs)
		assert.NotErrorIs(t, err, jwt.ErrAlgorithm)
	}
}

func TestVerifyChoosesTheKey(t *testing.T) {
	t.Parallel()
	named := func(kid string) jose.JSONWebKey {
		key := public(jose.ES256)
		key.KeyID = kid
		return key
	}
	with := func(f func(*jose.JSONWebKey)) jose.JSONWebKey {
		key := named("1")
		f(&key)
		return key
	}
	stranger := jose.JSONWebKey{Key: &must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey, KeyID: "1"}
	rsaKey := public(jose.RS256)
	rsaKey.KeyID = "1"
	for _, tc := range []struct {
		name string
		kid  string
		keys []jose.JSONWebKey
		err  error
	}{
		{"by kid", "2", []jose.JSONWebKey{stranger, named("2")}, nil},
		{"by kid, of two types", "1", []jose.JSONWebKey{rsaKey, named("1")}, nil},
		{"by kid, given twice", "1", []jose.JSONWebKey{stranger, named("1")}, nil},
		{"without kid", "", []jose.JSONWebKey{rsaKey, stranger, named("9")}, nil},
		{"use and alg fit", "1", []jose.JSONWebKey{with(func(k *jose.JSONWebKey) { k.Use, k.Algorithm = "sig", "ES256" })}, nil},
		{"no keys", "1", nil, jwt.ErrUnknownKey},
		{"no keys and no kid", "", nil, jwt.ErrUnknownKey},
		{"unknown kid", "3", []jose.JSONWebKey{named("1"), named("2")}, jwt.ErrUnknownKey},
		{"kid and a key without", "3", []jose.JSONWebKey{named("")}, jwt.ErrUnknownKey},
		{"kid of another type of key", "1", []jose.JSONWebKey{rsaKey, named("2")}, jwt.ErrUnknownKey},
		{"kid of a stranger's key", "1", []jose.JSONWebKey{stranger, named("2")}, jwt.ErrSignature},
		{"stranger's key", "", []jose.JSONWebKey{stranger}, jwt.ErrSignature},
		{"for encryption", "1", []jose.JSONWebKey{with(func(k *jose.JSONWebKey) { k.Use = "enc" })}, jwt.ErrUnknownKey},
		{"of another algorithm", "1", []jose.JSONWebKey{with(func(k *jose.JSONWebKey) { k.Algorithm = "ES384" })}, jwt.ErrUnknownKey},
		{"private", "1", []jose.JSONWebKey{with(func(k *jose.JSONWebKey) { k.Key = keys()[jose.ES256] })}, jwt.ErrUnknownKey},
		{"eight", "", append(slices.Repeat([]jose.JSONWebKey{stranger}, 7), named("1")), nil},
		{"nine", "", append(slices.Repeat([]jose.JSONWebKey{stranger}, 8), named("1")), jwt.ErrUnknownKey},
		{"nine, and a kid", "2", append(slices.Repeat([]jose.JSONWebKey{stranger}, 8), named("2")), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			header := map[jose.HeaderKey]any{}
			if tc.kid != "" {
				header["kid"] = tc.kid
			}
			token, err := jwt.Parse(sign(jose.ES256, `{}`, header), jwt.Algorithms())
			require.NoError(t, err)
			payload, err := token.Verify(tc.keys)
			require.ErrorIs(t, err, tc.err)
			assert.Equal(t, tc.err == nil, payload != nil)
		})
	}
}

func TestShortRSAKeyVerifiesNothing(t *testing.T) {
	t.Parallel()
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	input := encode(`{"alg":"RS256"}`) + "." + encode(`{}`)
	digest := sha256.Sum256([]byte(input))
	signature := must(rsa.SignPKCS1v15(nil, short, crypto.SHA256, digest[:]))
	token, err := jwt.Parse(input+"."+encode(string(signature)), jwt.Algorithms())
	require.NoError(t, err)
	_, err = token.Verify([]jose.JSONWebKey{{Key: &short.PublicKey}})
	assert.ErrorIs(t, err, jwt.ErrUnknownKey)
}

func TestKeysInTheHeaderVerifyNothing(t *testing.T) {
	t.Parallel()
	key := public(jose.ES256)
	key.KeyID = "1"
	header := map[jose.HeaderKey]any{"jwk": key, "jku": "https://evil.example", "x5u": "https://evil.example", "kid": "1"}
	token, err := jwt.Parse(sign(jose.ES256, `{}`, header), jwt.Algorithms())
	require.NoError(t, err)
	_, err = token.Verify(nil)
	assert.ErrorIs(t, err, jwt.ErrUnknownKey)
}

func TestEmbeddedKey(t *testing.T) {
	t.Parallel()
	token, err := jwt.Parse(sign(jose.ES256, `{}`, map[jose.HeaderKey]any{"jwk": public(jose.ES256)}), jwt.Algorithms())
	require.NoError(t, err)
	key, err := token.EmbeddedKey()
	require.NoError(t, err)
	assert.Equal(t, public(jose.ES256).Key, key.Key)
	_, err = token.Verify([]jose.JSONWebKey{key})
	require.NoError(t, err)

	private := must((&jose.JSONWebKey{Key: keys()[jose.ES256]}).MarshalJSON())
	for name, header := range map[string]string{
		"absent":    `{"alg":"ES256"}`,
		"null":      `{"alg":"ES256","jwk":null}`,
		"string":    `{"alg":"ES256","jwk":"x"}`,
		"private":   fmt.Sprintf(`{"alg":"ES256","jwk":%s}`, private),
		"symmetric": `{"alg":"ES256","jwk":{"kty":"oct","k":"AAAA"}}`,
		"off curve": fmt.Sprintf(`{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"%[1]s","y":"%[1]s"}}`, strings.Repeat("A", 43)),
		"too short": fmt.Sprintf(`{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"%[1]s","y":"%[1]s"}}`, strings.Repeat("A", 42)),
	} {
		token, err := jwt.Parse(unsigned(header), jwt.Algorithms())
		require.NoError(t, err, name)
		_, err = token.EmbeddedKey()
		assert.ErrorIs(t, err, jwt.ErrMalformed, name)
	}
}

func TestHeaderText(t *testing.T) {
	t.Parallel()
	token, err := jwt.Parse(unsigned(`{"alg":"ES256","x5t#S256":"abc","X5T#s256":"other","n":1}`), jwt.Algorithms())
	require.NoError(t, err)
	for name, want := range map[string]string{"x5t#S256": "abc", "absent": ""} {
		text, err := token.HeaderText(name)
		require.NoError(t, err)
		assert.Equal(t, want, text)
	}
	_, err = token.HeaderText("n")
	assert.ErrorIs(t, err, jwt.ErrMalformed)
}

func TestSigningInputIsTheTokenWithoutItsSignature(t *testing.T) {
	t.Parallel()
	text := sign(jose.ES256, `{}`, nil)
	token, err := jwt.Parse(text, jwt.Algorithms())
	require.NoError(t, err)
	assert.Equal(t, text[:strings.LastIndexByte(text, '.')], token.SigningInput())
}

func TestHasType(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]bool{
		"dpop+jwt": true, "DPoP+JWT": true, "application/dpop+jwt": true, "Application/DPOP+jwt": true,
		"": false, "JWT": false, "application/": false, "dpop+jwtx": false, "application/application/dpop+jwt": false,
	} {
		token := &jwt.Token{Type: typ}
		assert.Equal(t, want, token.HasType("dpop+jwt"), "%q", typ)
	}
}
