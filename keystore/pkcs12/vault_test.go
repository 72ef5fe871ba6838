package pkcs12_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs12"
)

var signatureAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.PS256, jose.RS256, jose.EdDSA}

func TestKeysOfEveryAlgorithmAreThereAfterARestart(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	vault := open(t, pkcs12.File(path))
	made := map[string]keystore.VaultKey{}
	for _, alg := range signatureAlgorithms {
		made[string(alg)] = generate(t, vault, "token-signing "+string(alg), string(alg))
	}
	for _, alg := range []string{"RSA-OAEP-256", "ECDH-ES"} {
		made[alg] = generate(t, vault, "request-decryption "+alg, alg)
	}

	again, err := pkcs12.Open(t.Context(), pkcs12.Config{Storage: pkcs12.File(path), Password: secret(password)})
	require.NoError(t, err)
	require.Len(t, keys(t, again), len(made))
	for _, key := range keys(t, again) {
		assert.Contains(t, made, key.Label[strings.LastIndex(key.Label, " ")+1:])
		assert.Equal(t, made[key.Label[strings.LastIndex(key.Label, " ")+1:]], key)
	}
	for _, alg := range signatureAlgorithms {
		private, err := again.Open(t.Context(), made[string(alg)].ID)
		require.NoError(t, err)
		requireSigns(t, alg, private, made[string(alg)].Public)
	}
	private, err := again.Open(t.Context(), made["RSA-OAEP-256"].ID)
	require.NoError(t, err)
	requireDecrypts(t, private)
	private, err = again.Open(t.Context(), made["ECDH-ES"].ID)
	require.NoError(t, err)
	requireAgrees(t, private, made["ECDH-ES"].Public)
}

// requireSigns signs with the private key as the rest of Signet does, and verifies with go-jose.
func requireSigns(t *testing.T, alg jose.SignatureAlgorithm, private crypto.PrivateKey, public crypto.PublicKey) {
	t.Helper()
	require.Implements(t, (*crypto.Signer)(nil), private)
	key, err := keystore.NewKey(alg, private.(crypto.Signer))
	require.NoError(t, err)
	token, err := key.Sign(t.Context(), "JWT", []byte(`{"sub":"1"}`))
	require.NoError(t, err)
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	require.NoError(t, err)
	payload, err := parsed.Verify(public)
	require.NoError(t, err)
	require.JSONEq(t, `{"sub":"1"}`, string(payload))
}

func requireDecrypts(t *testing.T, private crypto.PrivateKey) {
	t.Helper()
	require.Implements(t, (*crypto.Decrypter)(nil), private)
	decrypter := private.(crypto.Decrypter)
	public := decrypter.Public().(*rsa.PublicKey)
	encrypted, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, []byte("content key"), nil)
	require.NoError(t, err)
	clear, err := decrypter.Decrypt(rand.Reader, encrypted, &rsa.OAEPOptions{Hash: crypto.SHA256})
	require.NoError(t, err)
	require.Equal(t, "content key", string(clear))
}

func requireAgrees(t *testing.T, private crypto.PrivateKey, public crypto.PublicKey) {
	t.Helper()
	require.Implements(t, (*keystore.ECDHKey)(nil), private)
	key := private.(keystore.ECDHKey)
	require.Equal(t, public, key.Public())
	other, err := ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	own, err := key.Public().(*ecdsa.PublicKey).ECDH()
	require.NoError(t, err)
	want, err := other.ECDH(own)
	require.NoError(t, err)
	got, err := key.ECDH(t.Context(), other.PublicKey())
	require.NoError(t, err)
	require.Equal(t, want, got)
	wrongCurve, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	_, err = key.ECDH(t.Context(), wrongCurve.PublicKey())
	require.Error(t, err)
}

func TestAKeyOnP256DoesWhatItWasMadeFor(t *testing.T) {
	t.Parallel()
	storage := &shared{}
	vault := open(t, storage)
	signing := generate(t, vault, "signs", "ES256")
	agreement := generate(t, vault, "agrees", "ECDH-ES")
	for _, vault := range []*pkcs12.Vault{vault, open(t, storage)} {
		private, err := vault.Open(t.Context(), signing.ID)
		require.NoError(t, err)
		assert.NotImplements(t, (*keystore.ECDHKey)(nil), private)
		private, err = vault.Open(t.Context(), agreement.ID)
		require.NoError(t, err)
		assert.NotImplements(t, (*crypto.Signer)(nil), private)
	}
}

func TestTheIDIsTheHashOfThePublicKey(t *testing.T) {
	t.Parallel()
	key := generate(t, open(t, &shared{}), "label", "ES256")
	spki, err := x509.MarshalPKIXPublicKey(key.Public)
	require.NoError(t, err)
	sum := sha256.Sum256(spki)
	assert.Equal(t, hex.EncodeToString(sum[:]), key.ID)
	assert.Equal(t, "label", key.Label)
	assert.Empty(t, key.Certificates)
}

