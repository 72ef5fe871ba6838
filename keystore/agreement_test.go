package keystore_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

// TestAgreementOfRFC7518 is the example of RFC 7518 appendix C.
func TestAgreementOfRFC7518(t *testing.T) {
	t.Parallel()
	var bob jose.JSONWebKey
	require.NoError(t, json.Unmarshal([]byte(`{"kty":"EC","crv":"P-256",
		"x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
		"y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
		"d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}`), &bob))
	private, err := keystore.NewECDHKey(bob.Key)
	require.NoError(t, err)
	key, err := keystore.NewDecryptionKey(jose.ECDH_ES, private)
	require.NoError(t, err)
	derived, err := key.DecryptKey(nil, jose.Header{Algorithm: "ECDH-ES", ExtraHeaders: map[jose.HeaderKey]any{
		"enc": "A128GCM", "apu": "QWxpY2U", "apv": "Qm9i",
		"epk": map[string]any{
			"kty": "EC", "crv": "P-256",
			"x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
			"y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
		},
	}})
	require.NoError(t, err)
	require.Equal(t, "VqqN6vgjbSBcIijNcacQGg", base64.RawURLEncoding.EncodeToString(derived))
}

func TestWhatIsEncryptedWithAgreedKeysIsOpened(t *testing.T) {
	t.Parallel()
	for _, private := range []crypto.PrivateKey{must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), must(ecdh.P256().GenerateKey(rand.Reader))} {
		key := must(keystore.NewDecryptionKey(jose.ECDH_ES, must(keystore.NewECDHKey(private))))
		public := key.Public()
		for _, enc := range keystore.DecryptionEncodings() {
			jwe := encrypt(t, jose.ECDH_ES, enc, public.Key, public.KeyID, "secret", "")
			content, err := keystore.Decrypt(t.Context(), jwe, key)
			require.NoError(t, err)
			require.Equal(t, "secret", string(content))

			_, err = keystore.Decrypt(t.Context(), jwe, must(keystore.GenerateDecryptionKey(jose.ECDH_ES)))
			require.ErrorIs(t, err, keystore.ErrDecrypt)
		}
	}
}

// asking counts how often a private key is asked.
type asking struct {
	keystore.ECDHKey
	err   error
	asked int
}

func (a *asking) ECDH(ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	a.asked++
	if a.err != nil {
		return nil, a.err
	}
	return a.ECDHKey.ECDH(ctx, remote)
}

func TestThePrivateKeyIsNotAskedAboutWhatIsNoPointOfItsCurve(t *testing.T) {
	t.Parallel()
	private := &asking{ECDHKey: must(keystore.NewECDHKey(must(ecdh.P256().GenerateKey(rand.Reader))))}
	key := must(keystore.NewDecryptionKey(jose.ECDH_ES, private))
	coordinate := func(b byte) string {
		return base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat(string(rune(b)), 32)))
	}
	epk := func(kty, crv, x, y any) map[string]any { return map[string]any{"kty": kty, "crv": crv, "x": x, "y": y} }
	good := must(jose.JSONWebKey{Key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).Public()}.MarshalJSON())
	var point map[string]any
	require.NoError(t, json.Unmarshal(good, &point))
	for name, header := range map[string]map[jose.HeaderKey]any{
		"no epk":            {"enc": "A128GCM"},
		"epk is text":       {"enc": "A128GCM", "epk": "x"},
		"not on the curve":  {"enc": "A128GCM", "epk": epk("EC", "P-256", coordinate(1), coordinate(1))},
		"infinity":          {"enc": "A128GCM", "epk": epk("EC", "P-256", coordinate(0), coordinate(0))},
		"another curve":     {"enc": "A128GCM", "epk": epk("EC", "P-384", point["x"], point["y"])},
		"another type":      {"enc": "A128GCM", "epk": epk("OKP", "P-256", point["x"], point["y"])},
		"short":             {"enc": "A128GCM", "epk": epk("EC", "P-256", "AAAA", point["y"])},
		"no y":              {"enc": "A128GCM", "epk": epk("EC", "P-256", point["x"], nil)},
		"a number":          {"enc": "A128GCM", "epk": epk("EC", "P-256", point["x"], 7.0)},
		"no enc":            {"epk": point},
		"enc of other keys": {"enc": "A128CBC-HS256", "epk": point},
		"apu is no base64":  {"enc": "A128GCM", "epk": point, "apu": "?"},
		"apv is a number":   {"enc": "A128GCM", "epk": point, "apv": 1.0},
	} {
		_, err := key.DecryptKey(nil, jose.Header{ExtraHeaders: header})
		require.Error(t, err, name)
		require.Zero(t, private.asked, name)
	}
	_, err := key.DecryptKey([]byte("key"), jose.Header{ExtraHeaders: map[jose.HeaderKey]any{"enc": "A128GCM", "epk": point}})
	require.ErrorIs(t, err, keystore.ErrDecrypt, "there is no encrypted key in direct mode")
	_, err = key.DecryptKey(nil, jose.Header{ExtraHeaders: map[jose.HeaderKey]any{"enc": "A128GCM", "epk": point}})
	require.NoError(t, err)
	require.Equal(t, 1, private.asked)
}

