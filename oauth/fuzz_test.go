package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// quiet keeps a million runs from filling the memory with logs and events.
func quiet(c *oauth.Config) { c.Logger, c.Audit = nil, nil }

func FuzzAuthorizationRequest(f *testing.F) {
	p := newProvider(f, quiet, func(c *oauth.Config) {
		c.Extension = &extension{parameters: []string{"nonce", "claims"}}
	})
	p.portal.client.PKCEOptional = true
	p.portal.client.RedirectURIs = append(p.portal.client.RedirectURIs, "https://portal.example/cb?a=1", "app.example:/cb")
	good := p.portal.request()
	f.Add(good.Encode())
	f.Add("")
	f.Add(good.Encode() + "&state=%zz")
	for name := range good {
		f.Add(with(good, name).Encode())
		f.Add(with(good, name, "a", "b").Encode())
		f.Add(with(good, name, "\x00\xff\"\\\u00e9").Encode())
	}
	f.Add(with(good, "redirect_uri", "https://portal.example/cb?a=1").Encode())
	f.Add(with(good, "redirect_uri", "https://portal.example@evil.example/cb").Encode())
	f.Add(with(good, "request_uri", "urn:x").Encode())
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodPost, "/authorize", strings.NewReader(query))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		p.login.shown = nil
		rec := serve(p.AuthorizationHandler(p.login), r)
		if p.login.shown != nil {
			require.Empty(t, rec.Header().Get("Location"))
			require.Contains(t, registeredAtAuthorization, p.login.shown.Code)
			requireDescription(t, p.login.shown.Description)
			return
		}
		require.Equal(t, http.StatusSeeOther, rec.Code)
		location := rec.Header().Get("Location")
		sent, err := url.ParseQuery(query)
		require.NoError(t, err, "what is malformed is never answered at the client")
		registered := slices.ContainsFunc(p.portal.client.RedirectURIs, func(uri string) bool {
			return uri == sent.Get("redirect_uri") && (strings.HasPrefix(location, uri+"?") || strings.HasPrefix(location, uri+"&"))
		})
		require.True(t, registered, location)
		require.NotContains(t, location, "#")
		u, err := url.Parse(location)
		require.NoError(t, err)
		parameters := u.Query()
		require.Equal(t, []string{issuer}, parameters["iss"])
		if parameters.Has("state") {
			require.Equal(t, sent["state"], parameters["state"])
		}
		if parameters.Has("code") {
			require.NotContains(t, parameters, "error")
			require.Equal(t, sent.Get("state"), parameters.Get("state"))
			return
		}
		require.Contains(t, registeredAtAuthorization, oauth.ErrorCode(parameters.Get("error")))
		requireDescription(t, parameters.Get("error_description"))
	})
}

func FuzzTokenRequest(f *testing.F) {
	p := newProvider(f, quiet)
	good := url.Values{
		"grant_type": {"authorization_code"}, "code": {strings.Repeat("A", 43)}, "redirect_uri": {"https://portal.example/cb"},
		"code_verifier": {verifier}, "client_assertion_type": {assertionType}, "client_assertion": {"ASSERTION"},
	}
	f.Add(good.Encode())
	f.Add("")
	f.Add(good.Encode() + "&x=%zz")
	for name := range good {
		f.Add(with(good, name).Encode())
		f.Add(with(good, name, "a", "b").Encode())
		f.Add(with(good, name, "\x00\xff\"\\\u00e9").Encode())
	}
	f.Fuzz(func(t *testing.T, body string) {
		// A fresh assertion in place of the word lets the fuzzer look behind the authentication.
		body = strings.Replace(body, "ASSERTION", p.portal.assertion(t, nil), 1)
		for _, h := range []http.Handler{p.TokenHandler(), p.IntrospectionHandler(), p.RevocationHandler()} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			rec := serve(h, r)
			require.NotEqual(t, http.StatusOK, rec.Code, "there is no code, and the assertion is for one endpoint")
			e := decode[map[string]string](t, rec)
			requireRefused(t, rec, rec.Code, oauth.ErrorCode(e["error"]))
			require.Less(t, rec.Code, 500)
		}
	})
}