func TestGenerateRefusals(t *testing.T) {
	t.Parallel()
	storage := &shared{}
	vault := open(t, storage)
	for _, alg := range []string{"", "none", "HS256", "ES512", "RSA-OAEP", "RSA1_5", "es256"} {
		_, err := vault.Generate(t.Context(), "label", alg)
		require.ErrorIs(t, err, keystore.ErrUnsupported, alg)
	}
	for _, label := range []string{"", strings.Repeat("x", 129), "line\nbreak", "é"} {
		_, err := vault.Generate(t.Context(), label, "ES256")
		require.ErrorContains(t, err, "label", label)
	}
	assert.Equal(t, 1, storage.saves, "nothing but the empty file is written")
}

func TestRSAKeysHaveTheSizeThatIsConfigured(t *testing.T) {
	t.Parallel()
	for bits, want := range map[int]int{0: 3072, 2048: 2048} {
		c := config(&shared{})
		c.RSABits = bits
		vault, err := pkcs12.Open(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, want, generate(t, vault, "key", "PS256").Public.(*rsa.PublicKey).N.BitLen())
	}
}

func TestADeletedKeyIsGone(t *testing.T) {
	t.Parallel()
	storage := &shared{}
	vault, other := open(t, storage), open(t, storage)
	gone, stays := generate(t, vault, "gone", "ES256"), generate(t, vault, "stays", "ES256")
	_, err := other.Open(t.Context(), gone.ID)
	require.NoError(t, err)

	require.NoError(t, vault.Delete(t.Context(), gone.ID))
	saves := storage.saves
	require.NoError(t, vault.Delete(t.Context(), gone.ID), "one that is not there is no error")
	require.Equal(t, saves, storage.saves, "and nothing to write")
	for _, vault := range []*pkcs12.Vault{vault, other} {
		_, err := vault.Open(t.Context(), gone.ID)
		require.ErrorIs(t, err, keystore.ErrNoVaultKey)
		require.ErrorIs(t, vault.SetCertificates(t.Context(), gone.ID, nil), keystore.ErrNoVaultKey)
		require.Equal(t, []keystore.VaultKey{stays}, keys(t, vault))
	}
}

func TestAKeyOfAnotherInstanceIsFound(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	vault, other := open(t, pkcs12.File(path)), open(t, pkcs12.File(path))
	key := generate(t, vault, "new", "ES256")
	require.Equal(t, []keystore.VaultKey{key}, keys(t, other))
	_, err := other.Open(t.Context(), key.ID)
	require.NoError(t, err)
}

func TestInstancesThatChangeAtOnceLoseNoKey(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for name, storage := range map[string]func() pkcs12.Storage{
		"file":   func() pkcs12.Storage { return pkcs12.File(path) },
		"ledger": ledgerStorage(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vaults := []*pkcs12.Vault{open(t, storage()), open(t, storage()), open(t, storage())}
			var wg sync.WaitGroup
			var mu sync.Mutex
			kept := map[string]bool{}
			for i := range 24 {
				wg.Go(func() {
					vault := vaults[i%len(vaults)]
					key, err := vault.Generate(t.Context(), "kept", "ES256")
					if !assert.NoError(t, err) {
						return
					}
					mu.Lock()
					kept[key.ID] = true
					mu.Unlock()
					old, err := vault.Generate(t.Context(), "rotated out", "EdDSA")
					if assert.NoError(t, err) {
						assert.NoError(t, vaults[(i+1)%len(vaults)].Delete(t.Context(), old.ID))
					}
				})
			}
			wg.Wait()
			found := map[string]bool{}
			for _, key := range keys(t, open(t, storage())) {
				found[key.ID] = true
			}
			assert.Equal(t, kept, found)
		})
	}
}

func TestAChangeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	vault := open(t, &shared{})
	key := generate(t, vault, "key", "ES256")
	private, err := vault.Open(t.Context(), generate(t, vault, "agrees", "ECDH-ES").ID)
	require.NoError(t, err)
	remote, err := ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = vault.Generate(ended, "key", "ES256")
	require.ErrorIs(t, err, context.Canceled)
	_, err = vault.Keys(ended)
	require.ErrorIs(t, err, context.Canceled)
	_, err = vault.Open(ended, key.ID)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, vault.Delete(ended, key.ID), context.Canceled)
	_, err = private.(keystore.ECDHKey).ECDH(ended, remote.PublicKey())
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, keys(t, vault), 2)
}

