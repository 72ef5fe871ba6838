package portal_test

import (
	"crypto/rand"
	"crypto/rsa"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/examples/portal"
)

func newEncryptionKey(t *testing.T, alg jose.KeyAlgorithm) jose.JSONWebKey {
	t.Helper()
	key := newKey(t, "portal-enc")
	key.Algorithm, key.Use = string(alg), "enc"
	if alg == jose.RSA_OAEP_256 {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		key.Key = private
	}
	return key
}

// newEncryptedVisit is at a portal whose provider encrypts userinfo to it.
func newEncryptedVisit(t *testing.T, alg jose.KeyAlgorithm, configure ...func(*portal.Config)) (*visit, jose.JSONWebKey) {
	t.Helper()
	key := newEncryptionKey(t, alg)
	v := newVisit(t, append(configure, func(c *portal.Config) { c.EncryptionKey = key })...)
	public := key.Public()
	v.provider.encryptTo = &public
	return v, public
}

func TestEncryptedUserinfoIsDecrypted(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A256KW, jose.RSA_OAEP_256} {
		for name, unsigned := range map[string]bool{"signed": false, "not signed": true} {
			t.Run(string(alg)+", "+name, func(t *testing.T) {
				t.Parallel()
				v, _ := newEncryptedVisit(t, alg)
				v.provider.unsigned = unsigned
				status, body := v.respond(v.login(""), nil)
				assert.Equal(t, http.StatusOK, status)
				assert.Contains(t, body, "Ada Example")
				assert.Regexp(t, `(?s)id="userinfo-encryption">.*"alg": "`+regexp.QuoteMeta(string(alg))+`".*"enc": "A256GCM"`, html.UnescapeString(body))
				assert.Equal(t, !unsigned, strings.Contains(body, "A signed JWT"), "the page says what was inside")
			})
		}
	}
}

func TestEncryptedIDTokenIsDecryptedAndVerified(t *testing.T) {
	t.Parallel()
	v, public := newEncryptedVisit(t, jose.ECDH_ES, func(c *portal.Config) { c.EncryptedIDToken = true })
	v.provider.idTokenTo = &public
	status, body := v.respond(v.login(""), nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "Ada Example")

	v.provider.idToken = map[string]any{"nonce": "of another login"}
	status, _ = v.respond(v.login(""), nil)
	assert.Equal(t, http.StatusBadGateway, status, "what is inside is verified as ever")
}

func TestWhatIsEncryptedWronglyIsExplained(t *testing.T) {
	t.Parallel()
	otherKey := newEncryptionKey(t, jose.ECDH_ES)
	other := otherKey.Public()
	otherAlgorithm := other
	otherAlgorithm.Algorithm = string(jose.ECDH_ES_A256KW)
	foreign := newKey(t, "provider")
	for name, test := range map[string]struct {
		spoil func(*fakeProvider)
		text  string
	}{
		"userinfo for another key":      {func(p *fakeProvider) { p.encryptTo = &other }, "encrypted for another key"},
		"userinfo by another algorithm": {func(p *fakeProvider) { p.encryptTo = &otherAlgorithm }, "encrypted for another key"},
		"userinfo in clear":             {func(p *fakeProvider) { p.encryptTo = nil }, "without the encryption"},
		"userinfo in clear, JSON":       {func(p *fakeProvider) { p.userinfoJSON = true }, "without the encryption"},
		"ID Token for another key":      {func(p *fakeProvider) { p.idTokenTo = &other }, "encrypted for another key"},
		"ID Token in clear":             {func(p *fakeProvider) { p.idTokenTo = nil }, "without the encryption"},
		"userinfo of a stranger":        {func(p *fakeProvider) { p.userinfoKey = &foreign }, "could not be verified"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, public := newEncryptedVisit(t, jose.ECDH_ES, func(c *portal.Config) { c.EncryptedIDToken = true })
			v.provider.idTokenTo = &public
			test.spoil(v.provider)
			status, body := v.respond(v.login(""), nil)
			assert.Equal(t, http.StatusBadGateway, status)
			assert.Contains(t, body, test.text)
			assert.NotContains(t, body, "Ada Example")
			_, body = v.get("/profile")
			assert.NotContains(t, body, "Ada Example", "nobody may be signed in")
		})
	}
}

func TestEncryptionKeyMustFit(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*portal.Config){
		"public":            func(c *portal.Config) { c.EncryptionKey = c.EncryptionKey.Public() },
		"other algorithm":   func(c *portal.Config) { c.EncryptionKey.Algorithm = string(jose.RSA_OAEP_256) },
		"unknown algorithm": func(c *portal.Config) { c.EncryptionKey.Algorithm = string(jose.RSA1_5) },
		"missing":           func(c *portal.Config) { c.EncryptionKey, c.EncryptedIDToken = jose.JSONWebKey{}, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := portal.Config{
				Issuer: "https://id.example", ClientID: "portal", Key: newKey(t, "k"), RedirectURI: "https://portal.example/callback",
				EncryptionKey: newEncryptionKey(t, jose.ECDH_ES),
			}
			change(&c)
			_, err := portal.New(c)
			assert.ErrorContains(t, err, "Config.EncryptionKey")
		})
	}
}
