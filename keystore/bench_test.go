package keystore_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

// payload has the size of an ID Token's claims.
var payload = []byte(`{"iss":"https://id.example","sub":"8f1c2b4e6a908d7c5e3f1a2b4c6d8e0f","aud":"health-portal","exp":1893456000,` +
	`"iat":1893455400,"auth_time":1893455390,"nonce":"n-0S6_WzA2MjaWQgdG9rZW4gbm9uY2U","acr":"urn:example:acr:otp",` +
	`"amr":["otp"],"at_hash":"77QmUPtjPfzWtF2AnpK9RQ"}`)

// BenchmarkSign sets beside each other, for each algorithm, a hash and signature alone (raw), a Key (signet), and
// go-jose's signer over the same crypto.Signer (go-jose).
func BenchmarkSign(b *testing.B) {
	for _, alg := range algorithms {
		signer := newSigner(alg)
		b.Run(string(alg)+"/raw", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := rawSigner{alg, signer}.sign(payload)
				require.NoError(b, err)
			}
		})
		b.Run(string(alg)+"/signet", func(b *testing.B) { benchmarkKey(b, alg, signer) })
		b.Run(string(alg)+"/go-jose", func(b *testing.B) { benchmarkGoJose(b, alg, signer) })
	}
}

// BenchmarkOverhead takes the signature out of BenchmarkSign: the signer has it ready. What remains is the hash and the
// work of the library.
func BenchmarkOverhead(b *testing.B) {
	for _, alg := range algorithms {
		signer := newSigner(alg)
		signature, err := rawSigner{alg, signer}.sign(payload)
		require.NoError(b, err)
		ready := faulty{Signer: signer, signature: signature}
		b.Run(string(alg)+"/signet", func(b *testing.B) { benchmarkKey(b, alg, ready) })
		b.Run(string(alg)+"/go-jose", func(b *testing.B) { benchmarkGoJose(b, alg, ready) })
	}
}

func benchmarkKey(b *testing.B, alg jose.SignatureAlgorithm, signer crypto.Signer) {
	key, err := keystore.NewKey(alg, signer)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, err := key.Sign(b.Context(), "JWT", payload)
		require.NoError(b, err)
	}
}

func benchmarkGoJose(b *testing.B, alg jose.SignatureAlgorithm, signer crypto.Signer) {
	opts := (&jose.SignerOptions{}).WithType("JWT")
	joseSigner, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: rawSigner{alg, signer}}, opts)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		jws, err := joseSigner.Sign(payload)
		require.NoError(b, err)
		_, err = jws.CompactSerialize()
		require.NoError(b, err)
	}
}

// rawSigner is the least that signs, and the same as a jose.OpaqueSigner.
type rawSigner struct {
	alg    jose.SignatureAlgorithm
	signer crypto.Signer
}

func (r rawSigner) sign(input []byte) ([]byte, error) {
	sum := sha256.Sum256(input)
	switch r.alg {
	case jose.ES384:
		sum := sha512.Sum384(input)
		return r.signer.Sign(rand.Reader, sum[:], crypto.SHA384)
	case jose.PS256:
		return r.signer.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	case jose.EdDSA:
		return r.signer.Sign(rand.Reader, input, crypto.Hash(0))
	}
	return r.signer.Sign(rand.Reader, sum[:], crypto.SHA256)
}

func (r rawSigner) Public() *jose.JSONWebKey {
	return &jose.JSONWebKey{Key: r.signer.Public(), KeyID: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}
}

func (r rawSigner) Algs() []jose.SignatureAlgorithm { return []jose.SignatureAlgorithm{r.alg} }

func (r rawSigner) SignPayload(input []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
	signature, err := r.sign(input)
	if err != nil || (alg != jose.ES256 && alg != jose.ES384) {
		return signature, err
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &rs); err != nil {
		return nil, err
	}
	size := 32
	if alg == jose.ES384 {
		size = 48
	}
	out := make([]byte, 2*size)
	rs.R.FillBytes(out[:size])
	rs.S.FillBytes(out[size:])
	return out, nil
}
