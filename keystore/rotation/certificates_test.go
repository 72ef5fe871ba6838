package rotation_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/rotation"
)

// issue returns a chain for a public key, of an authority of the deployment, that is valid for 40 days.
func issue(t testing.TB, now time.Time, public crypto.PublicKey) []*x509.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "National CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 40),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	sign := func(template, parent *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, private)
		require.NoError(t, err)
		certificate, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return certificate
	}
	ca := sign(template, template, private.Public())
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Signet"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter}
	return []*x509.Certificate{sign(leaf, ca, public), ca}
}

// keySet returns the JSON Web Key Set of an instance as a relying party gets it.
func keySet(t testing.TB, k *rotation.Keystore) *jose.JSONWebKeySet {
	t.Helper()
	public, err := k.Keys(t.Context())
	require.NoError(t, err)
	document, err := json.Marshal(jose.JSONWebKeySet{Keys: public})
	require.NoError(t, err)
	set := &jose.JSONWebKeySet{}
	require.NoError(t, json.Unmarshal(document, set))
	return set
}

func TestACertificateIsRequestedAndPublished(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.running(t, with(all...))
	other := w.running(t, with(all...))
	for _, info := range list(t, k) {
		if info.Role == keystore.BindingCA {
			continue
		}
		request, err := k.CSR(t.Context(), info.KeyID, pkix.Name{CommonName: "id.example"})
		if info.Role == keystore.RequestDecryption {
			require.ErrorIs(t, err, rotation.ErrState, "it cannot sign")
		} else {
			require.NoError(t, err, info.Algorithm)
			block, rest := pem.Decode(request)
			require.Empty(t, rest)
			csr, err := x509.ParseCertificateRequest(block.Bytes)
			require.NoError(t, err)
			require.NoError(t, csr.CheckSignature())
			require.Equal(t, "id.example", csr.Subject.CommonName)
		}
		public := keySet(t, k).Key(info.KeyID)[0].Key
		chain := issue(t, w.clock.Now(), public)
		require.NoError(t, k.SetCertificate(t.Context(), info.KeyID, chain))
		for _, instance := range []*rotation.Keystore{k, other} {
			require.Eventually(t, func() bool { return len(keySet(t, instance).Key(info.KeyID)[0].Certificates) == 2 }, time.Minute, time.Millisecond)
			jwk := keySet(t, instance).Key(info.KeyID)[0]
			sum := sha256.Sum256(chain[0].Raw)
			require.Equal(t, chain, jwk.Certificates)
			require.Equal(t, sum[:], jwk.CertificateThumbprintSHA256)
		}
	}
	_, err := k.CSR(t.Context(), "unknown", pkix.Name{})
	require.ErrorIs(t, err, rotation.ErrNoKey)
}

func TestACertificateThatIsNotRightChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t, with(es256, rotation.Spec{Role: keystore.BindingCA, Algorithm: "ES256"}))
	kid := signs(t, k)
	public := keySet(t, k).Key(kid)[0].Key
	good := issue(t, w.clock.Now(), public)
	require.NoError(t, k.SetCertificate(t.Context(), kid, good))
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, chain := range map[string][]*x509.Certificate{
		"none": nil, "another key": issue(t, w.clock.Now(), other.Public()), "expired": issue(t, w.clock.Now().AddDate(-1, 0, 0), public),
		"not yet valid": issue(t, w.clock.Now().Add(2*time.Hour), public), "not in order": {good[1], good[0]},
		"another issuer": {good[0], issue(t, w.clock.Now(), public)[1]},
	} {
		require.ErrorIs(t, k.SetCertificate(t.Context(), kid, chain), keystore.ErrCertificate, name)
		require.Equal(t, good, keySet(t, k).Key(kid)[0].Certificates, name)
	}
	ca, err := k.Certificates(t.Context(), keystore.BindingCA, jose.ES256)
	require.NoError(t, err)
	for _, info := range list(t, k) {
		if info.Role == keystore.BindingCA {
			err := k.SetCertificate(t.Context(), info.KeyID, issue(t, w.clock.Now(), ca[0].PublicKey))
			require.ErrorContains(t, err, "not that of an authority")
		}
	}
}

func TestTheBindingAuthorityHasACertificateAndIsNotPublished(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t, with(es256, rotation.Spec{Role: keystore.BindingCA, Algorithm: "ES256"}), func(c *rotation.Config) {
		c.Subject = pkix.Name{CommonName: "National ID"}
	})
	chain, err := k.Certificates(t.Context(), keystore.BindingCA, jose.ES256)
	require.NoError(t, err)
	require.Len(t, chain, 1)
	require.True(t, chain[0].IsCA)
	require.Equal(t, "National ID", chain[0].Subject.CommonName)
	key, err := k.Signer(t.Context(), keystore.BindingCA, jose.ES256)
	require.NoError(t, err)
	require.Len(t, published(t, k), 1)
	require.NotContains(t, published(t, k), key.ID())

	wallet, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(7), NotBefore: w.clock.Now(), NotAfter: w.clock.Now().Add(time.Hour)}
	der, err := key.CreateCertificate(t.Context(), template, wallet.Public())
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(chain[0])
	_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: w.clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	require.NoError(t, err)
}

func TestKeysSignTheirOwnCertificatesIfAsked(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t, with(all...), func(c *rotation.Config) { c.SelfSigned = true })
	for _, jwk := range keySet(t, k).Keys {
		if jwk.Use == "enc" {
			require.Empty(t, jwk.Certificates, "it cannot sign")
			continue
		}
		require.Len(t, jwk.Certificates, 1)
		require.NoError(t, jwk.Certificates[0].CheckSignature(jwk.Certificates[0].SignatureAlgorithm, jwk.Certificates[0].RawTBSCertificate, jwk.Certificates[0].Signature))
		require.False(t, jwk.Certificates[0].IsCA)
	}
	require.Empty(t, k.Health(t.Context()).Problems)
}

func TestACertificateThatExpiresIsAnnouncedAndThenLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld()
	out := &log{}
	k := w.running(t, func(c *rotation.Config) { c.Logger = out.logger() })
	kid := signs(t, k)
	require.NoError(t, k.SetCertificate(t.Context(), kid, issue(t, w.clock.Now(), keySet(t, k).Key(kid)[0].Key)))
	require.NotContains(t, out.String(), "expires soon")
	require.Empty(t, k.Health(t.Context()).Problems)

	w.clock.Advance(11 * 24 * time.Hour)
	require.Eventually(t, func() bool { return len(k.Health(t.Context()).Problems) == 1 }, time.Minute, time.Millisecond)
	require.Contains(t, k.Health(t.Context()).Problems[0], "expires at 2026-02-10")
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "expires soon") }, time.Minute, time.Millisecond)
	require.True(t, k.Health(t.Context()).Ready)

	w.clock.Advance(30 * 24 * time.Hour)
	require.Eventually(t, func() bool { return len(keySet(t, k).Key(kid)[0].Certificates) == 0 }, time.Minute, time.Millisecond)
	require.Equal(t, kid, signs(t, k), "the key goes on")
	require.True(t, k.Health(t.Context()).Ready)
	require.ErrorIs(t, w.instance(t).Start(t.Context()), keystore.ErrCertificate, "at start it is an error")
}