func TestImport(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	agreement, err := ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	storage := &shared{}
	vault := open(t, storage)
	chain := newAuthority(t, "CA", nil).chain(t, p256.Public(), time.Now())

	imported, err := vault.Import(t.Context(), "imported", "ES256", p256, chain)
	require.NoError(t, err)
	assert.Equal(t, "imported", imported.Label)
	assert.Equal(t, chain, imported.Certificates)
	_, err = vault.Import(t.Context(), "EdDSA", "EdDSA", edwards, nil)
	require.NoError(t, err)
	_, err = vault.Import(t.Context(), "RSA", "RSA-OAEP-256", rsa2048, nil)
	require.NoError(t, err)
	agrees, err := vault.Import(t.Context(), "agreement", "ECDH-ES", agreement, nil)
	require.NoError(t, err)

	again := open(t, storage)
	require.Equal(t, keys(t, vault), keys(t, again))
	require.Equal(t, imported, keys(t, again)[0])
	private, err := again.Open(t.Context(), imported.ID)
	require.NoError(t, err)
	requireSigns(t, jose.ES256, private, p256.Public())
	private, err = again.Open(t.Context(), agrees.ID)
	require.NoError(t, err)
	requireAgrees(t, private, agrees.Public)
}

func TestImportRefusals(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "CA", nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	require.NoError(t, err)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	mixed := *key
	mixed.PublicKey = other.PublicKey
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	twisted := bytes.Clone(edwards)
	twisted[40] ^= 1

	storage := &shared{}
	vault := open(t, storage)
	_, err = vault.Import(t.Context(), "first", "ES256", key, nil)
	require.NoError(t, err)
	saves := storage.saves
	for _, tc := range []struct {
		name, label, alg string
		key              crypto.PrivateKey
		chain            []*x509.Certificate
		says             string
	}{
		{"a key that is there", "second", "ES256", key, nil, `as "first"`},
		{"an algorithm for another curve", "key", "ES384", other, nil, "do not fit"},
		{"an unknown algorithm", "key", "ES512", p521, nil, "does not support"},
		{"an unknown curve", "key", "ES256", p521, nil, "P-256"},
		{"an unknown kind of key", "key", "ECDH-ES", x25519, nil, "algorithm is unknown"},
		{"no key", "key", "ES256", nil, nil, "no private key"},
		{"a public key", "key", "ES256", other.Public(), nil, "no private key"},
		{"somebody else's public key", "key", "ES256", &mixed, nil, ""},
		{"somebody else's public key", "key", "EdDSA", ed25519.PrivateKey(twisted), nil, ""},
		{"a certificate of another key", "key", "ES256", other, ca.chain(t, key.Public(), time.Now()), "for another key"},
		{"an expired certificate", "key", "ES256", other, ca.chain(t, other.Public(), time.Now().Add(-2*time.Hour)), "expired"},
		{"a bad label", "\x00", "ES256", other, nil, "label"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := vault.Import(t.Context(), tc.label, tc.alg, tc.key, tc.chain)
			require.ErrorContains(t, err, tc.says)
		})
	}
	assert.Equal(t, saves, storage.saves, "nothing is written")
}

func TestAFullStorageIsAFullVault(t *testing.T) {
	t.Parallel()
	vault := open(t, pkcs12.Ledger(newLedger(t), "keys", "vault"))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	large := newTemplate("large", time.Now())
	large.DNSNames = []string{strings.Repeat("x", 200<<10)}
	_, err = vault.Import(t.Context(), "large", "ES256", key, []*x509.Certificate{sign(t, large, large, key.Public(), key)})
	require.ErrorIs(t, err, keystore.ErrVaultFull)
	require.Empty(t, keys(t, vault))
	generate(t, vault, "small", "ES256")
}

func TestAStorageThatFailsIsNotOverwritten(t *testing.T) {
	t.Parallel()
	storage := &failing{}
	vault := open(t, storage)
	generate(t, vault, "key", "ES256")
	before := bytes.Clone(storage.blob)
	storage.err = errors.New("unreachable")
	_, err := vault.Keys(t.Context())
	require.ErrorIs(t, err, storage.err)
	_, err = vault.Generate(t.Context(), "key", "ES256")
	require.ErrorIs(t, err, storage.err)
	_, err = pkcs12.Open(t.Context(), config(storage))
	require.ErrorIs(t, err, storage.err)
	require.Equal(t, before, storage.blob)

	storage.err = nil
	storage.version = 0
	_, err = vault.Keys(t.Context())
	require.ErrorContains(t, err, "gone")
	_, err = vault.Generate(t.Context(), "key", "ES256")
	require.ErrorContains(t, err, "gone", "a file that vanished is not made again without its keys")
}

// failing is a Storage that cannot be reached while it has an error.
type failing struct {
	shared
	err error
}

func (f *failing) Load(ctx context.Context) ([]byte, int64, error) {
	if f.err != nil {
		return nil, 0, f.err
	}
	return f.shared.Load(ctx)
}
