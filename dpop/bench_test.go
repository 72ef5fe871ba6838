package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
)

// BenchmarkVerify sets beside each other, for a proof with ath in each algorithm, the hash and verification of its
// signature alone (raw), and all that Verify does (signet).
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA} {
		proof := foreignProof(alg, signer(alg), map[string]any{
			"jti": rand.Text(), "htm": "POST", "htu": tokenURL, "iat": start.Unix(), "ath": tokenHash(accessToken),
		})
		b.Run(string(alg)+"/raw", func(b *testing.B) {
			dot := strings.LastIndexByte(proof, '.')
			input, signature := []byte(proof[:dot]), must(base64.RawURLEncoding.DecodeString(proof[dot+1:]))
			b.ReportAllocs()
			for b.Loop() {
				require.True(b, verifyRaw(signer(alg).Public(), input, signature))
			}
		})
		b.Run(string(alg)+"/signet", func(b *testing.B) {
			v := newVerifier(b, newClock(), nil)
			r := dpop.Request{Header: header(proof), Method: "POST", URL: tokenURL, AccessToken: accessToken}
			b.ReportAllocs()
			for b.Loop() {
				_, err := v.Verify(r)
				require.NoError(b, err)
			}
		})
	}
}

func verifyRaw(key crypto.PublicKey, input, signature []byte) bool {
	sum := sha256.Sum256(input)
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(key, sum[:], r, s)
	case *rsa.PublicKey:
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], signature, nil) == nil
	default:
		return ed25519.Verify(key.(ed25519.PublicKey), input, signature)
	}
}

// BenchmarkConsume is the one step that needs the store, here one in memory.
func BenchmarkConsume(b *testing.B) {
	v := newVerifier(b, newClock(), nil)
	proof, err := v.Verify(tokenRequest(newDraft("POST", tokenURL, start).sign()))
	require.NoError(b, err)
	require.NoError(b, proof.Consume(b.Context()))
	b.ReportAllocs()
	for b.Loop() {
		require.Error(b, proof.Consume(b.Context()))
	}
}

// BenchmarkNonce is what a demand for nonces adds to a proof.
func BenchmarkNonce(b *testing.B) {
	n := newNonces(b, newClock(), secretA, secretB)
	nonce := n.Current()
	b.ReportAllocs()
	for b.Loop() {
		require.True(b, n.Check(nonce))
	}
}
