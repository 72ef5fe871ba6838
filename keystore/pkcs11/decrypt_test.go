//go:build cgo

package pkcs11_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	p11 "github.com/miekg/pkcs11"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/softhsmtest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs11"
)

// oaepToken makes a token of one that has no OAEP with SHA-256: it does the padding, and answers like many HSMs, with a failure of
// its own, when that is wrong.
func oaepToken(l *library, used *int) *library {
	padded := map[p11.SessionHandle]bool{}
	l.decryptInit = func(s p11.SessionHandle, m []*p11.Mechanism, key p11.ObjectHandle) (bool, error) {
		if m[0].Mechanism != p11.CKM_RSA_PKCS_OAEP {
			return false, nil
		}
		padded[s] = true
		return true, l.Cryptoki.DecryptInit(s, []*p11.Mechanism{p11.NewMechanism(p11.CKM_RSA_X_509, nil)}, key)
	}
	l.decrypt = func(s p11.SessionHandle, ciphertext []byte) (bool, []byte, error) {
		if !padded[s] {
			return false, nil, nil
		}
		*used++
		block, err := l.Cryptoki.Decrypt(s, ciphertext)
		if err != nil {
			return true, nil, err
		}
		message, ok := pkcs11.UnpadOAEP(sha256.New, block, nil)
		if !ok {
			return true, nil, p11.Error(p11.CKR_GENERAL_ERROR)
		}
		return true, message, nil
	}
	return l
}

func TestDecryptionUsesOAEPOfATokenThatHasIt(t *testing.T) {
	config := configFor(softhsmtest.New(t))
	config.MaxSessions = 1
	used, library := 0, &library{}
	vault := openWith(t, config, oaepToken(library, &used))
	made, err := vault.Generate(t.Context(), "test", "RSA-OAEP-256")
	require.NoError(t, err)
	private, err := vault.Open(t.Context(), made.ID)
	require.NoError(t, err)
	key := private.(keystore.ContextDecrypter)
	encrypted, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, made.Public.(*rsa.PublicKey), []byte("secret"), nil)
	require.NoError(t, err)
	options := &rsa.OAEPOptions{Hash: crypto.SHA256}
	message, err := key.DecryptContext(t.Context(), nil, encrypted, options)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(message))

	encrypted[len(encrypted)-1] ^= 1
	for range 3 {
		_, err = key.DecryptContext(t.Context(), nil, encrypted, options)
		require.ErrorIs(t, err, rsa.ErrDecryption)
	}
	assert.Equal(t, 4, used)
	assert.EqualValues(t, 1, library.sessions.Load(), "what strangers send ends no session")
}

func TestOtherDecryptionThanOAEPWithSHA256IsRefused(t *testing.T) {
	t.Parallel()
	vault := open(t, configFor(softhsmtest.New(t)))
	made, err := vault.Generate(t.Context(), "test", "RSA-OAEP-256")
	require.NoError(t, err)
	private, err := vault.Open(t.Context(), made.ID)
	require.NoError(t, err)
	key := private.(crypto.Decrypter)
	for name, options := range map[string]crypto.DecrypterOpts{
		"none": nil, "another kind": crypto.SHA256, "another hash": &rsa.OAEPOptions{Hash: crypto.SHA512},
		"another MGF hash": &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA512},
	} {
		_, err := key.Decrypt(rand.Reader, make([]byte, 256), options)
		require.ErrorIs(t, err, keystore.ErrUnsupported, name)
	}
	_, signs := private.(crypto.Signer)
	assert.False(t, signs, "a key has one use")
}
