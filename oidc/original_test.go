package oidc_test

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func acceptOriginal(c *oidc.Config) { c.AcceptOriginal = true }

func atUserinfo(c *oidc.Config) { c.ClaimsAtUserinfo = true }

// sealed has the form of an encrypted JWT; only the client can tell more.
func sealed(header string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "..aXY.dGV4dA.dGFn"
}

// original is what an identity system signed itself.
var original = signed(`{"alg":"RS256","kid":"register"}`, `{"sub":"1","name":"Sok Dara","custom":{"x":"<&>"}}`)

const encryptedOriginal = `{"alg":"ECDH-ES","enc":"A256GCM","kid":"for-me"}`

var original5 = sealed(encryptedOriginal)

func TestWhatTheIdentitySystemSignedPassesThroughUntouched(t *testing.T) {
	t.Parallel()
	encryption := oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A256GCM}
	for mode, change := range map[string]func(*oidc.Config){"once": func(*oidc.Config) {}, "at userinfo": atUserinfo} {
		for name, tc := range map[string]struct {
			token  string
			change func(*oauth.Client)
		}{
			"a JWS":                             {original, func(*oauth.Client) {}},
			"a JWS as the client wants it":      {original, func(c *oauth.Client) { c.UserinfoAlgorithm = jose.RS256 }},
			"a JWE of the client's encryption":  {original5, func(c *oauth.Client) { c.UserinfoEncryption = encryption }},
			"a JWS of the largest allowed size": {signed(es256, `{"name":"`+strings.Repeat("x", 49095)+`"}`), func(*oauth.Client) {}},
		} {
			t.Run(name+", fetched "+mode, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, acceptOriginal, change)
				tc.change(f.clients["health"])
				f.people.original = tc.token
				x := f.extended(t, "health", "openid profile", "claims", `{"id_token":{"given_name":null}}`)
				w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
				require.Equal(t, http.StatusOK, w.Code)
				assert.Equal(t, "application/jwt", w.Header().Get("Content-Type"))
				assert.Equal(t, tc.token, w.Body.String())
				_, claims := open(t, x.Response["id_token"])
				assert.Equal(t, "Dara", claims["given_name"], "the ID Token is the provider's, with the Values")
			})
		}
	}
}

func TestWhatTheIdentitySystemSignedIsEncryptedToAClientThatWantsIt(t *testing.T) {
	t.Parallel()
	key := encryptionKeys(t)[jose.ECDH_ES]
	f := newFixture(t, acceptOriginal)
	c := f.clients["health"]
	c.UserinfoEncryption = oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A256GCM}
	c.Keys.Keys = []jose.JSONWebKey{{Key: key.Public(), KeyID: "for-me", Use: "enc"}}
	f.people.original = original
	x := f.extended(t, "health", "openid profile")
	w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
	inner, header := decrypted(t, w.Body.String(), key, jose.ECDH_ES, jose.A256GCM)
	assert.Equal(t, original, inner)
	assert.Equal(t, "JWT", header.ExtraHeaders[jose.HeaderContentType])

	c.Keys.Keys = nil
	w = f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.NotContains(t, w.Body.String(), original, "what should be encrypted never leaves in clear")
}