func TestAPrivateKeyThatIsAwayIsNoFaultOfTheClient(t *testing.T) {
	t.Parallel()
	away := errors.New("the HSM is gone")
	private := &asking{ECDHKey: must(keystore.NewECDHKey(must(ecdh.P256().GenerateKey(rand.Reader)))), err: away}
	key := must(keystore.NewDecryptionKey(jose.ECDH_ES, private))
	jwe := encrypt(t, jose.ECDH_ES, jose.A256GCM, key.Public().Key, "", "secret", "")
	_, err := keystore.Decrypt(t.Context(), jwe, key)
	require.ErrorIs(t, err, away)
	require.NotErrorIs(t, err, keystore.ErrDecrypt)

	rsaAway := must(keystore.NewDecryptionKey(jose.RSA_OAEP_256, awayDecrypter{rsaKey(), away}))
	_, err = keystore.Decrypt(t.Context(), encrypt(t, jose.RSA_OAEP_256, jose.A256GCM, rsaKey().Public(), "", "secret", ""), rsaAway)
	require.ErrorIs(t, err, away)
	require.NotErrorIs(t, err, keystore.ErrDecrypt)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	private.err = nil
	_, err = keystore.Decrypt(ended, jwe, key)
	require.ErrorIs(t, err, context.Canceled)
}

// awayDecrypter has a public key and an error.
type awayDecrypter struct {
	crypto.Decrypter
	err error
}

func (d awayDecrypter) DecryptContext(context.Context, io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error) {
	return nil, d.err
}

func TestDecryptionKeysAreMadeOfWhatFits(t *testing.T) {
	t.Parallel()
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	_, err := keystore.NewECDHKey(p384)
	require.ErrorContains(t, err, "P-256")
	_, err = keystore.NewECDHKey(must(ecdh.X25519().GenerateKey(rand.Reader)))
	require.ErrorContains(t, err, "P-256")
	_, err = keystore.NewECDHKey(nil)
	require.Error(t, err)
	_, err = keystore.NewECDHKey((*ecdh.PrivateKey)(nil))
	require.Error(t, err)
	agrees := must(keystore.NewECDHKey(must(ecdh.P256().GenerateKey(rand.Reader))))
	for name, try := range map[string]struct {
		alg jose.KeyAlgorithm
		key crypto.PrivateKey
	}{
		"RSA for ECDH-ES": {jose.ECDH_ES, rsaKey()}, "EC for RSA-OAEP-256": {jose.RSA_OAEP_256, agrees},
		"SHA-1": {jose.RSA_OAEP, rsaKey()}, "key wrapping": {jose.ECDH_ES_A256KW, agrees}, "none": {"", rsaKey()}, "nothing": {jose.ECDH_ES, nil},
	} {
		key, err := keystore.NewDecryptionKey(try.alg, try.key)
		require.Error(t, err, name)
		require.Nil(t, key, name)
	}
}

func TestTheAlgorithmsOfAKeystoreAreThoseOfItsKeys(t *testing.T) {
	t.Parallel()
	signing := must(keystore.Generate(jose.ES256))
	require.Empty(t, keystore.PublishedDecryptionAlgorithms(must(signing.Keys(t.Context()))))
	for _, alg := range keystore.DecryptionAlgorithms() {
		d := must(keystore.WithDecryption(signing, must(keystore.GenerateDecryptionKey(alg))))
		require.Equal(t, []jose.KeyAlgorithm{alg}, keystore.PublishedDecryptionAlgorithms(must(d.Keys(t.Context()))))
	}
}
