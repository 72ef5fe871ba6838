package oidc_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func encryptionKeys(t *testing.T) map[jose.KeyAlgorithm]crypto.Signer {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return map[jose.KeyAlgorithm]crypto.Signer{jose.RSA_OAEP_256: rsaKey, jose.ECDH_ES: ec, jose.ECDH_ES_A256KW: ec}
}

// decrypted returns the token in a JWE, and the header of that.
func decrypted(t *testing.T, token string, key crypto.Signer, alg jose.KeyAlgorithm, enc jose.ContentEncryption) (string, jose.Header) {
	t.Helper()
	jwe, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{alg}, []jose.ContentEncryption{enc})
	require.NoError(t, err)
	content, err := jwe.Decrypt(key)
	require.NoError(t, err)
	return string(content), jwe.Header
}

func TestIDTokenAndUserinfoAreSignedAndThenEncryptedToTheClient(t *testing.T) {
	t.Parallel()
	keys := encryptionKeys(t)
	for _, alg := range oauth.KeyAlgorithms() {
		for _, enc := range oauth.ContentEncryptions() {
			t.Run(string(alg)+" "+string(enc), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				encryption := oauth.Encryption{KeyAlgorithm: alg, Content: enc}
				c := f.clients["health"]
				c.IDTokenEncryption, c.UserinfoEncryption = encryption, encryption
				c.Keys.Keys = []jose.JSONWebKey{{Key: keys[alg].Public(), KeyID: "for-me", Use: "enc"}}
				x := f.extended(t, "health", "openid email")
				w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
				require.Equal(t, http.StatusOK, w.Code)
				assert.Equal(t, "application/jwt", w.Header().Get("Content-Type"))
				for name, token := range map[string]string{"ID Token": x.Response["id_token"], "userinfo": w.Body.String()} {
					inner, header := decrypted(t, token, keys[alg], alg, enc)
					assert.Equal(t, "for-me", header.KeyID, name)
					assert.Equal(t, "JWT", header.ExtraHeaders[jose.HeaderContentType], name)
					_, claims := open(t, inner)
					assert.Equal(t, "health", claims["aud"], name)
				}
			})
		}
	}
}

// publishing is a store of clients that publish their keys.
type publishing struct {
	clientStore
	fetched []jose.JSONWebKey
}

func (p publishing) RefreshKeys(ctx context.Context, id, _ string) (*oauth.Client, error) {
	c, err := p.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	refreshed := *c
	refreshed.Keys.Keys = p.fetched
	return &refreshed, nil
}

func TestKeyForEncryptionIsFetchedWhereTheClientPublishesIt(t *testing.T) {
	t.Parallel()
	key := encryptionKeys(t)[jose.ECDH_ES]
	f := newFixture(t, func(c *oidc.Config) {
		c.Clients = publishing{c.Clients.(clientStore), []jose.JSONWebKey{{Key: key.Public(), Use: "enc"}}}
	})
	c := f.clients["health"]
	c.JWKSURI = "https://health.example/jwks"
	c.IDTokenEncryption = oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A256GCM}
	x := f.extended(t, "health", "openid")
	_, claims := open(t, first(decrypted(t, x.Response["id_token"], key, jose.ECDH_ES, jose.A256GCM)))
	assert.Equal(t, "health", claims["aud"])
}

func first[A, B any](a A, _ B) A { return a }

func TestWhatCannotBeEncryptedIsNotSentInClear(t *testing.T) {
	t.Parallel()
	signing := encryptionKeys(t)[jose.ECDH_ES]
	for name, keys := range map[string][]jose.JSONWebKey{
		"no key":                 nil,
		"a key for signatures":   {{Key: signing.Public(), Use: "sig"}},
		"a key for nothing":      {{Key: signing.Public()}},
		"a key of another kind":  {{Key: encryptionKeys(t)[jose.RSA_OAEP_256].Public(), Use: "enc"}},
		"of another algorithm":   {{Key: signing.Public(), Use: "enc", Algorithm: "ECDH-ES+A128KW"}},
		"for signatures by name": {{Key: signing.Public(), Algorithm: "ES384"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			x := f.extended(t, "health", "openid email")
			c := *f.clients["health"]
			c.UserinfoEncryption = oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A128GCM}
			c.Keys.Keys = keys
			f.clients["health"] = &c
			w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.NotContains(t, w.Body.String(), "dara")
			assert.Less(t, strings.Count(w.Body.String(), "."), 2, "no token")
		})
	}
}

func TestRegistrationForEncryptionIsChecked(t *testing.T) {
	t.Parallel()
	sign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	signing := jose.JSONWebKey{Key: sign.Public(), Use: "sig"}
	encrypting := jose.JSONWebKey{Key: encryptionKeys(t)[jose.ECDH_ES].Public(), Use: "enc"}
	good := oauth.Encryption{KeyAlgorithm: jose.ECDH_ES_A256KW, Content: jose.A128GCM}
	for name, test := range map[string]struct {
		change func(*oauth.Client)
		fails  string
	}{
		"complete":              {change: func(c *oauth.Client) { c.IDTokenEncryption, c.UserinfoEncryption = good, good }},
		"published keys":        {change: func(c *oauth.Client) { c.UserinfoEncryption, c.JWKSURI, c.Keys.Keys = good, "https://a.example/k", nil }},
		"no content encryption": {func(c *oauth.Client) { c.IDTokenEncryption.KeyAlgorithm = jose.ECDH_ES }, "has to be registered"},
		"CBC": {func(c *oauth.Client) {
			c.IDTokenEncryption = oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A128CBC_HS256}
		}, "A128CBC"},
		"RSA1_5": {func(c *oauth.Client) {
			c.UserinfoEncryption = oauth.Encryption{KeyAlgorithm: jose.RSA1_5, Content: jose.A128GCM}
		}, "RSA1_5"},
		"no key":                     {func(c *oauth.Client) { c.UserinfoEncryption, c.Keys.Keys = good, []jose.JSONWebKey{signing} }, "no key for encryption"},
		"encrypted JSON":             {func(c *oauth.Client) { c.UserinfoEncryption, c.UserinfoJSON = good, true }, "signed too"},
		"a key algorithm is missing": {func(c *oauth.Client) { c.UserinfoEncryption.Content = jose.A128GCM }, "key algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &oauth.Client{
				ID: "health", Names: map[string]string{"": "Health"}, RedirectURIs: []string{"https://health.example/cb"},
				AssertionAlgorithm: jose.ES256, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{signing, encrypting}},
			}
			test.change(c)
			err := c.Validate()
			if test.fails == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.fails)
		})
	}
}

func TestDiscoveryNamesTheEncryptionsThatThereAre(t *testing.T) {
	t.Parallel()
	document, err := json.Marshal(newFixture(t).Metadata(oauth.Metadata{}))
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(document, &m))
	for _, what := range []string{"id_token", "userinfo"} {
		assert.Equal(t, []any{"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"}, m[what+"_encryption_alg_values_supported"])
		assert.Equal(t, []any{"A128GCM", "A256GCM"}, m[what+"_encryption_enc_values_supported"])
	}
}
