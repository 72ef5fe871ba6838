package pkcs12_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs12"
)

// FuzzOpen opens files that anybody may have made, such as the truncated and the damaged.
func FuzzOpen(f *testing.F) {
	for _, name := range []string{"keytool.p12", "legacy.p12", "pbmac1.p12"} {
		blob, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(blob)
		f.Add(blob[:len(blob)/2])
	}
	f.Add(pkcs12.SealBags(fixturePassword, pkcs12.Sequence(), true))
	f.Fuzz(func(t *testing.T, blob []byte) { openHostile(t, blob) })
}

// FuzzSafe opens files whose MAC is right, and the content of which is what somebody with the password made up.
func FuzzSafe(f *testing.F) {
	for _, safe := range pkcs12.Safes(fixturePassword) {
		f.Add(safe)
	}
	f.Fuzz(func(t *testing.T, safe []byte) { openHostile(t, pkcs12.SealSafe(fixturePassword, safe)) })
}

// FuzzBags goes one level deeper, to the private keys and certificates.
func FuzzBags(f *testing.F) {
	ca, private := newAuthority(f, "CA", nil), newP256(f)
	chain := ca.chain(f, private.Public(), time.Now())
	key := pkcs12.Bag(false, encode(f, private), "key", []byte("id"))
	leaf, issuer := pkcs12.Bag(true, chain[0].Raw, "key", []byte("id")), pkcs12.Bag(true, chain[1].Raw, "", nil)
	f.Add(pkcs12.Sequence())
	f.Add(pkcs12.Sequence(key))
	f.Add(pkcs12.Sequence(key, leaf, issuer))
	f.Add(pkcs12.Sequence(issuer, leaf, pkcs12.Bag(false, encode(f, newP256(f)), "other", nil)))
	f.Fuzz(func(t *testing.T, bags []byte) { openHostile(t, pkcs12.SealBags(fixturePassword, bags, true)) })
}

// openHostile opens a file. If that works, the file can be changed, and keeps what it had.
func openHostile(t *testing.T, blob []byte) {
	t.Helper()
	storage := holding(blob)
	c := config(storage)
	c.Password = secret(fixturePassword)
	vault, err := pkcs12.Open(t.Context(), c)
	if err != nil {
		assert.Nil(t, vault)
		assert.Zero(t, storage.saves)
		assert.Equal(t, blob, storage.blob)
		return
	}
	before := keys(t, vault)
	for _, key := range before {
		_, err := vault.Open(t.Context(), key.ID)
		require.NoError(t, err)
	}
	added, err := vault.Generate(t.Context(), "added", "EdDSA")
	require.NoError(t, err)
	again, err := pkcs12.Open(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, append(before, added), keys(t, again))
}
