package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

func TestRedirectURIRegistration(t *testing.T) {
	t.Parallel()
	client := newParty(t, "portal").client
	for uri, want := range map[string]string{ // want is part of the complaint, or empty
		"https://portal.example/cb":                           "",
		"https://portal.example":                              "",
		"https://portal.example:8443/cb?a=1&b=2":              "",
		"https://portal.example/cb?codes=1":                   "",
		"http://localhost:8080/cb":                            "",
		"http://127.0.0.1/cb":                                 "",
		"http://[::1]:9000/cb":                                "",
		"example.portal.app:/oauth":                           "",
		"example.portal.app:oauth":                            "",
		"":                                                    "must be https",
		"/cb":                                                 "must be https",
		"//portal.example/cb":                                 "must be https",
		"http://portal.example/cb":                            "must be https",
		"http://127.0.0.1.example/cb":                         "must be https",
		"http://0.0.0.0/cb":                                   "must be https",
		"https:///cb":                                         "must be https",
		"https://:443/cb":                                     "must be https",
		"https:cb":                                            "must be https",
		"javascript:alert(1)":                                 "must be https",
		"data:text/html,x":                                    "must be https",
		"portal:/cb":                                          "must be https",
		"https://portal.example/cb#":                          "fragment",
		"https://portal.example/cb#x":                         "fragment",
		"https://user@portal.example/cb":                      "user information",
		"https://portal.example@evil.example/":                "user information",
		"https://portal.example/*.example\\":                  "characters",
		"https://portal.example/a b":                          "characters",
		"https://portal.example/\u00e9":                       "characters",
		`https://portal.example/"onload="`:                    "characters",
		"https://portal.example/<cb>":                         "characters",
		"https://portal.example/cb?code=1":                    "authorization response",
		"https://portal.example/cb?x=1&state=":                "authorization response",
		"https://portal.example/cb?%69ss=x":                   "authorization response",
		"https://portal.example/cb?error=x":                   "authorization response",
		"https://portal.example/cb?a=%zz":                     "authorization response",
		"https://portal.example/cb?a;b":                       "authorization response",
		"https://portal.example/%zz":                          "malformed",
		"https://portal.example/\n":                           "malformed",
		"https://portal.example:port/cb":                      "malformed",
		"https://portal.example\\@evil.example/":              "malformed",
		"https://portal.example/" + strings.Repeat("x", 2048): "too long",
	} {
		t.Run(uri, func(t *testing.T) {
			t.Parallel()
			c := *client
			c.RedirectURIs = []string{uri}
			err := c.Validate()
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, want)
		})
	}
}

