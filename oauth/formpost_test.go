package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

var (
	formTag  = regexp.MustCompile(`<form id="response-form" method="post" action="([^"]*)">`)
	inputTag = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	scripts  = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// responseForm returns where the form of the page leads and what it carries.
func responseForm(tb testing.TB, rec *httptest.ResponseRecorder) (action string, parameters url.Values) {
	tb.Helper()
	require.Equal(tb, http.StatusOK, rec.Code, rec.Body)
	require.Empty(tb, rec.Header().Get("Location"))
	require.Equal(tb, "text/html; charset=utf-8", rec.Header().Get("Content-Type"))
	require.Equal(tb, "no-store", rec.Header().Get("Cache-Control"))
	forms := formTag.FindAllStringSubmatch(rec.Body.String(), -1)
	require.Len(tb, forms, 1, rec.Body)
	parameters = url.Values{}
	for _, input := range inputTag.FindAllStringSubmatch(rec.Body.String(), -1) {
		parameters.Add(html.UnescapeString(input[1]), html.UnescapeString(input[2]))
	}
	return html.UnescapeString(forms[0][1]), parameters
}

func TestFormPostCarriesTheResponse(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.portal.client.RedirectURIs = []string{"https://portal.example/cb?a=1&b='(2)"}
	query := with(p.portal.request(), "response_mode", "form_post")
	action, parameters := responseForm(t, p.authorize(query))
	require.Equal(t, "https://portal.example/cb?a=1&b='(2)", action, "character by character")
	code := parameters.Get("code")
	require.Equal(t, url.Values{"code": {code}, "iss": {issuer}, "state": {"state-of-portal"}}, parameters)
	p.redeem(t, p.portal, code)

	action, parameters = responseForm(t, p.authorize(with(query, "scope", "unregistered")))
	require.Equal(t, "https://portal.example/cb?a=1&b='(2)", action)
	require.Equal(t, "invalid_scope", parameters.Get("error"))
	require.Equal(t, "state-of-portal", parameters.Get("state"))
	require.Equal(t, issuer, parameters.Get("iss"))
}

func TestSignedFormPostCarriesTheJWTAlone(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	query := with(p.portal.request(), "response_mode", "form_post.jwt")
	for _, q := range []url.Values{query, with(query, "scope", "unregistered")} {
		_, parameters := responseForm(t, p.authorize(q))
		require.Len(t, parameters, 1)
		require.Equal(t, "state-of-portal", responseClaims(t, p, p.portal, "ES256", parameters.Get("response"))["state"])
	}
}

func TestFormPostPageRunsItsOwnScriptAndNothingElse(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.portal.client.RedirectURIs = []string{"https://portal.example/cb", "http://localhost:9/cb", "HTTPS://portal.example/cb"}
	for uri, scheme := range map[string]string{
		"https://portal.example/cb": "https:", "http://localhost:9/cb": "http:", "HTTPS://portal.example/cb": "https:",
	} {
		query := with(with(p.portal.request(), "response_mode", "form_post"), "redirect_uri", uri)
		rec := p.authorize(with(query, "state", `</script><script>alert(1)</script>"onload='x'`))
		script := scripts.FindAllStringSubmatch(rec.Body.String(), -1)
		require.Len(t, script, 1, "the state adds none: %s", rec.Body)
		digest := sha256.Sum256([]byte(script[0][1]))
		require.Equal(t, "default-src 'none'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+
			"'; form-action "+scheme+"; frame-ancestors 'none'; base-uri 'none'", rec.Header().Get("Content-Security-Policy"))
		require.Equal(t, "DENY", rec.Header().Get("X-Frame-Options"))
		require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"))
		require.Equal(t, "strict-origin", rec.Header().Get("Referrer-Policy"))
		require.Contains(t, rec.Body.String(), `<button id="response-submit" type="submit">`)
	}
}

func TestFormPostKeepsTheStateOrRefusesIt(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	query := with(p.portal.request(), "response_mode", "form_post")
	for _, state := range []string{`a+b c&d=e#f"g'h<i>&amp;`, "  s\t ", "ខ្មែរ 🇰🇭", strings.Repeat("s", 2048), "\u2028\x01\x7f"} {
		_, parameters := responseForm(t, p.authorize(with(query, "state", state)))
		require.Equal(t, state, parameters.Get("state"))
	}
	for _, state := range []string{"a\nb", "a\rb", "a\x00b", strings.Repeat("s", 2049)} {
		_, parameters := responseForm(t, p.authorize(with(query, "state", state)))
		require.Equal(t, "invalid_request", parameters.Get("error"), "a browser would change %q", state)
		require.NotContains(t, parameters, "state")
	}
}

// An app that is called by its own scheme gets no body: the error comes by the redirect that it does get.
func TestFormPostToAnAppIsRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.portal.client.RedirectURIs = []string{"org.example.app:/cb"}
	for _, mode := range []string{"form_post", "form_post.jwt"} {
		rec := p.authorize(with(p.portal.request(), "response_mode", mode))
		requireAuthorizationError(t, rec, oauth.InvalidRequest)
		require.True(t, strings.HasPrefix(rec.Header().Get("Location"), "org.example.app:/cb?"))
	}
	response(t, p.authorize(with(p.portal.request(), "response_mode", "jwt")))
}
