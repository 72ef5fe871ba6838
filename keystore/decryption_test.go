package keystore_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

// encrypt makes a JWE with go-jose.
func encrypt(t *testing.T, alg jose.KeyAlgorithm, enc jose.ContentEncryption, key any, kid, content string, zip jose.CompressionAlgorithm) string {
	t.Helper()
	encrypter, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: key, KeyID: kid}, &jose.EncrypterOptions{Compression: zip})
	require.NoError(t, err)
	jwe, err := encrypter.Encrypt([]byte(content))
	require.NoError(t, err)
	text, err := jwe.CompactSerialize()
	require.NoError(t, err)
	return text
}

func newDecrypting(t *testing.T) (*keystore.Decrypting, []*keystore.DecryptionKey) {
	t.Helper()
	signing, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	var keys []*keystore.DecryptionKey
	for range 2 {
		key, err := keystore.GenerateDecryptionKey(jose.RSA_OAEP_256)
		require.NoError(t, err)
		keys = append(keys, key)
	}
	d, err := keystore.WithDecryption(signing, keys...)
	require.NoError(t, err)
	return d, keys
}

func TestWhatIsEncryptedForAKeyIsOpened(t *testing.T) {
	t.Parallel()
	d, keys := newDecrypting(t)
	for _, key := range keys {
		for _, enc := range keystore.DecryptionEncodings() {
			for _, kid := range []string{"", key.Public().KeyID} {
				content, err := d.Decrypt(t.Context(), encrypt(t, jose.RSA_OAEP_256, enc, key.Public().Key, kid, "secret", ""))
				require.NoError(t, err)
				require.Equal(t, "secret", string(content))
			}
		}
	}
}

func TestWhatIsNotMadeAsItMustIsNotOpened(t *testing.T) {
	t.Parallel()
	d, keys := newDecrypting(t)
	public := keys[0].Public()
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	good := encrypt(t, jose.RSA_OAEP_256, jose.A256GCM, public.Key, "", "secret", "")
	parts := strings.Split(good, ".")
	for name, jwe := range map[string]string{
		"another key":     encrypt(t, jose.RSA_OAEP_256, jose.A256GCM, &stranger.PublicKey, "", "x", ""),
		"another kid":     encrypt(t, jose.RSA_OAEP_256, jose.A256GCM, public.Key, keys[1].Public().KeyID, "x", ""),
		"unknown kid":     encrypt(t, jose.RSA_OAEP_256, jose.A256GCM, public.Key, "unknown", "x", ""),
		"OAEP with SHA-1": encrypt(t, jose.RSA_OAEP, jose.A256GCM, public.Key, "", "x", ""),
		"PKCS #1 v1.5":    encrypt(t, jose.RSA1_5, jose.A256GCM, public.Key, "", "x", ""),
		"CBC":             encrypt(t, jose.RSA_OAEP_256, jose.A128CBC_HS256, public.Key, "", "x", ""),
		"compressed":      encrypt(t, jose.RSA_OAEP_256, jose.A256GCM, public.Key, "", strings.Repeat("x", 999), jose.DEFLATE),
		"changed":         strings.Join([]string{parts[0], parts[1], parts[2], "AAAA" + parts[3], parts[4]}, "."),
		"too long":        good + strings.Repeat("A", 40<<10),
		"no JWE":          "a.b.c.d.e",
		"empty":           "",
	} {
		content, err := d.Decrypt(t.Context(), jwe)
		require.ErrorIs(t, err, keystore.ErrDecrypt, name)
		require.Empty(t, content, name)
	}
}

func TestDecryptionKeysArePublishedForEncryptionAndNotForSignatures(t *testing.T) {
	t.Parallel()
	d, keys := newDecrypting(t)
	public, err := d.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, public, 3)
	for i, key := range keys {
		require.Equal(t, key.Public(), public[i+1])
		require.Equal(t, "enc", public[i+1].Use)
		require.Equal(t, string(jose.RSA_OAEP_256), public[i+1].Algorithm)
		require.True(t, public[i+1].IsPublic())
	}
	_, err = d.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err, "it signs as before")
}

func TestDecryptionKeysAreRSAKeysThatNobodyPrints(t *testing.T) {
	t.Parallel()
	_, err := keystore.NewDecryptionKey(jose.RSA_OAEP_256, nil)
	require.Error(t, err)
	signing, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	_, err = keystore.WithDecryption(signing)
	require.Error(t, err)
	_, err = keystore.WithDecryption(signing, nil)
	require.Error(t, err)

	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	key, err := keystore.NewDecryptionKey(jose.RSA_OAEP_256, private)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "decryption key "+key.Public().KeyID, fmt.Sprintf(verb, key))
	}
}

func FuzzDecrypt(f *testing.F) {
	signing, err := keystore.Generate(jose.ES256)
	require.NoError(f, err)
	key, err := keystore.GenerateDecryptionKey(jose.RSA_OAEP_256)
	require.NoError(f, err)
	d, err := keystore.WithDecryption(signing, key)
	require.NoError(f, err)
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: key.Public().Key}, nil)
	require.NoError(f, err)
	jwe, err := encrypter.Encrypt([]byte("content"))
	require.NoError(f, err)
	good, err := jwe.CompactSerialize()
	require.NoError(f, err)
	f.Add(good)
	agreed, err := keystore.GenerateDecryptionKey(jose.ECDH_ES)
	require.NoError(f, err)
	d, err = keystore.WithDecryption(signing, key, agreed)
	require.NoError(f, err)
	encrypter, err = jose.NewEncrypter(jose.A128GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: agreed.Public().Key}, nil)
	require.NoError(f, err)
	jwe, err = encrypter.Encrypt([]byte("content"))
	require.NoError(f, err)
	good, err = jwe.CompactSerialize()
	require.NoError(f, err)
	f.Add(good)
	f.Add("....")
	f.Add("eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0....")
	f.Fuzz(func(t *testing.T, text string) {
		content, err := d.Decrypt(t.Context(), text)
		if err != nil {
			require.ErrorIs(t, err, keystore.ErrDecrypt)
			require.Empty(t, content)
		}
	})
}