func TestLogoutRegistration(t *testing.T) {
	t.Parallel()
	client := newParty(t, "portal").client
	minute, negative := time.Minute, -time.Second
	for name, c := range map[string]struct {
		change func(*oauth.Client)
		want   string
	}{
		"all of it": {func(c *oauth.Client) {
			c.PostLogoutRedirectURIs = []string{"https://portal.example/bye", "example.portal.app:/bye"}
			c.BackchannelLogoutURI, c.BackchannelLogoutSessionRequired = "https://portal.example/logout?a=b", true
			c.DefaultMaxAge = &minute
		}, ""},
		"loopback":             {func(c *oauth.Client) { c.BackchannelLogoutURI = "http://127.0.0.1:8080/logout" }, ""},
		"http":                 {func(c *oauth.Client) { c.BackchannelLogoutURI = "http://portal.example/logout" }, "backchannel_logout_uri"},
		"fragment":             {func(c *oauth.Client) { c.BackchannelLogoutURI = "https://portal.example/logout#x" }, "backchannel_logout_uri"},
		"file":                 {func(c *oauth.Client) { c.BackchannelLogoutURI = "file:///etc/passwd" }, "backchannel_logout_uri"},
		"user":                 {func(c *oauth.Client) { c.BackchannelLogoutURI = "https://a:b@portal.example/" }, "backchannel_logout_uri"},
		"long":                 {func(c *oauth.Client) { c.BackchannelLogoutURI = "https://portal.example/" + strings.Repeat("x", 2048) }, "too long"},
		"required without URI": {func(c *oauth.Client) { c.BackchannelLogoutSessionRequired = true }, "needs a backchannel_logout_uri"},
		"return to http":       {func(c *oauth.Client) { c.PostLogoutRedirectURIs = []string{"http://portal.example/bye"} }, "post-logout redirect URI"},
		"return to a script":   {func(c *oauth.Client) { c.PostLogoutRedirectURIs = []string{"javascript:alert(1)"} }, "post-logout redirect URI"},
		"too many": {func(c *oauth.Client) {
			c.PostLogoutRedirectURIs = slices.Repeat([]string{"https://portal.example/bye"}, 51)
		}, "at most 50"},
		"negative age": {func(c *oauth.Client) { c.DefaultMaxAge = &negative }, "default_max_age"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := *client
			c.change(&changed)
			err := changed.Validate()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestClientRegistrationReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	c := &oauth.Client{
		ID:               "a b",
		LogoURIs:         map[string]string{"fr": "ftp://portal.example/logo"},
		PolicyURIs:       map[string]string{"": "https://:443/"},
		TOSURIs:          map[string]string{"": "terms"},
		RedirectURIs:     []string{"https://a.example/", "https://b.example/", "https://c.example/#x"},
		Scopes:           []string{"openid", `re"cords`},
		IDTokenAlgorithm: jose.HS256, UserinfoAlgorithm: "none", UserinfoJSON: true,
	}
	err := c.Validate()
	for _, want := range []string{
		"client_id", "name", "logo_uri#fr must", "policy_uri must", "tos_uri must", "fragment", "algorithm", "scope", "sector identifier",
		"HS256", "none", "userinfo",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, err.Error(), c.Validate().Error(), "in the same order each time")
	require.ErrorContains(t, (&oauth.Client{}).Validate(), "1 to 50 redirect URIs")
}

func TestClientIdentifierIsPrintableASCII(t *testing.T) {
	t.Parallel()
	client := newParty(t, "portal").client
	for id, valid := range map[string]bool{
		"portal": true, "https://portal.example/metadata?x=1": true, strings.Repeat("x", 256): true, `"\'<>`: true,
		"": false, " portal": false, "por\ttal": false, "portal\x00": false, "portal\x7f": false, "port\u00e1l": false, "\xff": false,
		strings.Repeat("x", 257): false,
	} {
		c := *client
		c.ID = id
		require.Equal(t, valid, c.Validate() == nil, "%q", id)
	}
}

// A registration that Validate accepts can authenticate: what it counts as a usable key is what verification uses.
func TestClientNeedsAPublicKeyThatFitsItsAlgorithm(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		alg   jose.SignatureAlgorithm
		keys  []jose.JSONWebKey
		valid bool
	}{
		"fits":                      {jose.ES256, []jose.JSONWebKey{jwk(p256, "")}, true},
		"one of two fits":           {jose.ES384, []jose.JSONWebKey{jwk(p256, "1"), jwk(p384, "2")}, true},
		"says that it fits":         {jose.ES256, []jose.JSONWebKey{{Key: p256.Public(), Use: "sig", Algorithm: "ES256"}}, true},
		"none":                      {jose.ES256, nil, false},
		"other curve":               {jose.ES384, []jose.JSONWebKey{jwk(p256, "")}, false},
		"for encryption":            {jose.ES256, []jose.JSONWebKey{{Key: p256.Public(), Use: "enc"}}, false},
		"for another algorithm":     {jose.ES256, []jose.JSONWebKey{{Key: p256.Public(), Algorithm: "ECDH-ES"}}, false},
		"private":                   {jose.ES256, []jose.JSONWebKey{{Key: p256}}, false},
		"private beside public":     {jose.ES256, []jose.JSONWebKey{jwk(p256, ""), {Key: p384}}, false},
		"symmetric":                 {jose.HS256, []jose.JSONWebKey{{Key: []byte("0123456789abcdef0123456789abcdef")}}, false},
		"symmetric beside public":   {jose.ES256, []jose.JSONWebKey{jwk(p256, ""), {Key: []byte("secret")}}, false},
		"too weak":                  {jose.RS256, []jose.JSONWebKey{jwk(weak, "")}, false},
		"no key":                    {jose.ES256, []jose.JSONWebKey{{}}, false},
		"no algorithm":              {"", []jose.JSONWebKey{jwk(p256, "")}, false},
		"algorithm none":            {"none", []jose.JSONWebKey{jwk(p256, "")}, false},
		"algorithm HMAC":            {jose.HS256, []jose.JSONWebKey{jwk(p256, "")}, false},
		"algorithm nobody supports": {jose.ES512, []jose.JSONWebKey{jwk(p256, "")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newParty(t, "portal").client
			client.Keys.Keys, client.AssertionAlgorithm = c.keys, c.alg
			require.Equal(t, c.valid, client.Validate() == nil, client.Validate())
		})
	}
}

func TestSectorIsTheHostUnlessItIsRegistered(t *testing.T) {
	t.Parallel()
	require.Equal(t, "portal.example", (&oauth.Client{RedirectURIs: []string{"https://Portal.Example:8443/cb"}}).Sector())
	require.Equal(t, "app.example:/cb", (&oauth.Client{RedirectURIs: []string{"app.example:/cb"}}).Sector())
	require.Equal(t, "health.example", (&oauth.Client{SectorIdentifier: "health.example", RedirectURIs: []string{"https://portal.example/cb"}}).Sector())

	c := newParty(t, "portal").client
	c.RedirectURIs = []string{"https://a.example/cb", "https://A.example:8443/cb"}
	require.NoError(t, c.Validate())
	c.RedirectURIs = append(c.RedirectURIs, "https://b.example/cb")
	require.ErrorContains(t, c.Validate(), "sector identifier")
	c.SectorIdentifier = "a.example"
	require.NoError(t, c.Validate())
}

func TestNameIsInTheFirstLanguageThatTheClientHas(t *testing.T) {
	t.Parallel()
	c := &oauth.Client{Names: map[string]string{"": "Health portal", "kn": "ಆರೋಗ್ಯ ಪೋರ್ಟಲ್", "fr": ""}}
	require.Equal(t, "ಆರೋಗ್ಯ ಪೋರ್ಟಲ್", c.Name("ar", "kn", "en"))
	require.Equal(t, "Health portal", c.Name("fr"))
	require.Equal(t, "Health portal", c.Name())
}

func TestTextsAreThoseOfTheLanguage(t *testing.T) {
	t.Parallel()
	texts := map[string]string{"": "none", "fr": "two letters", "khm": "three letters", "pt-br": "region", "ar": ""}
	for want, languages := range map[string][]string{
		"two letters":   {"fr-CA", "fr", "fra"},
		"three letters": {"km", "khm"},
		"region":        {"pt-BR", "pt", "por"},
		"none":          {"ar", "ara"},
	} {
		text, language := oauth.InLanguage(texts, languages...)
		require.Equal(t, want, text)
		require.Equal(t, want, texts[language], "it is the text of that language")
	}
	text, language := oauth.InLanguage(texts)
	require.Equal(t, "none", text)
	require.Empty(t, language, "nobody knows which it is")
	text, _ = oauth.InLanguage(map[string]string{"fr": "fr"}, "en")
	require.Empty(t, text, "nobody is shown what is for others")

	c := &oauth.Client{
		LogoURIs:   map[string]string{"": "https://portal.example/logo", "fr": "https://portal.example/logo/fr"},
		PolicyURIs: map[string]string{"de": "https://portal.example/policy/de"},
	}
	require.Equal(t, "https://portal.example/logo/fr", c.LogoURI("fr"))
	require.Equal(t, "https://portal.example/logo", c.LogoURI("de"))
	require.Equal(t, "https://portal.example/policy/de", c.PolicyURI("de"))
	require.Empty(t, c.TOSURI("de"))
}

func TestClientHasPagesInAHundredLanguagesAtMost(t *testing.T) {
	t.Parallel()
	c := newParty(t, "portal").client
	c.TOSURIs = map[string]string{}
	for i := range 100 {
		c.TOSURIs[fmt.Sprintf("x-%d", i)] = "https://portal.example/terms"
	}
	require.NoError(t, c.Validate())
	c.TOSURIs["fr"] = "https://portal.example/terms/fr"
	require.ErrorContains(t, c.Validate(), "tos_uri is there in more than 100 languages")
}

func TestStaticClients(t *testing.T) {
	t.Parallel()
	portal, clinic := newParty(t, "portal").client, newParty(t, "clinic").client
	s, err := oauth.NewStaticClients(portal, clinic)
	require.NoError(t, err)
	c, err := s.Client(t.Context(), "clinic")
	require.NoError(t, err)
	require.Same(t, clinic, c)
	_, err = s.Client(t.Context(), "nobody")
	require.ErrorIs(t, err, oauth.ErrUnknownClient)

	_, err = oauth.NewStaticClients(portal, nil, &oauth.Client{ID: "bad"}, portal)
	for _, want := range []string{"client 1 is nil", `client "bad"`, `client "portal" is there twice`} {
		require.ErrorContains(t, err, want)
	}
}
