package keystore_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestParsePrivateKeyPEM(t *testing.T) {
	t.Parallel()
	ec, edwards := newSigner(jose.ES256).(*ecdsa.PrivateKey), newSigner(jose.EdDSA)
	sec1 := block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec)))
	agreement := must(ecdh.P256().GenerateKey(rand.Reader))
	for name, tc := range map[string]struct {
		data   []byte
		public crypto.PublicKey
	}{
		"PKCS#8 with EC":      {encodePEM(ec), ec.Public()},
		"PKCS#8 with RSA":     {encodePEM(rsaKey()), rsaKey().Public()},
		"PKCS#8 with Ed25519": {encodePEM(edwards), edwards.Public()},
		"PKCS#8 of an agreement key": {encodePEM(agreement),
			must(ecdsa.ParseUncompressedPublicKey(ec.Curve, agreement.PublicKey().Bytes()))},
		"SEC 1":                 {sec1, ec.Public()},
		"SEC 1 with parameters": {append(block("EC PARAMETERS", []byte{6, 0}), sec1...), ec.Public()},
		"PKCS#1":                {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())), rsaKey().Public()},
		"text around it":        {append([]byte("private key:\n"), append(encodePEM(ec), "\n \n"...)...), ec.Public()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := keystore.ParsePrivateKeyPEM(tc.data)
			require.NoError(t, err)
			require.Implements(t, (*crypto.Signer)(nil), key)
			assert.Equal(t, tc.public, key.(crypto.Signer).Public())
		})
	}
}

func TestParsePrivateKeyPEMRefusals(t *testing.T) {
	t.Parallel()
	ec := newSigner(jose.ES256).(*ecdsa.PrivateKey)
	good := encodePEM(ec)
	for name, tc := range map[string]struct {
		data []byte
		says string
	}{
		"empty":                {nil, "no private key"},
		"DER":                  {must(x509.MarshalPKCS8PrivateKey(ec)), "no private key"},
		"parameters alone":     {block("EC PARAMETERS", []byte{6, 0}), "no private key"},
		"two keys":             {bytes.Repeat(good, 2), "follows"},
		"text behind":          {append(bytes.Clone(good), "text"...), "follows"},
		"encrypted PKCS#8":     {block("ENCRYPTED PRIVATE KEY", []byte{1}), "encrypted"},
		"encrypted as in 1993": {[]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), "encrypted"},
		"a certificate":        {block("CERTIFICATE", []byte{1}), `"CERTIFICATE"`},
		"damaged":              {block("PRIVATE KEY", []byte{0x30, 1}), "parse"},
		"SEC 1 as PKCS#8":      {block("PRIVATE KEY", must(x509.MarshalECPrivateKey(ec))), "parse"},
		"an unknown algorithm": {block("DSA PRIVATE KEY", []byte{1}), `"DSA PRIVATE KEY"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := keystore.ParsePrivateKeyPEM(tc.data)
			require.ErrorContains(t, err, tc.says)
			assert.Nil(t, key)
		})
	}
}

func newCertificate(name string) []byte {
	signer := newSigner(jose.ES256)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}}
	return must(x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer))
}

func TestParseCertificatesPEM(t *testing.T) {
	t.Parallel()
	first, second := newCertificate("first"), newCertificate("second")
	data := bytes.Join([][]byte{[]byte("subject=CN = first\n"), block("CERTIFICATE", first), []byte("\n"), block("CERTIFICATE", second), []byte("\n\n")}, nil)
	chain, err := keystore.ParseCertificatesPEM(data)
	require.NoError(t, err)
	require.Len(t, chain, 2)
	assert.Equal(t, [][]byte{first, second}, [][]byte{chain[0].Raw, chain[1].Raw})

	for name, tc := range map[string]struct {
		data []byte
		says string
	}{
		"empty":               {nil, "no certificate"},
		"space":               {[]byte(" \n"), "no certificate"},
		"DER":                 {first, "no PEM"},
		"text behind":         {append(bytes.Clone(data), "text"...), "follows certificate 2"},
		"a private key":       {append(bytes.Clone(data), encodePEM(newSigner(jose.ES256))...), `"PRIVATE KEY"`},
		"damaged":             {append(bytes.Clone(data), block("CERTIFICATE", first[:20])...), "certificate 3"},
		"a certificate twice": {block("CERTIFICATE", append(bytes.Clone(first), second...)), "certificate 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chain, err := keystore.ParseCertificatesPEM(tc.data)
			require.ErrorContains(t, err, tc.says)
			assert.Nil(t, chain)
		})
	}
}

func FuzzParsePrivateKeyPEM(f *testing.F) {
	ec := newSigner(jose.ES256).(*ecdsa.PrivateKey)
	f.Add(encodePEM(ec))
	f.Add(append(block("EC PARAMETERS", []byte{6, 0}), block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec)))...))
	f.Add(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := keystore.ParsePrivateKeyPEM(data)
		assert.Equal(t, err != nil, key == nil)
	})
}

func FuzzParseCertificatesPEM(f *testing.F) {
	f.Add(append(block("CERTIFICATE", newCertificate("first")), block("CERTIFICATE", newCertificate("second"))...))
	f.Fuzz(func(t *testing.T, data []byte) {
		chain, err := keystore.ParseCertificatesPEM(data)
		assert.Equal(t, err != nil, len(chain) == 0)
	})
}
