package pkcs12_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs12"
)

func TestOpenReturnsAllProblemsOfAConfig(t *testing.T) {
	t.Parallel()
	_, err := pkcs12.Open(t.Context(), pkcs12.Config{})
	require.ErrorContains(t, err, "Storage is missing")
	require.ErrorContains(t, err, "Password is missing")
	_, err = pkcs12.Open(t.Context(), pkcs12.Config{Iterations: 9_999, RSABits: 1024, Password: secret("")})
	require.ErrorContains(t, err, "Iterations")
	require.ErrorContains(t, err, "RSABits")
	require.ErrorContains(t, err, "password is empty")
	for given, says := range map[string]string{
		"with a line break\n": "line break", "\xff": "UTF-8", strings.Repeat("x", 1025): "longer than 1024",
	} {
		c := config(&shared{})
		c.Password = secret(given)
		_, err := pkcs12.Open(t.Context(), c)
		require.ErrorContains(t, err, says)
	}
	c := config(&shared{})
	cause := errors.New("no such file")
	c.Password = func() ([]byte, error) { return nil, cause }
	_, err = pkcs12.Open(t.Context(), c)
	require.ErrorIs(t, err, cause)
}

func TestAFileIsCreatedOnlyIfAsked(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	c := config(pkcs12.File(path))
	c.Create = false
	_, err := pkcs12.Open(t.Context(), c)
	require.ErrorContains(t, err, "Create is not set")
	require.NoFileExists(t, path)
	require.Empty(t, keys(t, open(t, pkcs12.File(path))))
	require.FileExists(t, path)
	_, err = pkcs12.Open(t.Context(), c)
	require.NoError(t, err)
}

func TestAWrongPasswordChangesNothing(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	generate(t, open(t, pkcs12.File(path)), "key", "ES256")
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, wrong := range []string{"wrong", password + " ", strings.ToUpper(password)} {
		c := config(pkcs12.File(path))
		c.Password = secret(wrong)
		_, err := pkcs12.Open(t.Context(), c)
		require.ErrorIs(t, err, pkcs12.ErrPassword)
		require.NotContains(t, err.Error(), wrong+"\"")
	}
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// A file with each kind of content, and a vault that has read it, so that keys are derived once.
func written(tb testing.TB) (*shared, *pkcs12.Vault) {
	storage := &shared{}
	vault := open(tb, storage)
	key := generate(tb, vault, "signs", "ES256")
	generate(tb, vault, "agrees", "ECDH-ES")
	require.NoError(tb, vault.SetCertificates(tb.Context(), key.ID, newAuthority(tb, "CA", nil).chain(tb, key.Public, time.Now())))
	return storage, vault
}

func TestATruncatedFileIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	storage, _ := written(t)
	for length := range len(storage.blob) {
		truncated := holding(storage.blob[:length])
		_, err := pkcs12.Open(t.Context(), config(truncated))
		switch {
		case length == 0:
			require.EqualError(t, err, "pkcs12: the file is empty")
		default:
			require.ErrorContains(t, err, "truncated")
		}
		require.Zero(t, truncated.saves)
	}
}

func TestADamagedFileIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	storage, vault := written(t)
	whole, saves := bytes.Clone(storage.blob), storage.saves
	for i := range whole {
		storage.blob[i] ^= 0x81
		_, err := vault.Keys(t.Context())
		require.Error(t, err, "byte %d", i)
		_, err = vault.Generate(t.Context(), "key", "EdDSA")
		require.Error(t, err, "byte %d", i)
		storage.blob[i] ^= 0x81
	}
	require.Equal(t, saves, storage.saves)
	require.Equal(t, whole, storage.blob)
	require.Len(t, keys(t, vault), 2)
}

func TestWhatIsNoPKCS12IsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		blob []byte
		says string
	}{
		"text":            {[]byte("hello"), "is not PKCS#12"},
		"PEM":             {[]byte("-----BEGIN PRIVATE KEY-----"), "is PEM"},
		"JKS":             {[]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02"), "keytool -importkeystore"},
		"BER":             {[]byte{0x30, 0x80, 0, 0}, "BER"},
		"nothing inside":  {[]byte{0x30, 0}, "version 3"},
		"too long":        {append([]byte{0x30, 0x84, 1, 0, 0, 0}, make([]byte, 1<<24)...), "longer than"},
		"followed":        {append(pkcs12.SealSafe(password, pkcs12.Sequence()), 0), "follows"},
		"length of zeros": {[]byte{0x30, 0x82, 0, 1, 0}, "is not PKCS#12"},
		"huge length":     {[]byte{0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "truncated"},
		"public key file": {pkcs12.Sequence(pkcs12.Sequence()), "version 3"},
		"signed with public keys": {pkcs12.Sequence([]byte{2, 1, 3}, pkcs12.Sequence([]byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0xd, 1, 7, 2})),
			"that a password protects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storage := holding(tc.blob)
			_, err := pkcs12.Open(t.Context(), config(storage))
			require.ErrorContains(t, err, tc.says)
			require.Zero(t, storage.saves)
		})
	}
}

