package keystore_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

func encodePEM(private any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(private))})
}

func TestParsePEM(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			signer := newSigner(alg)
			key, err := keystore.ParsePEM(append(encodePEM(signer), "\n \n"...), alg)
			require.NoError(t, err)
			token, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
			require.NoError(t, err)
			verify(t, alg, signer.Public(), token)
		})
	}
}

func TestParsePEMRefusals(t *testing.T) {
	t.Parallel()
	ec := newSigner(jose.ES256).(*ecdsa.PrivateKey)
	good := encodePEM(ec)
	for _, tc := range []struct {
		name string
		data []byte
		alg  jose.SignatureAlgorithm
		says string
	}{
		{"empty", nil, jose.ES256, "no PEM block"},
		{"DER", must(x509.MarshalPKCS8PrivateKey(ec)), jose.ES256, "no PEM block"},
		{"two keys", bytes.Repeat(good, 2), jose.ES256, "follows"},
		{"text behind", append(bytes.Clone(good), "text"...), jose.ES256, "follows"},
		{"SEC 1", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(ec))}), jose.ES256, "openssl pkcs8"},
		{"PKCS#1", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())}), jose.RS256, "openssl pkcs8"},
		{"encrypted", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}}), jose.ES256, "encrypted"},
		{"certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}), jose.ES256, `"CERTIFICATE"`},
		{"damaged", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{0x30, 1}}), jose.ES256, "PKCS#8"},
		{"key agreement only", encodePEM(must(ecdh.X25519().GenerateKey(rand.Reader))), jose.EdDSA, "does not sign"},
		{"wrong algorithm", good, jose.ES384, "P-384"},
		{"none", good, "none", `"none"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			key, err := keystore.ParsePEM(tc.data, tc.alg)
			require.ErrorContains(t, err, tc.says)
			assert.Nil(t, key)
		})
	}
}

func FuzzParsePEM(f *testing.F) {
	for i, alg := range algorithms {
		f.Add(encodePEM(newSigner(alg)), i)
	}
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"), 0)
	f.Fuzz(func(t *testing.T, data []byte, index int) {
		if index < 0 || index >= len(algorithms) {
			return
		}
		key, err := keystore.ParsePEM(data, algorithms[index])
		if err != nil {
			assert.Nil(t, key)
			return
		}
		token, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
		if err != nil {
			return // such as an RSA key whose numbers do not fit together
		}
		verify(t, algorithms[index], key.Public().Key, token)
	})
}
