//go:build cgo

package pkcs11_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"
	p11 "github.com/miekg/pkcs11"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/softhsmtest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
	"github.com/gosignet/signet/keystore/pkcs11"
)

// configFor returns the configuration for a token.
func configFor(token *softhsmtest.Token) pkcs11.Config {
	return pkcs11.Config{Module: token.Module, TokenLabel: token.Label, PIN: pin(softhsmtest.PIN)}
}

func pin(value string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(value), nil }
}

// open opens a vault that is closed after the test.
func open(t testing.TB, config pkcs11.Config) pkcs11.Vault {
	t.Helper()
	return openWith(t, config, &library{})
}

// signer makes a key in the vault.
func signer(t testing.TB, vault keystore.Vault, alg jose.SignatureAlgorithm) (*keystore.Key, string) {
	t.Helper()
	made, err := vault.Generate(t.Context(), "test", string(alg))
	require.NoError(t, err)
	private, err := vault.Open(t.Context(), made.ID)
	require.NoError(t, err)
	key, err := keystore.NewKey(alg, private.(crypto.Signer))
	require.NoError(t, err)
	return key, made.ID
}

// requireVerifies verifies a token with go-jose.
func requireVerifies(t testing.TB, key *keystore.Key, token string) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{key.Algorithm()})
	require.NoError(t, err)
	_, err = jws.Verify(key.Public().Key)
	require.NoError(t, err)
}

func TestVaultKeepsTheContract(t *testing.T) {
	t.Parallel()
	config := configFor(softhsmtest.New(t))
	vault := open(t, config)
	keystoretest.Run(t, func(t testing.TB) keystoretest.Backend {
		return keystoretest.Backend{Vault: vault, Reopen: func() keystore.Vault { return open(t, config) }}
	})
}

