package oauth_test

import (
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

// newEncryption returns a provider whose portal is held to FAPI 2.0 Message Signing and may encrypt its requests for the
// key.
func newEncryption(t *testing.T) (*provider, *keystore.DecryptionKey) {
	t.Helper()
	return newEncryptionWith(t, jose.RSA_OAEP_256)
}

func newEncryptionWith(t *testing.T, alg jose.KeyAlgorithm) (*provider, *keystore.DecryptionKey) {
	t.Helper()
	key, err := keystore.GenerateDecryptionKey(alg)
	require.NoError(t, err)
	p := newMessageSigning(t, func(c *oauth.Config) {
		c.Keys, err = keystore.WithDecryption(c.Keys, key)
		require.NoError(t, err)
	})
	p.portal.client.RequestObjectEncryption = alg
	return p, key
}

// encrypt encrypts a request object for the key (RFC 9101 section 6.1: signed first, then encrypted).
func encrypt(t *testing.T, key *keystore.DecryptionKey, object string) string {
	t.Helper()
	public := key.Public()
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.KeyAlgorithm(public.Algorithm), Key: public.Key, KeyID: public.KeyID},
		(&jose.EncrypterOptions{}).WithContentType(typeRequestObject))
	require.NoError(t, err)
	jwe, err := encrypter.Encrypt([]byte(object))
	require.NoError(t, err)
	text, err := jwe.CompactSerialize()
	require.NoError(t, err)
	return text
}

func TestEncryptedRequestObjectIsTheRequest(t *testing.T) {
	t.Parallel()
	p, key := newEncryption(t)
	parameters := response(t, p.open(t, p.pushObject(t, encrypt(t, key, p.portal.requestObject(t, nil)))))
	require.NotEmpty(t, parameters.Get("code"))
	require.Equal(t, "state-of-portal", parameters.Get("state"))

	require.Equal(t, http.StatusCreated, p.pushObject(t, p.portal.requestObject(t, nil)).Code, "one that is only signed is still taken")
	require.Equal(t, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, p.Metadata().RequestObjectEncryptionAlgs)
	require.Equal(t, []jose.ContentEncryption{jose.A128GCM, jose.A256GCM}, p.Metadata().RequestObjectEncryptionEncs)
}

func TestAProviderOffersTheEncryptionThatItHasKeysFor(t *testing.T) {
	t.Parallel()
	p, key := newEncryptionWith(t, jose.ECDH_ES)
	require.Equal(t, http.StatusCreated, p.pushObject(t, encrypt(t, key, p.portal.requestObject(t, nil))).Code)
	require.Equal(t, []jose.KeyAlgorithm{jose.ECDH_ES}, p.Metadata().RequestObjectEncryptionAlgs)

	p.portal.client.RequestObjectEncryption = jose.RSA_OAEP_256
	requireRefused(t, p.pushObject(t, p.portal.requestObject(t, nil)), http.StatusUnauthorized, oauth.InvalidClient)
}

func TestWhatIsInAnEncryptedRequestObjectIsBelievedNoMoreForIt(t *testing.T) {
	t.Parallel()
	p, key := newEncryption(t)
	stranger, err := keystore.GenerateDecryptionKey(jose.RSA_OAEP_256)
	require.NoError(t, err)
	honest := p.portal.requestObject(t, nil)
	for name, object := range map[string]string{
		"for another provider":        encrypt(t, stranger, honest),
		"signed by another client":    encrypt(t, key, sign(t, jose.ES256, p.clinic.key, typeRequestObject, p.portal.requestClaims(nil))),
		"not signed":                  encrypt(t, key, `{"client_id":"portal"}`),
		"expired":                     encrypt(t, key, p.portal.requestObject(t, map[string]any{"exp": p.clock.Now().Unix() - 3600})),
		"encrypted twice":             encrypt(t, key, encrypt(t, key, honest)),
		"five parts of nothing":       "a.b.c.d.e",
		"changed after it was sealed": encrypt(t, key, honest) + "A",
	} {
		t.Run(name, func(t *testing.T) {
			requirePushRefused(t, p.pushObject(t, object), oauth.InvalidRequestObject)
		})
	}
}

func TestOnlyRegisteredClientsEncryptRequestObjects(t *testing.T) {
	t.Parallel()
	p, key := newEncryption(t)
	p.portal.client.RequestObjectEncryption = ""
	requirePushRefused(t, p.pushObject(t, encrypt(t, key, p.portal.requestObject(t, nil))), oauth.InvalidRequestObject)

	without := newMessageSigning(t)
	require.Empty(t, without.Metadata().RequestObjectEncryptionAlgs)
	without.portal.client.RequestObjectEncryption = jose.RSA_OAEP_256
	rec := without.pushObject(t, without.portal.requestObject(t, nil))
	requireRefused(t, rec, http.StatusUnauthorized, oauth.InvalidClient) // who cannot decrypt does not serve such a client

	client := *newParty(t, "portal").client
	client.RequestObjectEncryption = jose.RSA_OAEP_256
	require.ErrorContains(t, client.Validate(), "request objects cannot be encrypted", "they are signed first")
	client.RequestObjectAlgorithm = jose.ES256
	require.NoError(t, client.Validate())
	client.RequestObjectEncryption = jose.RSA1_5
	require.ErrorContains(t, client.Validate(), "request objects cannot be encrypted")
}