func TestWhatTheIdentitySystemSignedIsLeftOut(t *testing.T) {
	t.Parallel()
	accepted := func(c *oidc.Config) { c.AcceptOriginal = true }
	anyClient := func(*oauth.Client) {}
	for name, tc := range map[string]struct {
		config func(*oidc.Config)
		client func(*oauth.Client)
		token  string
	}{
		"if it is not configured":                   {func(*oidc.Config) {}, anyClient, original},
		"for a client that takes JSON":              {accepted, func(c *oauth.Client) { c.UserinfoJSON = true }, original},
		"of another algorithm than registered":      {accepted, func(c *oauth.Client) { c.UserinfoAlgorithm = jose.ES256 }, original},
		"of an algorithm that FAPI does not allow":  {accepted, func(c *oauth.Client) { c.Profile = oauth.ProfileFAPI2 }, original},
		"encrypted to a client that is not for it":  {accepted, anyClient, original5},
		"encrypted without saying how":              {accepted, anyClient, sealed(`{}`)},
		"encrypted in another way than registered":  {accepted, withEncryption(jose.RSA_OAEP_256), original5},
		"that is too long":                          {accepted, anyClient, signed(es256, `{"name":"`+strings.Repeat("x", 64<<10)+`"}`)},
		"that is unsigned":                          {accepted, anyClient, signed(`{"alg":"none"}`, `{}`)},
		"without a signature":                       {accepted, anyClient, "e30.e30."},
		"with a shared secret":                      {accepted, anyClient, signed(`{"alg":"HS256"}`, `{}`)},
		"whose algorithm is no text":                {accepted, anyClient, signed(`{"alg":["ES256"]}`, `{}`)},
		"whose header is no JSON":                   {accepted, anyClient, signed(`{`, `{}`)},
		"whose payload is no object":                {accepted, anyClient, signed(es256, `"name"`)},
		"whose payload has a name twice":            {accepted, anyClient, signed(es256, `{"sub":"1","sub":"2"}`)},
		"that is no base64url":                      {accepted, anyClient, original + "="},
		"that has a line break":                     {accepted, anyClient, original + "\n"},
		"of four parts":                             {accepted, anyClient, original + ".YQ"},
		"that is JSON":                              {accepted, anyClient, `{"name":"Sok Dara"}`},
		"encrypted, with parts that are not there ": {accepted, withEncryption(jose.ECDH_ES), strings.TrimSuffix(original5, "dGFn")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			f := newFixture(t, tc.config, func(c *oidc.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			tc.client(f.clients["health"])
			f.people.original = tc.token
			x := f.extended(t, "health", "openid email")
			assert.JSONEq(t, `{"email":"dara@example.org","email_verified":true}`, string(x.Data), "the Values are what there is")
			assert.Contains(t, log.String(), "what the identity system signed was left out")
			assert.NotContains(t, log.String(), "Dara")
			assert.NotContains(t, log.String(), tc.token)
		})
	}
}

func withEncryption(alg jose.KeyAlgorithm) func(*oauth.Client) {
	return func(c *oauth.Client) {
		c.UserinfoEncryption = oauth.Encryption{KeyAlgorithm: alg, Content: jose.A256GCM}
	}
}

func TestWhatTheIdentitySystemSignedIsForUserinfoOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t, acceptOriginal)
	f.people.original = original
	x := f.extended(t, "health", "openid", "claims", `{"id_token":{"given_name":null}}`)
	assert.Equal(t, `{}`, string(x.Data), "nothing was asked for at userinfo")
}

func TestTokenOfTheIdentitySystemIsNoUserinfoOfAClientRegisteredOtherwiseSince(t *testing.T) {
	t.Parallel()
	f := newFixture(t, acceptOriginal)
	f.people.original = original
	x := f.extended(t, "health", "openid profile")
	f.clients["health"].UserinfoJSON = true
	w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Contains(t, w.Header().Get("WWW-Authenticate"), "invalid_token")
}

func FuzzOriginal(f *testing.F) {
	f.Add(original, true)
	f.Add(original5, true)
	f.Add(original5, false)
	f.Add("a.b.c", false)
	f.Add(sealed(`{"alg":1}`), true)
	fx := newFixture(f, acceptOriginal)
	c := fx.clients["health"]
	x := fx.exchange(f, "health", "openid email")
	f.Fuzz(func(t *testing.T, token string, encrypts bool) {
		c.UserinfoEncryption = oauth.Encryption{}
		if encrypts {
			withEncryption(jose.ECDH_ES)(c)
		}
		fx.people.original, fx.people.asked = token, nil
		require.NoError(t, fx.Extend(t.Context(), x))
		if x.Data[0] != '"' {
			return
		}
		if _, err := jose.ParseSignedCompact(token, allAlgorithms); err == nil {
			return
		}
		_, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil || !encrypts {
			t.Fatalf("what is no JWT was accepted: %v", err)
		}
	})
}
