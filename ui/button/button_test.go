package button_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui/button"
)

func newButton(t *testing.T, c button.Config) *button.Button {
	t.Helper()
	b, err := button.New(c)
	require.NoError(t, err)
	return b
}

func get(t *testing.T, b *button.Button, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if header != nil {
		r.Header.Set(header[0], header[1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func TestFilesHaveAStableNameAndOneToCacheForGood(t *testing.T) {
	t.Parallel()
	b := newButton(t, button.Config{BasePath: "/assets/"})
	for stable, hashed := range map[string]string{
		"/assets/" + button.ScriptName: b.ScriptPath(), "/assets/" + button.StyleName: b.StylePath(),
	} {
		first, second := get(t, b, stable), get(t, b, hashed)
		require.Equal(t, http.StatusOK, first.Code)
		require.Equal(t, http.StatusOK, second.Code)
		assert.Equal(t, first.Body.String(), second.Body.String())
		assert.Equal(t, "public, max-age=3600", first.Header().Get("Cache-Control"))
		assert.Equal(t, "public, max-age=31536000, immutable", second.Header().Get("Cache-Control"))
		for _, w := range []*httptest.ResponseRecorder{first, second} {
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
			assert.Equal(t, "cross-origin", w.Header().Get("Cross-Origin-Resource-Policy"))
		}
		unchanged := get(t, b, stable, "If-None-Match", first.Header().Get("ETag"))
		assert.Equal(t, http.StatusNotModified, unchanged.Code)
	}
	assert.Equal(t, http.StatusNotFound, get(t, b, "/assets/other.js").Code)
	post := httptest.NewRecorder()
	b.ServeHTTP(post, httptest.NewRequest(http.MethodPost, b.ScriptPath(), nil))
	assert.Equal(t, http.StatusMethodNotAllowed, post.Code)
}

func TestANameChangesTheScript(t *testing.T) {
	t.Parallel()
	one, other := newButton(t, button.Config{}), newButton(t, button.Config{Names: map[string]string{"": "</script><b>Khmer ID"}})
	assert.NotEqual(t, one.ScriptPath(), other.ScriptPath())
	assert.NotEqual(t, one.ScriptIntegrity(), other.ScriptIntegrity())
	assert.Equal(t, one.StylePath(), other.StylePath())
	assert.NotContains(t, get(t, other, other.ScriptPath()).Body.String(), "</script>")
}

func TestTheFilesAreSmall(t *testing.T) {
	t.Parallel()
	b := newButton(t, button.Config{})
	assert.Less(t, get(t, b, b.ScriptPath()).Body.Len(), 20_000)
}

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := button.New(button.Config{Names: map[string]string{"en": "Signet"}, BasePath: "plugins"})
	assert.ErrorContains(t, err, "Config.Names")
	assert.ErrorContains(t, err, "Config.BasePath")
}

func TestTheButtonSpeaksTheLanguagesOfThePages(t *testing.T) {
	t.Parallel()
	locales, err := filepath.Glob("../locales/*.json")
	require.NoError(t, err)
	var languages []string
	for _, file := range locales {
		languages = append(languages, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	assert.Equal(t, languages, newButton(t, button.Config{}).Languages())
}

func TestLinkNeedsNoScript(t *testing.T) {
	t.Parallel()
	b := newButton(t, button.Config{Names: map[string]string{"": "National ID", "fr": "l’identité nationale"}})
	tests := map[string]struct {
		link button.Link
		want []string
	}{
		"in English": {button.Link{Href: "/login"}, []string{
			`<a class="signet-button" href="/login" lang="en" dir="ltr">`, `"signet-button-box standard outline sharp_edges"`,
			`<span class="signet-button-label">Sign in with National ID</span>`}},
		"with a look": {button.Link{Href: "/login", ID: "sign-in", Theme: "filled_black", Shape: "rounded_edges"}, []string{
			`<a id="sign-in" class="signet-button"`, `"signet-button-box standard filled_black rounded_edges"`}},
		"with the name in the language": {button.Link{Href: "/login", Language: "fr-CA"}, []string{
			`lang="fr" dir="ltr"`, "Se connecter avec l’identité nationale"}},
		"from right to left": {button.Link{Href: "/login", Language: "ar"}, []string{
			`lang="ar" dir="rtl"`, "تسجيل الدخول باستخدام National ID"}},
		"in a language without a text": {button.Link{Href: "/login", Language: "de"}, []string{`lang="en" dir="ltr"`, "Sign in with"}},
		"with a label":                 {button.Link{Href: "/login", Label: "Enter"}, []string{`href="/login">`, ">Enter</span>"}},
		"as an icon": {button.Link{Href: "/login", Icon: true}, []string{
			`aria-label="Sign in with National ID"`, `"signet-button-box icon outline sharp_edges"`}},
		"with hostile values": {button.Link{Href: "javascript:alert(1)", ID: `"><script>`, Label: "<img src=x onerror=alert(1)>"}, []string{
			`href="#ZgotmplZ"`, `id="&#34;&gt;&lt;script&gt;"`, "&lt;img src=x onerror=alert(1)&gt;"}},
		"with characters that separate": {button.Link{Href: "/login?lang=km&protocol=fapi2"}, []string{
			`href="/login?lang=km&amp;protocol=fapi2"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			html, err := b.Link(test.link)
			require.NoError(t, err)
			for _, want := range test.want {
				assert.Contains(t, string(html), want)
			}
			assert.NotContains(t, string(html), "style=")
		})
	}
	_, err := b.Link(button.Link{Theme: "filled_blue", Shape: "round"})
	assert.ErrorContains(t, err, "Link.Href")
	assert.ErrorContains(t, err, "Link.Theme")
	assert.ErrorContains(t, err, "Link.Shape")
}
