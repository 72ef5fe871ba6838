package keystore_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

var today = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// certificate makes what a CA would: a certificate for the public key, from yesterday until tomorrow.
func certificate(t testing.TB, issuer *keystore.Key, public crypto.PublicKey, isCA bool) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Signet"}, NotBefore: today.AddDate(0, 0, -1), NotAfter: today.AddDate(0, 0, 1),
		IsCA: isCA, BasicConstraintsValid: true,
	}
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	der, err := issuer.CreateCertificate(t.Context(), template, public)
	require.NoError(t, err)
	return must(x509.ParseCertificate(der))
}

func newKey(t testing.TB, alg jose.SignatureAlgorithm) *keystore.Key {
	t.Helper()
	key, err := keystore.NewKey(alg, newSigner(alg))
	require.NoError(t, err)
	return key
}

func TestAKeyIsPublishedWithItsCertificates(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		ca := newKey(t, alg)
		root := certificate(t, ca, ca.Public().Key, true)
		ca = must(ca.WithCertificates([]*x509.Certificate{root}, today))
		key := newKey(t, jose.ES256)
		chain := []*x509.Certificate{certificate(t, ca, key.Public().Key, false), root}
		certified, err := key.WithCertificates(chain, today)
		require.NoError(t, err)

		var jwk map[string]any
		require.NoError(t, json.Unmarshal(must(json.Marshal(certified.Public())), &jwk))
		sum := sha256.Sum256(chain[0].Raw)
		require.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:]), jwk["x5t#S256"])
		require.Equal(t, []any{base64.StdEncoding.EncodeToString(chain[0].Raw), base64.StdEncoding.EncodeToString(root.Raw)}, jwk["x5c"])
		require.Equal(t, key.ID(), jwk["kid"])
		require.Equal(t, chain, certified.Certificates())
		require.Empty(t, key.Certificates(), "the key itself is as it was")

		certified.Certificates()[0] = nil
		certified.Public().Certificates[0] = nil
		chain[0] = nil
		require.NotContains(t, certified.Certificates(), (*x509.Certificate)(nil), "nobody changes them")
	}
}

func TestADecryptionKeyIsPublishedWithItsCertificates(t *testing.T) {
	t.Parallel()
	ca := newKey(t, jose.ES256)
	root := certificate(t, ca, ca.Public().Key, true)
	ca = must(ca.WithCertificates([]*x509.Certificate{root}, today))
	for _, alg := range keystore.DecryptionAlgorithms() {
		key := must(keystore.GenerateDecryptionKey(alg))
		chain := []*x509.Certificate{certificate(t, ca, key.Public().Key, false)}
		certified, err := key.WithCertificates(chain, today)
		require.NoError(t, err)
		require.Equal(t, chain, certified.Public().Certificates)
		_, err = key.WithCertificates([]*x509.Certificate{root}, today)
		require.ErrorIs(t, err, keystore.ErrCertificate)
		content, err := keystore.Decrypt(t.Context(), encrypt(t, alg, jose.A128GCM, certified.Public().Key, "", "secret", ""), certified)
		require.NoError(t, err)
		require.Equal(t, "secret", string(content))
	}
}

func TestCertificatesThatAreNotRightAreRefused(t *testing.T) {
	t.Parallel()
	key, other := newKey(t, jose.ES256), newKey(t, jose.ES384)
	own, others := certificate(t, key, key.Public().Key, true), certificate(t, other, other.Public().Key, true)
	for name, tc := range map[string]struct {
		chain []*x509.Certificate
		now   time.Time
		says  string
	}{
		"none":           {nil, today, "1 to 8"},
		"nil":            {[]*x509.Certificate{nil}, today, "1 to 8"},
		"too many":       {make([]*x509.Certificate, 9), today, "1 to 8"},
		"another key":    {[]*x509.Certificate{others}, today, "another key"},
		"another issuer": {[]*x509.Certificate{own, others}, today, "not issued by the next"},
		"expired":        {[]*x509.Certificate{own}, today.AddDate(0, 0, 2), "expired at 2026-03-02"},
		"not yet valid":  {[]*x509.Certificate{own}, today.AddDate(0, 0, -2), "not valid before 2026-02-28"},
	} {
		_, err := key.WithCertificates(tc.chain, tc.now)
		require.ErrorIs(t, err, keystore.ErrCertificate, name)
		require.ErrorContains(t, err, tc.says, name)
	}
}

func TestAKeyWithoutACertificateIssuesNoneForOthers(t *testing.T) {
	t.Parallel()
	key := newKey(t, jose.ES256)
	_, err := key.CreateCertificate(t.Context(), &x509.Certificate{SerialNumber: big.NewInt(1)}, newKey(t, jose.ES256).Public().Key)
	require.ErrorIs(t, err, keystore.ErrCertificate)
}

func TestACertificateRequestIsSignedByItsKey(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		key := newKey(t, alg)
		der, err := key.CreateCertificateRequest(t.Context(), &x509.CertificateRequest{Subject: pkix.Name{CommonName: "id.example"}})
		require.NoError(t, err)
		request := must(x509.ParseCertificateRequest(der))
		require.NoError(t, request.CheckSignature())
		require.Equal(t, key.Public().Key, request.PublicKey)
		require.Equal(t, alg == jose.PS256, request.SignatureAlgorithm == x509.SHA256WithRSAPSS, "one RSA key signs in one way")
	}
}
