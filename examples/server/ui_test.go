package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/ui/themeyaml"
)

func TestTheServerShowsEveryPage(t *testing.T) {
	t.Parallel()
	theme := write(t, "theme.json", `{"names": {"": "National ID"}, "light": {"muted": "#999999"}}`)
	templates := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(templates, "elsewhere.html"), []byte(`{{define "main"}}<h1 id="own">{{.Heading}}</h1>{{end}}`), 0o600))
	s := start(t, "-ui-preview", "-issuer", "http://localhost:8080/national", "-theme", theme, "-templates", templates)
	address := regexp.MustCompile(`http://\S+/national/login/preview/`).FindString(s.banner)
	require.NotEmpty(t, address, s.banner)
	_, index := get(t, http.DefaultClient, address)
	for _, state := range ui.PreviewStates() {
		assert.Contains(t, index, state.Path)
	}
	_, page := get(t, http.DefaultClient, address+"choose")
	assert.Contains(t, page, "National ID")
	_, page = get(t, http.DefaultClient, address+"elsewhere")
	assert.Contains(t, page, `<h1 id="own">`)
	assert.Contains(t, s.log.String(), "foreground=muted background=surface contrast=2.8")
	require.NoError(t, s.stop())
}

func TestAThemeInYAMLHasItsFilesBesideIt(t *testing.T) {
	t.Parallel()
	for _, extension := range []string{".yaml", ".yml"} {
		file := write(t, "theme"+extension, "names: {\"\": National ID}\nlogo: logo.svg\n")
		logo := filepath.Join(filepath.Dir(file), "logo.svg")
		require.NoError(t, os.WriteFile(logo, []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"><path d="M0 0h9"/></svg>`), 0o600))
		s := start(t, "-theme", file)
		_, page := get(t, http.DefaultClient, s.issuer+"/")
		assert.Contains(t, page, "National ID")
		link := regexp.MustCompile(`<img class="brand-logo" src="(/login/assets/logo\.[0-9a-f]+\.svg)" width="72" height="36"`).FindStringSubmatch(page)
		require.NotNil(t, link)
		_, served := get(t, http.DefaultClient, s.issuer+link[1])
		assert.Contains(t, served, "M0 0h9")
		require.NoError(t, s.stop())
	}
}

func TestThePreviewIsOffUnlessItIsAskedFor(t *testing.T) {
	t.Parallel()
	s := start(t)
	assert.NotContains(t, s.banner, "preview")
	res, _ := get(t, http.DefaultClient, s.issuer+"/login/preview/")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
	require.NoError(t, s.stop())
}

func TestThePreviewIsNotWherePeopleLogIn(t *testing.T) {
	t.Parallel()
	_, err := parseConfig([]string{"-ui-preview", "-issuer", "https://id.example", "-trusted-proxies", "10.0.0.0/8"}, env(nil))
	assert.ErrorContains(t, err, "-ui-preview: is for development")
}

func TestPagesThatAreWrongAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	templates := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(templates, "chose.html"), nil, 0o600))
	for name, c := range map[string]struct {
		args    []string
		problem string
	}{
		"a theme":                {[]string{"-theme", write(t, "theme.json", `{"light": {"text": "black"}}`)}, "light.text"},
		"a theme in YAML":        {[]string{"-theme", write(t, "theme.yaml", "light: {text: black}")}, "light.text"},
		"no logo":                {[]string{"-theme", write(t, "theme.json", `{"logo": "logo.svg"}`)}, "logo.svg"},
		"no file":                {[]string{"-theme", "none.json"}, "-theme: "},
		"a template":             {[]string{"-templates", templates}, "no template chose.html"},
		"no directory":           {[]string{"-templates", "none"}, "-templates: "},
		"a file for a directory": {[]string{"-templates", "ui_test.go"}, "is not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), append([]string{"-listen", "127.0.0.1:0", "-portal-listen", ""}, c.args...), env(nil), strings.NewReader(""), new(output), new(output))
			assert.ErrorContains(t, err, c.problem)
		})
	}
}

func TestTheThemeOfTheDocumentationIsRight(t *testing.T) {
	t.Parallel()
	found := examples(t, "theming.md")
	require.Len(t, found, 1)
	theme, err := ui.ParseTheme([]byte(found[0]))
	require.NoError(t, err)
	assert.Empty(t, theme.Contrast())
	page, err := os.ReadFile("../../docs/theming.md")
	require.NoError(t, err)
	written := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(string(page))
	require.NotNil(t, written)
	same, err := themeyaml.Parse([]byte(written[1]))
	require.NoError(t, err)
	assert.Equal(t, "#00693e", same.Light.Accent)
	assert.Len(t, same.Faces, 2)
	text, err := os.ReadFile("../../docs/theming.md")
	require.NoError(t, err)
	template, err := os.ReadFile("../../ui/templates/elsewhere.html")
	require.NoError(t, err)
	assert.Contains(t, string(text), "```html\n"+string(template)+"```")
	for _, name := range ui.Templates() {
		assert.Contains(t, string(text), "`"+name+"`")
	}
	for _, name := range []string{"theme", "templates", "ui-preview"} {
		assert.Contains(t, string(text), "`-"+name+"`")
	}
}