func TestAFileThatIsWrongInsideIsRefused(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "CA", nil)
	one, other := newP256(t), newP256(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	require.NoError(t, err)
	leaf := ca.chain(t, other.Public(), time.Now())[0]
	key := func(private any, name string) []byte {
		return pkcs12.Bag(false, encode(t, private), name, []byte(name))
	}
	encrypted := func(bags ...[]byte) []byte { return pkcs12.SealBags(password, pkcs12.Sequence(bags...), true) }
	for name, tc := range map[string]struct {
		blob []byte
		says string
	}{
		"a private key in clear":      {pkcs12.SealBags(password, pkcs12.Sequence(key(one, "a")), false), "not encrypted"},
		"one key twice":               {encrypted(key(one, "a"), key(one, "b")), `twice, as "a" and "b"`},
		"a certificate of another":    {encrypted(key(one, "a"), pkcs12.Bag(true, leaf.Raw, "a", []byte("a"))), `beside the key "a" is not for that key`},
		"an RSA key of 1024 bits":     {encrypted(key(weak, "weak")), `private key "weak"`},
		"a key on P-521":              {encrypted(key(p521, "p521")), `private key "p521"`},
		"no private key":              {encrypted(pkcs12.Bag(false, []byte{0x30, 0}, "a", nil)), "no PKCS#8"},
		"a private key without end":   {encrypted(pkcs12.Bag(false, pkcs12.Sequence(make([]byte, 5000)), "a", nil)), "longer than"},
		"no certificate":              {encrypted(pkcs12.Bag(true, []byte{0x30, 0}, "a", nil)), `certificate "a"`},
		"no bags":                     {pkcs12.SealBags(password, []byte("x"), true), "damaged"},
		"no safe":                     {pkcs12.SealSafe(password, []byte("x")), "damaged"},
		"more entries than any vault": {encrypted(bytes.Repeat(pkcs12.Bag(true, leaf.Raw, "", nil), 1001)), "too many"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storage := holding(tc.blob)
			_, err := pkcs12.Open(t.Context(), config(storage))
			require.ErrorContains(t, err, tc.says)
			require.Zero(t, storage.saves)
		})
	}
}

func TestHostileWorkIsRefused(t *testing.T) {
	t.Parallel()
	storage, _ := written(t)
	// The iterations of the MAC, 20,000, are the last two bytes of the file.
	require.Equal(t, []byte{2, 2, 0x4e, 0x20}, storage.blob[len(storage.blob)-4:])
	inflated := bytes.Clone(storage.blob)
	inflated = append(inflated[:len(inflated)-4], 2, 4, 0x7f, 0xff, 0xff, 0xff)
	inflated[3] += 2                                                     // the length of all
	mac := bytes.LastIndex(inflated, []byte{0x30, 0x31, 0x30, 0x0d}) - 1 // the length of the MacData, before its digest
	inflated[mac] += 2
	_, err := pkcs12.Open(t.Context(), config(holding(inflated)))
	require.ErrorContains(t, err, "too many iterations")
}

func newP256(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

func encode(tb testing.TB, private any) []byte {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(tb, err)
	return der
}

func TestAKeyWithoutAMarkOfItsUseServesAnyThatFits(t *testing.T) {
	t.Parallel()
	storage := holding(pkcs12.SealBags(password, pkcs12.Sequence(pkcs12.Bag(false, encode(t, newP256(t)), "né", nil)), true))
	vault := open(t, storage)
	key := keys(t, vault)[0]
	assert.Equal(t, key.ID, key.Label, "a name that is no label is not shown")
	private, err := vault.Open(t.Context(), key.ID)
	require.NoError(t, err)
	requireSigns(t, "ES256", private, key.Public)
	requireAgrees(t, private, key.Public)

	generate(t, vault, "another", "ES256")
	private, err = open(t, storage).Open(t.Context(), key.ID)
	require.NoError(t, err)
	requireSigns(t, "ES256", private, key.Public)
	requireAgrees(t, private, key.Public)
}