func FuzzClientAssertion(f *testing.F) {
	p := newProvider(f, quiet)
	good := p.portal.assertion(f, map[string]any{"exp": p.clock.Now().Unix() + 3600})
	part := strings.Split(good, ".")
	for _, seed := range []string{
		good, "", ".", "..", "...", part[0] + "." + part[1] + ".", "eyJhbGciOiJub25lIn0." + part[1] + ".",
		"e30.e30.e30", part[0] + ".bnVsbA." + part[2], part[0] + "." + part[1] + "\n." + part[2], strings.Repeat("A", 20<<10),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, assertion string) {
		rec := post(p.IntrospectionHandler(), url.Values{
			"client_assertion_type": {assertionType}, "client_assertion": {assertion}, "token": {"x"},
		})
		// ES256 signatures cannot be guessed, but (r, -s) is one too: the claims decide.
		if rec.Code == http.StatusOK {
			require.Equal(t, part[:2], strings.Split(assertion, ".")[:2])
			return
		}
		e := decode[map[string]string](t, rec)
		requireRefused(t, rec, rec.Code, oauth.ErrorCode(e["error"]))
		require.Less(t, rec.Code, 500)
	})
}

func FuzzAccessToken(f *testing.F) {
	p := newProvider(f, quiet)
	token := p.redeem(f, p.portal, p.code(f, p.portal)).AccessToken
	part := strings.Split(token, ".")
	for _, seed := range []string{
		token, "", ".", "..", part[0] + "." + part[1] + ".", "x." + part[1] + "." + part[2], part[1], "e30.e30.e30",
		token + "\n", token + ".x", "e30.eyJqdGkiOiIifQ.", "e30.bnVsbA.",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, presented string) {
		opened, err := p.AccessToken(t.Context(), presented)
		if err == nil {
			require.Equal(t, token, presented, "only the token itself opens its record")
			require.Equal(t, "portal", opened.ClientID)
			return
		}
		e := oauth.AsError(err)
		require.Equal(t, oauth.InvalidToken, e.Code)
		requireDescription(t, e.Description)
		if presented != "" && len(presented) < 1<<15 {
			require.False(t, p.active(t, p.clinic, strings.ToValidUTF8(presented, "x")))
		}
	})
}

func FuzzRedirectURIRegistration(f *testing.F) {
	p := newProvider(f, quiet)
	for _, seed := range []string{
		"https://portal.example/cb", "https://portal.example/cb?a=1", "https://portal.example/cb?code=1", "http://127.0.0.1/cb",
		"app.example:/cb", "javascript:alert(1)", "https://a@b/", "https://a\\@b/", "https://a/#", "https://[::1]/", "https://:1/", "https://a/?&&",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		client := *p.portal.client
		client.RedirectURIs = []string{uri}
		if client.Validate() != nil {
			return
		}
		base, err := url.Parse(uri)
		require.NoError(t, err)
		response := oauth.AuthorizationResponse{RedirectURI: uri, Parameters: url.Values{"code": {"c d+e"}, "iss": {issuer}, "state": {"&"}}}
		u, err := url.Parse(response.URL())
		require.NoError(t, err)
		require.Equal(t, base.Scheme, u.Scheme)
		require.Equal(t, base.Host, u.Host)
		require.Equal(t, base.Opaque, u.Opaque)
		require.Equal(t, base.EscapedPath(), u.EscapedPath())
		require.Nil(t, u.User)
		require.Empty(t, u.Fragment)
		for name, values := range response.Parameters {
			require.Equal(t, values, u.Query()[name], "exactly what the provider says")
		}
		for name, values := range base.Query() {
			require.Equal(t, values, u.Query()[name], "and what was registered")
		}
		require.True(t, u.Scheme == "https" || u.Scheme == "http" || strings.Contains(u.Scheme, "."))
	})
}
