package pkcs12_test

import (
	"crypto"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs12"
)

func TestChainsAreKeptAsTheyWereSet(t *testing.T) {
	t.Parallel()
	storage := &shared{}
	vault := open(t, storage)
	root := newAuthority(t, "root", nil)
	between := newAuthority(t, "between", root)
	first, second, third := generate(t, vault, "first", "ES256"), generate(t, vault, "second", "PS256"), generate(t, vault, "third", "EdDSA")
	chains := map[string][]*x509.Certificate{
		first.ID:  between.chain(t, first.Public, time.Now()),      // to the root
		second.ID: between.chain(t, second.Public, time.Now())[:2], // without it
		third.ID:  between.chain(t, third.Public, time.Now())[:1],  // its own certificate alone
	}
	for id, chain := range chains {
		require.NoError(t, vault.SetCertificates(t.Context(), id, chain))
	}
	for _, vault := range []*pkcs12.Vault{vault, open(t, storage)} {
		for _, key := range keys(t, vault) {
			assert.Equal(t, chains[key.ID], key.Certificates, key.Label)
		}
	}

	renewed := root.chain(t, first.Public, time.Now())
	require.NoError(t, vault.SetCertificates(t.Context(), first.ID, renewed))
	chains[first.ID] = renewed
	for _, key := range keys(t, open(t, storage)) {
		assert.Equal(t, chains[key.ID], key.Certificates, key.Label)
	}
}

func TestTwoVersionsOfAnIssuerAreNotMixedUp(t *testing.T) {
	t.Parallel()
	storage := &shared{}
	vault := open(t, storage)
	between := newAuthority(t, "between", newAuthority(t, "root", nil))
	otherRoot := newAuthority(t, "other root", nil)
	template := newTemplate("between", time.Now())
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	crossed := sign(t, template, otherRoot.certificate, between.key.Public(), otherRoot.key)

	one, two := generate(t, vault, "one", "ES256"), generate(t, vault, "two", "ES256")
	chainOne := between.chain(t, one.Public, time.Now())[:2]
	chainTwo := []*x509.Certificate{between.chain(t, two.Public, time.Now())[0], crossed, otherRoot.certificate}
	require.NoError(t, vault.SetCertificates(t.Context(), one.ID, chainOne))
	require.NoError(t, vault.SetCertificates(t.Context(), two.ID, chainTwo))
	all := keys(t, open(t, storage))
	assert.Equal(t, chainOne, all[0].Certificates)
	assert.Equal(t, chainTwo, all[1].Certificates)
}

func TestAnIssuerThatChangedItsKeyStaysInTheChain(t *testing.T) {
	t.Parallel()
	storage := &shared{}
	vault := open(t, storage)
	before, after := newAuthority(t, "CA", nil), newAuthority(t, "CA", nil)
	template := newTemplate("CA", time.Now()) // "new with old" (RFC 4210): it has its own name as issuer
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	newWithOld := sign(t, template, before.certificate, after.key.Public(), before.key)
	key := generate(t, vault, "key", "ES256")
	chain := []*x509.Certificate{after.chain(t, key.Public, time.Now())[0], newWithOld, before.certificate}
	require.NoError(t, vault.SetCertificates(t.Context(), key.ID, chain))
	generate(t, vault, "another", "ES256")
	assert.Equal(t, chain, keys(t, open(t, storage))[0].Certificates)
}

func TestCertificatesThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	storage := &shared{}
	vault := open(t, storage)
	key, other := generate(t, vault, "key", "ES256"), generate(t, vault, "other", "ES256")
	ca, stranger := newAuthority(t, "CA", nil), newAuthority(t, "CA", nil)
	good := ca.chain(t, key.Public, time.Now())
	require.NoError(t, vault.SetCertificates(t.Context(), key.ID, good))
	saves := storage.saves
	for name, tc := range map[string]struct {
		chain []*x509.Certificate
		says  string
	}{
		"none":            {nil, "1 to 8 certificates"},
		"of another key":  {ca.chain(t, other.Public, time.Now()), "for another key"},
		"expired":         {ca.chain(t, key.Public, time.Now().Add(-2*time.Hour)), "expired at"},
		"not valid yet":   {ca.chain(t, key.Public, time.Now().Add(2*time.Hour)), "is not valid before"},
		"of another CA":   {[]*x509.Certificate{good[0], stranger.certificate}, "was not issued by"},
		"the wrong order": {[]*x509.Certificate{good[1], good[0]}, "for another key"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, vault.SetCertificates(t.Context(), key.ID, tc.chain), tc.says)
		})
	}
	assert.Equal(t, saves, storage.saves)
	assert.Equal(t, good, keys(t, vault)[0].Certificates)
}

func TestAnExpiredCertificateDoesNotKeepTheVaultFromOpening(t *testing.T) {
	t.Parallel()
	storage := &shared{}
	past := time.Now().Add(-48 * time.Hour)
	c := config(storage)
	c.Now = func() time.Time { return past }
	vault, err := pkcs12.Open(t.Context(), c)
	require.NoError(t, err)
	key := generate(t, vault, "key", "ES256")
	expired := newTemplate("self-signed", past)
	private, err := vault.Open(t.Context(), key.ID)
	require.NoError(t, err)
	chain := []*x509.Certificate{sign(t, expired, expired, key.Public, private.(crypto.Signer))}
	require.NoError(t, vault.SetCertificates(t.Context(), key.ID, chain))

	// It can be replaced therefore. Whoever uses the key looks with keystore.CheckCertificateTime.
	require.Equal(t, chain, keys(t, open(t, storage))[0].Certificates)
}
