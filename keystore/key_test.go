package keystore_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.RS256, jose.PS256, jose.EdDSA}

// rsaKey is made once: RSA keys are slow to make.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newSigner(alg jose.SignatureAlgorithm) crypto.Signer {
	switch alg {
	case jose.ES256:
		return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	case jose.ES384:
		return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	case jose.EdDSA:
		return ed25519.NewKeyFromSeed([]byte(rand.Text() + "012345"))
	default:
		return rsaKey()
	}
}

// opaque hides the type of a signer, as the driver of an HSM does.
type opaque struct{ inner crypto.Signer }

func (o opaque) Public() crypto.PublicKey { return o.inner.Public() }
func (o opaque) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return o.inner.Sign(r, digest, opts)
}

// faulty has a good public key and gives whatever signature it is told to.
type faulty struct {
	crypto.Signer
	signature []byte
	err       error
}

func (f faulty) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return f.signature, f.err }

// verify checks a token with the standard library alone and returns its header and payload.
func verify(t *testing.T, alg jose.SignatureAlgorithm, public any, token string) (header map[string]any, payload []byte) {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	decoded := make([][]byte, 3)
	for i, part := range parts {
		var err error
		decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part)
		require.NoError(t, err)
	}
	input, signature := []byte(parts[0]+"."+parts[1]), decoded[2]
	sum := sha256.Sum256(input)
	switch alg {
	case jose.ES256, jose.ES384:
		digest, half := sum[:], 32
		if alg == jose.ES384 {
			sum := sha512.Sum384(input)
			digest, half = sum[:], 48
		}
		require.Len(t, signature, 2*half)
		r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		require.True(t, ecdsa.Verify(public.(*ecdsa.PublicKey), digest, r, s))
	case jose.RS256:
		require.NoError(t, rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, sum[:], signature))
	case jose.PS256:
		opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		require.NoError(t, rsa.VerifyPSS(public.(*rsa.PublicKey), crypto.SHA256, sum[:], signature, opts))
	case jose.EdDSA:
		require.True(t, ed25519.Verify(public.(ed25519.PublicKey), input, signature))
	}
	require.NoError(t, json.Unmarshal(decoded[0], &header))
	return header, decoded[1]
}

func TestSignaturesAreVerifiedByOthers(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		for name, wrap := range map[string]func(crypto.Signer) crypto.Signer{
			"native": func(s crypto.Signer) crypto.Signer { return s },
			"opaque": func(s crypto.Signer) crypto.Signer { return opaque{s} },
		} {
			t.Run(string(alg)+"/"+name, func(t *testing.T) {
				t.Parallel()
				signer := wrap(newSigner(alg))
				key, err := keystore.NewKey(alg, signer)
				require.NoError(t, err)
				// r and s of ECDSA are shorter than the field once in 128 times: sign often enough to meet it.
				rounds := 1
				if alg == jose.ES256 {
					rounds = 1000
				}
				for range rounds {
					token, err := key.Sign(t.Context(), "at+jwt", []byte(`{"sub":"ሰላም"}`))
					require.NoError(t, err)

					header, payload := verify(t, alg, signer.Public(), token)
					assert.Equal(t, map[string]any{"alg": string(alg), "kid": key.ID(), "typ": "at+jwt"}, header)
					assert.Equal(t, `{"sub":"ሰላም"}`, string(payload))

					jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
					require.NoError(t, err)
					payload, err = jws.Verify(key.Public())
					require.NoError(t, err)
					assert.Equal(t, `{"sub":"ሰላም"}`, string(payload))
				}
			})
		}
	}
}

func TestNewKeyRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	for _, tc := range []struct {
		name   string
		alg    jose.SignatureAlgorithm
		signer crypto.Signer
		says   string
	}{
		{"no signer", jose.ES256, nil, "no signer"},
		{"no public key", jose.ES256, faulty{Signer: publicOnly{nil}}, "P-256"},
		{"wrong curve for ES256", jose.ES256, newSigner(jose.ES384), "not EC on P-384"},
		{"wrong curve for ES384", jose.ES384, newSigner(jose.ES256), "not EC on P-256"},
		{"RSA for ES256", jose.ES256, rsaKey(), "not RSA"},
		{"EC for RS256", jose.RS256, newSigner(jose.ES256), "not EC"},
		{"EC for PS256", jose.PS256, newSigner(jose.ES256), "not EC"},
		{"short RSA for RS256", jose.RS256, short, "not RSA of 1024 bits"},
		{"short RSA for PS256", jose.PS256, short, "not RSA of 1024 bits"},
		{"EC for EdDSA", jose.EdDSA, newSigner(jose.ES256), "Ed25519"},
		{"short Ed25519", jose.EdDSA, publicOnly{ed25519.PublicKey("short")}, "Ed25519"},
		{"none", "none", newSigner(jose.ES256), `"none"`},
		{"no algorithm", "", newSigner(jose.ES256), `""`},
		{"HS256", jose.HS256, newSigner(jose.ES256), `"HS256"`},
		{"RS512", jose.RS512, rsaKey(), `"RS512"`},
		{"ES512", jose.ES512, p521, `"ES512"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			key, err := keystore.NewKey(tc.alg, tc.signer)
			require.ErrorContains(t, err, tc.says)
			assert.Nil(t, key)
		})
	}
}

type publicOnly struct{ key crypto.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.key }
func (p publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no private key")
}

func TestSignGivesNoTokenWhenTheSignerFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the HSM is gone")
	order := elliptic.P256().Params().N.Bytes()
	for _, tc := range []struct {
		name      string
		alg       jose.SignatureAlgorithm
		signature []byte
		err       error
	}{
		{"error", jose.ES256, nil, broken},
		{"error with a signature", jose.EdDSA, make([]byte, 64), broken},
		{"no signature", jose.ES256, nil, nil},
		{"not ASN.1", jose.ES256, []byte("garbage"), nil},
		{"already r and s", jose.ES256, bytes.Repeat([]byte{0x30}, 64), nil},
		{"zero r", jose.ES256, []byte{0x30, 6, 2, 1, 0, 2, 1, 1}, nil},
		{"zero s", jose.ES256, []byte{0x30, 6, 2, 1, 1, 2, 1, 0}, nil},
		{"negative s", jose.ES256, []byte{0x30, 6, 2, 1, 1, 2, 1, 0x80}, nil},
		{"one number", jose.ES256, []byte{0x30, 3, 2, 1, 1}, nil},
		{"three numbers", jose.ES256, []byte{0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1}, nil},
		{"more after the sequence", jose.ES256, []byte{0x30, 6, 2, 1, 1, 2, 1, 1, 0}, nil},
		{"length not minimal", jose.ES256, []byte{0x30, 0x81, 6, 2, 1, 1, 2, 1, 1}, nil},
		{"r too long", jose.ES256, append([]byte{0x30, 3 + 2 + 34, 2, 1, 1, 2, 34, 1}, make([]byte, 33)...), nil},
		{"of another curve", jose.ES256, must(newSigner(jose.ES384).Sign(rand.Reader, make([]byte, 48), crypto.SHA384)), nil},
		{"short RSA", jose.RS256, make([]byte, 255), nil},
		{"long RSA", jose.PS256, make([]byte, 257), nil},
		{"short Ed25519", jose.EdDSA, order, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			key, err := keystore.NewKey(tc.alg, faulty{newSigner(tc.alg), tc.signature, tc.err})
			require.NoError(t, err)
			token, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
			require.Error(t, err)
			assert.Empty(t, token)
			if tc.err != nil {
				assert.ErrorIs(t, err, tc.err)
			}
		})
	}
}

func TestSignRefusesATypThatIsNoMediaType(t *testing.T) {
	t.Parallel()
	key, err := keystore.NewKey(jose.ES256, newSigner(jose.ES256))
	require.NoError(t, err)
	for _, typ := range []string{"", "a b", `JWT","crit":["x`, "JWT\n", "jwt;v=1", "é", strings.Repeat("a", 128)} {
		_, err := key.Sign(t.Context(), typ, []byte(`{}`))
		assert.Error(t, err, "%q", typ)
	}
	for _, typ := range []string{"JWT", "at+jwt", "application/dpop+jwt", "vnd.a_b-c.d", strings.Repeat("a", 127)} {
		token, err := key.Sign(t.Context(), typ, []byte(`{}`))
		require.NoError(t, err, "%q", typ)
		header, _ := verify(t, jose.ES256, key.Public().Key, token)
		assert.Equal(t, typ, header["typ"])
	}
}

func TestSignWithJWKBringsThePublicKeyAlong(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		signer := opaque{newSigner(alg)}
		key, err := keystore.NewKey(alg, signer)
		require.NoError(t, err)
		token, err := key.SignWithJWK(t.Context(), "dpop+jwt", []byte(`{"jti":"1"}`))
		require.NoError(t, err)

		header, payload := verify(t, alg, signer.Public(), token)
		assert.JSONEq(t, `{"jti":"1"}`, string(payload))
		assert.Equal(t, string(alg), header["alg"])
		assert.Equal(t, "dpop+jwt", header["typ"])
		assert.Len(t, header, 3)
		jwk := must(json.Marshal(jose.JSONWebKey{Key: signer.Public()}))
		assert.JSONEq(t, string(jwk), string(must(json.Marshal(header["jwk"]))))

		_, err = key.SignWithJWK(t.Context(), `JWT","crit":["x`, nil)
		assert.Error(t, err)
	}
}

func TestSignJSON(t *testing.T) {
	t.Parallel()
	key, err := keystore.NewKey(jose.EdDSA, newSigner(jose.EdDSA))
	require.NoError(t, err)

	token, err := key.SignJSON(t.Context(), "JWT", map[string]any{"sub": "1", "aud": "2"})
	require.NoError(t, err)
	_, payload := verify(t, jose.EdDSA, key.Public().Key, token)
	assert.JSONEq(t, `{"sub":"1","aud":"2"}`, string(payload))

	_, err = key.SignJSON(t.Context(), "JWT", func() {})
	assert.Error(t, err)
}

func TestSignIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			key, err := keystore.NewKey(alg, newSigner(alg))
			require.NoError(t, err)
			tokens := make([]string, 64)
			errs := make([]error, len(tokens))
			var group sync.WaitGroup
			for i := range tokens {
				group.Go(func() { tokens[i], errs[i] = key.Sign(t.Context(), "JWT", fmt.Appendf(nil, `{"jti":"%d"}`, i)) })
			}
			group.Wait()
			for i, token := range tokens {
				require.NoError(t, errs[i])
				_, payload := verify(t, alg, key.Public().Key, token)
				assert.Equal(t, fmt.Sprintf(`{"jti":"%d"}`, i), string(payload))
			}
		})
	}
}

func TestKeyIDIsTheThumbprint(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		signer := newSigner(alg)
		key, err := keystore.NewKey(alg, signer)
		require.NoError(t, err)
		jwk := jose.JSONWebKey{Key: signer.Public()}
		thumbprint, err := jwk.Thumbprint(crypto.SHA256)
		require.NoError(t, err)

		assert.Equal(t, base64.RawURLEncoding.EncodeToString(thumbprint), key.ID())
		assert.Equal(t, alg, key.Algorithm())
		public := key.Public()
		assert.Equal(t, jose.JSONWebKey{Key: signer.Public(), KeyID: key.ID(), Algorithm: string(alg), Use: "sig"}, public)
	}
}

func TestKeyNeverPrintsItsPrivatePart(t *testing.T) {
	t.Parallel()
	seed := []byte("0123456789abcdef0123456789abcdef")
	signer := ed25519.NewKeyFromSeed(seed)
	key, err := keystore.NewKey(jose.EdDSA, signer)
	require.NoError(t, err)
	holder := struct {
		Exported *keystore.Key
		hidden   *keystore.Key
		copied   keystore.Key
	}{key, key, *key}

	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		assert.Equal(t, "EdDSA key "+key.ID(), fmt.Sprintf(verb, key), verb)
		assert.Equal(t, "EdDSA key "+key.ID(), fmt.Sprintf(verb, *key), verb)
		fmt.Fprintf(&out, verb, holder)
	}
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		logger.Info("made", "key", key, "copy", *key, "holder", holder)
	}
	encoded, err := json.Marshal(holder)
	require.NoError(t, err)
	out.Write(encoded)

	printed := strings.ToLower(out.String())
	assert.Contains(t, printed, "kid="+strings.ToLower(key.ID()))
	for _, form := range []string{"%s", "%x", "%d", "%v"} {
		secret := strings.Trim(fmt.Sprintf(form, seed[:16]), "[]")
		assert.NotContains(t, printed, secret)
		assert.NotContains(t, printed, strings.ReplaceAll(secret, " ", ", "))
	}
	assert.NotContains(t, printed, "0x30, 0x31, 0x32")
	assert.NotContains(t, printed, strings.ToLower(base64.StdEncoding.EncodeToString(seed[:15])))
}
