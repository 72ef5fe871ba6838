package ui_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

// preview gets a screen, by its path with a query.
func preview(pages *ui.UI, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	pages.Preview().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/login/preview/"+path, nil))
	return w
}

func TestThePreviewShowsEveryState(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	index := preview(pages, "").Body.String()
	names := map[string]bool{}
	for _, state := range ui.PreviewStates() {
		assert.NotEmpty(t, state.Title, state.Name)
		assert.Regexp(t, `^[a-z0-9-]+$`, state.Name)
		assert.False(t, names[state.Name], "%s is there twice", state.Name)
		names[state.Name] = true
		assert.Contains(t, index, `href="`+state.Path+`"`)

		w := preview(pages, state.Path)
		assert.Contains(t, w.Header().Get("Content-Type"), "text/html", state.Name)
		assert.NotEqual(t, http.StatusInternalServerError, w.Code, state.Name)
		assert.Contains(t, w.Body.String(), "</html>", state.Name)
		assert.NotContains(t, w.Header().Get("Content-Security-Policy"), "unsafe", state.Name)
		assert.Empty(t, w.Header().Values("Set-Cookie"), state.Name)
	}
	assert.Equal(t, http.StatusNotFound, preview(pages, "unknown").Code)
}

// A page that the preview does not show is in no screenshot, and nobody looks at whether it can be read.
func TestThePreviewShowsEveryTemplate(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	marked := fstest.MapFS{}
	for _, file := range files {
		name := filepath.Base(file)
		template, err := os.ReadFile(file)
		require.NoError(t, err)
		// In the main part of a page, and in the head of the layout.
		mark := `<meta name="shown" content="` + name + `">`
		content := strings.Replace(string(template), `{{define "main"}}`, `{{define "main"}}`+mark, 1)
		content = strings.Replace(content, "<head>", "<head>"+mark, 1)
		require.Contains(t, content, mark, "%s is neither a page nor the layout", name)
		marked[name] = &fstest.MapFile{Data: []byte(content)}
	}
	pages, _ := newPages(t, func(c *ui.Config) { c.Templates = marked })
	var shown strings.Builder
	for _, state := range ui.PreviewStates() {
		shown.WriteString(preview(pages, state.Path).Body.String())
	}
	for name := range marked {
		assert.Contains(t, shown.String(), `content="`+name+`"`, "no state of the preview shows %s", name)
	}
}

func TestThePreviewShowsEveryError(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	for _, state := range ui.PreviewStates() {
		shown.WriteString(state.Name + "\n")
	}
	b, err := os.ReadFile("locales/en.json")
	require.NoError(t, err)
	var english map[string]map[string]any
	require.NoError(t, json.Unmarshal(b, &english))
	for prefix, group := range map[string]map[string]any{
		"error-": english["error"], "sharing-error-": english["sharing"]["error"].(map[string]any),
	} {
		for kind, texts := range group {
			if _, ok := texts.(map[string]any); ok {
				assert.Contains(t, shown.String(), prefix+strings.ReplaceAll(kind, "_", "-")+"\n")
			}
		}
	}
}

func TestThePreviewHasLanguagesSchemesAndDisplays(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	for _, state := range ui.PreviewStates() {
		if state.Name == "form-post" { // made without the templates, in the package oauth
			continue
		}
		body := preview(pages, state.Path+"?lang=ar&theme=dark").Body.String()
		assert.Contains(t, body, `<html lang="ar" dir="rtl">`, state.Name)
		assert.Contains(t, body, ` lang="km" dir="ltr">`, "%s can be read in another language", state.Name)
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, assetLink.FindStringSubmatch(body)[1], nil))
		assert.Contains(t, w.Body.String(), "color-scheme:dark;", state.Name)
		assert.NotContains(t, w.Body.String(), "prefers-color-scheme", state.Name)
	}
	assert.Contains(t, preview(pages, "choose?display=popup").Body.String(), `<body class="popup">`)
	assert.NotContains(t, preview(pages, "choose?display=wap").Body.String(), "stylesheet")
	assert.Contains(t, preview(pages, "choose?display=wap").Body.String(), "</b><br><small>", "the hint is a line of its own")
	assert.Contains(t, preview(pages, "?lang=km&theme=dark").Body.String(), `href="choose?lang=km&amp;theme=dark"`)
	for _, path := range []string{"choose", "landing", "sharing"} {
		assert.Contains(t, preview(pages, path+"?theme=dark&display=popup&lang=ar&other=1").Body.String(),
			`href="?lang=km&amp;display=popup&amp;theme=dark" lang="km"`, "another language of %s is shown as this one is", path)
		assert.Contains(t, preview(pages, path).Body.String(), `href="?lang=km" lang="km"`)
	}
}

func TestThePreviewIsTheSameAtAnyTime(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	body := func(path string) string {
		return csrfField.ReplaceAllString(preview(pages, path).Body.String(), "") // which is another one on every page
	}
	for _, state := range ui.PreviewStates() {
		assert.Equal(t, body(state.Path), body(state.Path), state.Name)
	}
}

func TestFormsOfThePreviewLeadNowhere(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, nil)
	assert.Contains(t, preview(pages, "password").Body.String(), `action="/login/preview/form/verify/pwd"`)
	w := httptest.NewRecorder()
	pages.Preview().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/login/preview/form/verify/pwd", strings.NewReader("response=x")))
	assert.Equal(t, http.StatusNoContent, w.Code)
	assert.Equal(t, "/login/preview/", preview(pages, "form/choose").Header().Get("Location"))
	assert.Empty(t, flow.calls)
}

func TestThePreviewIsNotAmongThePages(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/login/preview/choose", nil))
	assert.Equal(t, http.StatusNotFound, w.Code)
}

// Telephones that show plain pages only have little memory.
func TestPlainPagesOfALoginAreBelow10KB(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	for _, state := range ui.PreviewStates() {
		if strings.HasPrefix(state.Name, "sharing") || state.Name == "form-post" {
			continue // of the account, and of no page of a login
		}
		limit := 10_000
		if strings.Contains(state.Name, "bio") || strings.HasPrefix(state.Name, "kbi-all") {
			limit = 14_000 // devices are for computers, and no form has every type of question
		}
		for _, language := range []string{"en", "km"} {
			body := preview(pages, state.Path+"?display=wap&lang="+language).Body.String()
			assert.Less(t, len(body), limit, "%s in %s", state.Name, language)
		}
	}
}