func TestOpenSSLVerifiesEveryAlgorithm(t *testing.T) {
	t.Parallel()
	vault := open(t, configFor(softhsmtest.New(t)))
	message := []byte("a message")
	digest := sha256.Sum256(message)
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	tests := []struct {
		alg   string
		input []byte
		opts  crypto.SignerOpts
		args  []string
	}{
		{"ES256", digest[:], crypto.SHA256, []string{"-pkeyopt", "digest:sha256"}},
		{"ES384", digest[:], crypto.SHA256, []string{"-pkeyopt", "digest:sha256"}},
		{"RS256", digest[:], crypto.SHA256, []string{"-pkeyopt", "digest:sha256"}},
		{"PS256", digest[:], pss, []string{"-pkeyopt", "digest:sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:32"}},
		{"EdDSA", message, crypto.Hash(0), []string{"-rawin"}},
	}
	for _, tt := range tests {
		t.Run(tt.alg, func(t *testing.T) {
			t.Parallel()
			made, err := vault.Generate(t.Context(), "test", tt.alg)
			require.NoError(t, err)
			private, err := vault.Open(t.Context(), made.ID)
			require.NoError(t, err)
			signature, err := private.(keystore.ContextSigner).SignContext(t.Context(), rand.Reader, tt.input, tt.opts)
			require.NoError(t, err)

			der, err := x509.MarshalPKIXPublicKey(made.Public)
			require.NoError(t, err)
			dir := t.TempDir()
			for name, content := range map[string][]byte{
				"public": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "signature": signature, "input": tt.input,
			} {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
			}
			cmd := exec.CommandContext(t.Context(), "openssl", append([]string{"pkeyutl", "-verify", "-pubin", "-inkey", "public",
				"-in", "input", "-sigfile", "signature"}, tt.args...)...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}

func TestKeysThatOthersPutInTheTokenAreUsed(t *testing.T) {
	t.Parallel()
	token := softhsmtest.New(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	token.Import(t, file, "ceremony", "a1b2")

	vault := open(t, configFor(token))
	keys, err := vault.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 1)
	assert.Equal(t, "a1b2", keys[0].ID)
	assert.Equal(t, "ceremony", keys[0].Label)
	assert.True(t, private.PublicKey.Equal(keys[0].Public))
	found, err := vault.Open(t.Context(), "a1b2")
	require.NoError(t, err)
	key, err := keystore.NewKey(jose.ES256, found.(crypto.Signer))
	require.NoError(t, err)
	signed, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
	require.NoError(t, err)
	requireVerifies(t, key, signed)
}

func TestPrivateKeysCannotBeRead(t *testing.T) {
	t.Parallel()
	library := &library{}
	refused := map[uint]error{}
	library.signInit = func(s p11.SessionHandle, key p11.ObjectHandle) error {
		for _, secret := range []uint{p11.CKA_VALUE, p11.CKA_PRIVATE_EXPONENT, p11.CKA_PRIME_1} {
			values, err := library.GetAttributeValue(s, key, []*p11.Attribute{p11.NewAttribute(secret, nil)})
			if len(values) == 0 {
				refused[secret] = err
			}
		}
		return nil
	}
	vault := openWith(t, configFor(softhsmtest.New(t)), library)
	for alg, secrets := range map[jose.SignatureAlgorithm][]uint{
		jose.ES256: {p11.CKA_VALUE}, jose.EdDSA: {p11.CKA_VALUE}, jose.PS256: {p11.CKA_PRIVATE_EXPONENT, p11.CKA_PRIME_1},
	} {
		clear(refused)
		key, _ := signer(t, vault, alg)
		_, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
		require.NoError(t, err)
		for _, secret := range secrets {
			assert.Equal(t, p11.Error(p11.CKR_ATTRIBUTE_SENSITIVE), refused[secret], "%s %#x", alg, secret)
		}
	}
}

func TestKeysThatCanLeaveTheTokenAreRefused(t *testing.T) {
	t.Parallel()
	for name, weaken := range map[string]uint{"not sensitive": p11.CKA_SENSITIVE, "extractable": p11.CKA_EXTRACTABLE} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			library := &library{}
			library.create = func(template []*p11.Attribute) error {
				for _, a := range template {
					if a.Type == weaken {
						a.Value[0] ^= 1
					}
				}
				return nil
			}
			vault := openWith(t, configFor(softhsmtest.New(t)), library)
			private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			require.NoError(t, err)
			_, err = vault.Import(t.Context(), "weak", "ES256", private, nil)
			require.ErrorContains(t, err, "not sensitive, or is extractable")
			keys, err := vault.Keys(t.Context())
			require.NoError(t, err)
			assert.Empty(t, keys, "it is destroyed again")
		})
	}
}

func TestAFullTokenSaysSoAndKeepsNothing(t *testing.T) {
	t.Parallel()
	full := func() error { return p11.Error(p11.CKR_DEVICE_MEMORY) }
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	library := &library{generate: full}
	vault := openWith(t, configFor(softhsmtest.New(t)), library)
	_, err = vault.Generate(t.Context(), "test", "ES256")
	require.ErrorIs(t, err, keystore.ErrVaultFull)

	created := 0
	library.create = func([]*p11.Attribute) error {
		if created++; created == 2 { // the private key still fits, the public one does not
			return full()
		}
		return nil
	}
	_, err = vault.Import(t.Context(), "test", "ES256", private, nil)
	require.ErrorIs(t, err, keystore.ErrVaultFull)
	keys, err := vault.Keys(t.Context())
	require.NoError(t, err)
	assert.Empty(t, keys)
}

func TestAKeyThatNobodyWaitsForIsDestroyedAgain(t *testing.T) {
	t.Parallel()
	config := configFor(softhsmtest.New(t))
	config.MaxSessions = 1
	ctx, giveUp := context.WithCancel(t.Context())
	goOn := make(chan struct{})
	library := &library{generate: func() error {
		giveUp()
		<-goOn
		return nil
	}}
	vault := openWith(t, config, library)
	_, err := vault.Generate(ctx, "test", "ES256")
	require.ErrorIs(t, err, context.Canceled)
	close(goOn)
	keys, err := vault.Keys(t.Context()) // in the same session, and so afterwards
	require.NoError(t, err)
	assert.Empty(t, keys)
}

func TestSigningRefusesOptionsThatDoNotFit(t *testing.T) {
	t.Parallel()
	vault := open(t, configFor(softhsmtest.New(t)))
	digest := make([]byte, sha256.Size)
	for alg, all := range map[string][]crypto.SignerOpts{
		"ES256": {nil, crypto.SHA384, crypto.SHA1, crypto.Hash(0)},
		"PS256": {nil, crypto.SHA512, &rsa.PSSOptions{SaltLength: -7, Hash: crypto.SHA256}},
		"EdDSA": {nil, crypto.SHA256, &ed25519.Options{Context: "context"}},
	} {
		made, err := vault.Generate(t.Context(), "test", alg)
		require.NoError(t, err)
		private, err := vault.Open(t.Context(), made.ID)
		require.NoError(t, err)
		for _, opts := range all {
			_, err := private.(crypto.Signer).Sign(rand.Reader, digest, opts)
			assert.Error(t, err, "%s %v", alg, opts)
		}
	}
}

func TestAnAlgorithmThatTheTokenDoesNotOfferIsUnsupported(t *testing.T) {
	t.Parallel()
	const eddsa = 0x1057
	library := &library{mechanisms: func(all []*p11.Mechanism) []*p11.Mechanism {
		return slices.DeleteFunc(all, func(m *p11.Mechanism) bool {
			return m.Mechanism == eddsa || m.Mechanism == p11.CKM_RSA_PKCS_KEY_PAIR_GEN
		})
	}}
	vault := openWith(t, configFor(softhsmtest.New(t)), library)
	for _, alg := range []string{"EdDSA", "PS256", "RSA-OAEP-256"} {
		_, err := vault.Generate(t.Context(), "test", alg)
		require.ErrorIs(t, err, keystore.ErrUnsupported, alg)
	}
	_, err := vault.Generate(t.Context(), "test", "ES256")
	require.NoError(t, err)
}

func TestRSAKeysHaveTheSizeOfTheConfiguration(t *testing.T) {
	t.Parallel()
	config := configFor(softhsmtest.New(t))
	config.RSABits = 3072
	made, err := open(t, config).Generate(t.Context(), "test", "PS256")
	require.NoError(t, err)
	assert.Equal(t, 3072, made.Public.(*rsa.PublicKey).N.BitLen())
}

func TestAKeyThatAnotherInstanceDeletedIsGone(t *testing.T) {
	t.Parallel()
	config := configFor(softhsmtest.New(t))
	vault := open(t, config)
	key, id := signer(t, vault, jose.ES256)
	_, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
	require.NoError(t, err)
	require.NoError(t, open(t, config).Delete(t.Context(), id))
	_, err = key.Sign(t.Context(), "JWT", []byte(`{}`))
	require.ErrorIs(t, err, keystore.ErrNoVaultKey)
}

func TestNothingSecretIsPrintedOrLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	config := configFor(softhsmtest.New(t))
	config.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	library := &library{}
	vault := openWith(t, config, library)
	_, id := signer(t, vault, jose.ES256)
	private, err := vault.Open(t.Context(), id)
	require.NoError(t, err)
	library.broken.Store(p11.CKR_DEVICE_REMOVED)
	_, err = vault.Keys(t.Context())
	require.Error(t, err)
	assert.NotEmpty(t, log.String(), "the loss of the token is logged")
	printed := fmt.Sprintf("%v %+v %#v %v %+v %#v %+v", vault, vault, vault, private, private, private, err) + log.String()
	assert.NotContains(t, printed, softhsmtest.PIN)
}
