package jwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/jwt"
)

const assertion = `{"iss":"health-portal","sub":"health-portal","aud":"https://id.example","exp":1893456000,` +
	`"nbf":1893455940,"iat":1893455940,"jti":"77QmUPtjPfzWtF2AnpK9RQ"}`

// BenchmarkVerify sets beside each other, for a client assertion in each algorithm, the hash and verification alone
// (raw), parsing, verification and claims (signet), and the same with go-jose and encoding/json (go-jose).
func BenchmarkVerify(b *testing.B) {
	for _, alg := range jwt.Algorithms() {
		token := sign(alg, assertion, map[jose.HeaderKey]any{"kid": "1", "typ": "JWT"})
		key := public(alg)
		key.KeyID = "1"
		keys, algs := []jose.JSONWebKey{key}, []jose.SignatureAlgorithm{alg}

		b.Run(string(alg)+"/raw", func(b *testing.B) {
			dot := strings.LastIndexByte(token, '.')
			input, signature := []byte(token[:dot]), must(base64.RawURLEncoding.DecodeString(token[dot+1:]))
			b.ReportAllocs()
			for b.Loop() {
				require.True(b, verifyRaw(alg, key.Key, input, signature))
			}
		})
		b.Run(string(alg)+"/signet", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				parsed, err := jwt.Parse(token, algs)
				require.NoError(b, err)
				payload, err := parsed.Verify(keys)
				require.NoError(b, err)
				_, err = jwt.DecodeClaims(payload)
				require.NoError(b, err)
			}
		})
		b.Run(string(alg)+"/go-jose", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				jws, err := jose.ParseSignedCompact(token, algs)
				require.NoError(b, err)
				payload, err := jws.Verify(key)
				require.NoError(b, err)
				var claims struct {
					Iss, Sub, Aud, Jti string
					Exp, Nbf, Iat      int64
				}
				require.NoError(b, json.Unmarshal(payload, &claims))
			}
		})
	}
}

// BenchmarkParse is the overhead alone: everything of BenchmarkVerify but the verification.
func BenchmarkParse(b *testing.B) {
	token := sign(jose.ES256, assertion, map[jose.HeaderKey]any{"kid": "1", "typ": "JWT"})
	algs := []jose.SignatureAlgorithm{jose.ES256}
	b.Run("signet", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := jwt.Parse(token, algs)
			require.NoError(b, err)
		}
	})
	b.Run("signet-claims", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := jwt.DecodeClaims([]byte(assertion))
			require.NoError(b, err)
		}
	})
	b.Run("go-jose", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := jose.ParseSignedCompact(token, algs)
			require.NoError(b, err)
		}
	})
}

func verifyRaw(alg jose.SignatureAlgorithm, key any, input, signature []byte) bool {
	sum := sha256.Sum256(input)
	half := len(signature) / 2
	switch alg {
	case jose.ES384:
		sum := sha512.Sum384(input)
		return ecdsa.Verify(key.(*ecdsa.PublicKey), sum[:], new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
	case jose.RS256:
		return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, sum[:], signature) == nil
	case jose.PS256:
		return rsa.VerifyPSS(key.(*rsa.PublicKey), crypto.SHA256, sum[:], signature, nil) == nil
	case jose.EdDSA:
		return ed25519.Verify(key.(ed25519.PublicKey), input, signature)
	}
	return ecdsa.Verify(key.(*ecdsa.PublicKey), sum[:], new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
}
