package ui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

func withDocuments(c *ui.Config) {
	c.Documents = fstest.MapFS{
		"terms.en.txt":   {Data: []byte("# Scope\n\nUse it <well>,\nand kindly: see https://www.example.org/help.\n\n- one\n- two\n\n- three\n\n# Last\nend\n")},
		"terms.ar.txt":   {Data: []byte("الشروط")},
		"privacy.km.txt": {Data: []byte("ឯកជនភាព")},
	}
}

func open(pages http.Handler, path, language string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	return w
}

func TestTheDocumentsOfADeploymentArePages(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, withDocuments)
	flow.put("handle", &login.State{Step: login.StepChoose})
	page := get(pages, "handle", "choose").Body.String()
	assert.Contains(t, page, `<a href="/login/about/terms?lang=en"`)
	assert.Contains(t, page, `<a href="/login/about/privacy?lang=en"`)
	assert.NotContains(t, page, "about/accessibility")

	terms := open(pages, "/login/about/terms?lang=en", "ar")
	assert.Equal(t, http.StatusOK, terms.Code)
	assert.Equal(t, "no-referrer", terms.Header().Get("Referrer-Policy"))
	assert.Empty(t, terms.Header().Get("Set-Cookie"))
	body := terms.Body.String()
	assert.Contains(t, body, "<title>Terms of use – Signet</title>")
	assert.Contains(t, body, "<h2>Scope</h2>")
	assert.Contains(t, body, `<p>Use it &lt;well&gt;, and kindly: see <a href="https://www.example.org/help" rel="noopener noreferrer">https://www.example.org/help</a>.</p>`)
	assert.Equal(t, "one two", strings.Join(strings.Fields(markup.ReplaceAllString(between(body, "<ul>\n<li>one", "</ul>"), " ")), " "))
	assert.Contains(t, body, "<p>end</p>")
	assert.Contains(t, body, `href="?lang=km"`)
	assert.NotContains(t, body, "not available in your language")

	assert.Contains(t, open(pages, "/login/about/terms?ui_locales=ar", "en").Body.String(), `<html lang="ar" dir="rtl">`)
	foreign := open(pages, "/login/about/privacy", "fr").Body.String()
	assert.Contains(t, foreign, `<article class="document" lang="km" dir="ltr">`)
	assert.Contains(t, foreign, `<p class="hint" lang="fr" dir="ltr">Cette page n’existe pas dans votre langue.</p>`)
	assert.Equal(t, http.StatusNotFound, open(pages, "/login/about/accessibility", "en").Code)
	assert.Equal(t, http.StatusNotFound, open(pages, "/login/about/../choose", "en").Code)
}

func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return from + text
}

func TestALinkOfTheDeploymentComesBeforeItsDocument(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, func(c *ui.Config) {
		withDocuments(c)
		c.Links.Terms = "https://www.example.org/{language}/terms"
	})
	flow.put("handle", &login.State{Step: login.StepChoose})
	page := get(pages, "handle", "choose").Body.String()
	assert.Contains(t, page, `href="https://www.example.org/en/terms"`)
	assert.NotContains(t, page, "about/terms")
}

func TestMistakesOfDocumentsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ui.New(ui.Config{Flow: newFakeFlow(), Documents: fstest.MapFS{
		"term.en.txt": {}, "terms.en.txt": {}, "terms.x.txt": {Data: []byte("x")}, "privacy.en.txt": {Data: make([]byte, 256<<10+1)},
	}})
	for _, want := range []string{"document term.en.txt: is not called", "document terms.en.txt: is empty", "document terms.x.txt", "document privacy.en.txt"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestTheLandingPageSaysWhatThisIsAndKnowsNobody(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, withDocuments)
	landing, err := pages.LandingHandler(ui.Landing{
		Issuer: "https://id.example.org", Account: "/account/",
		Endpoints: []ui.Endpoint{{Name: "OpenID Provider configuration", URI: "https://id.example.org/.well-known/openid-configuration"}},
	})
	require.NoError(t, err)
	w := open(landing, "/", "en")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Empty(t, w.Header().Get("Set-Cookie"))
	assert.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
	for _, want := range []string{
		"<h1>Welcome to Signet</h1>", `<code id="issuer" dir="ltr">https://id.example.org</code>`,
		`<a href="https://id.example.org/.well-known/openid-configuration" lang="en" dir="ltr">OpenID Provider configuration</a>`,
		`<a href="?lang=km" lang="km" dir="ltr">ខ្មែរ</a>`, `id="your-account" href="/account/"`, `href="/login/about/terms?lang=en"`,
	} {
		assert.Contains(t, w.Body.String(), want)
	}
	assert.NotContains(t, w.Body.String(), "<form")
	assert.Contains(t, open(landing, "/?lang=ar", "en").Body.String(), `<html lang="ar" dir="rtl">`)

	r := httptest.NewRecorder()
	landing.ServeHTTP(r, httptest.NewRequest(http.MethodPost, "/", nil))
	assert.Equal(t, http.StatusMethodNotAllowed, r.Code)

	_, err = pages.LandingHandler(ui.Landing{})
	assert.ErrorContains(t, err, "Issuer is missing")
	_, err = pages.LandingHandler(ui.Landing{Issuer: "x", Endpoints: []ui.Endpoint{{Name: "x", URI: "javascript:x"}}})
	assert.ErrorContains(t, err, "Landing.Endpoints")
}

func FuzzADocumentLinksTheWebOnly(f *testing.F) {
	f.Add("# a\n\n- b\nhttps://x.example/<script> https://a@b/ https://")
	f.Fuzz(func(t *testing.T, text string) {
		for _, uri := range ui.DocumentLinks(text) {
			u, err := url.Parse(uri)
			if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
				t.Errorf("linked %q", uri)
			}
		}
	})
}
