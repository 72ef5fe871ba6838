package ui_test

import (
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

// woff2 is as much of a font as is looked at here. Browsers look at more.
func woff2() []byte {
	b := append([]byte("wOF2\x00\x01\x00\x00"), make([]byte, 56)...)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)))
	binary.BigEndian.PutUint16(b[12:], 1)
	return b
}

var themeFiles = fstest.MapFS{
	"fonts/inter.woff2": {Data: woff2()}, "cut.woff2": {Data: woff2()[:60]}, "text.woff2": {Data: []byte(strings.Repeat("no font ", 20))},
	"large.woff2": {Data: make([]byte, 512<<10+1)},
	"logo.svg":    {Data: []byte(strings.Replace(drawing, "0 0 9 9", "0,0 30 10", 1))}, "script.svg": {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`)},
	"wide.svg": {Data: []byte(strings.Replace(drawing, "0 0 9 9", "0 0 900 9", 1))}, "none.svg": {Data: []byte(strings.Replace(drawing, ` viewBox="0 0 9 9"`, "", 1))},
	"large.svg": {Data: make([]byte, 256<<10+1)},
}

var stylesheet = regexp.MustCompile(`href="(/login/assets/signet\.[0-9a-f]+\.css)"`)

// asset asks the pages for a file that they link.
func asset(pages *ui.UI, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func themed(t *testing.T, theme ui.Theme) (pages *ui.UI, page *httptest.ResponseRecorder, css string) {
	t.Helper()
	theme.Files = themeFiles
	pages, flow := newPages(t, func(c *ui.Config) { c.Theme = theme })
	flow.put(fakeHandle, newConsent())
	page = get(pages, fakeHandle, "consent")
	require.Equal(t, http.StatusOK, page.Code)
	link := stylesheet.FindStringSubmatch(page.Body.String())
	require.NotNil(t, link)
	return pages, page, asset(pages, link[1]).Body.String()
}

func TestTextIsInTheFontsOfTheSystemUnlessTheThemeHasOthers(t *testing.T) {
	t.Parallel()
	_, page, css := themed(t, ui.Theme{})
	assert.Contains(t, css, `:root{--font:system-ui,"Segoe UI",`)
	assert.Contains(t, css, `:lang(km){font-family:"Noto Sans Khmer",`)
	assert.Contains(t, css, `:lang(ur){font-family:"Noto Sans Arabic",`)
	assert.NotContains(t, css, "@font-face")
	assert.NotContains(t, page.Header().Get("Content-Security-Policy"), "font-src")

	_, page, css = themed(t, ui.Theme{Fonts: map[string][]string{"": {"Inter", "ui-rounded"}, "km": {"Kantumruy Pro"}, "pt-BR": {"Rawline"}}})
	assert.Contains(t, css, `:root{--font:"Inter",ui-rounded,system-ui,"Segoe UI",`)
	assert.Contains(t, css, `:lang(km){font-family:"Kantumruy Pro","Noto Sans Khmer",`)
	assert.Contains(t, css, `:lang(ta){font-family:"Inter",ui-rounded,"Noto Sans Tamil",`)
	assert.Contains(t, css, `:lang(pt-BR){font-family:"Rawline",system-ui,`)
	assert.NotContains(t, page.Header().Get("Content-Security-Policy"), "font-src", "nothing is loaded")
}

func TestFontsOfTheThemeAreServedByTheProvider(t *testing.T) {
	t.Parallel()
	pages, page, css := themed(t, ui.Theme{
		Fonts: map[string][]string{"": {"Inter"}},
		Faces: []ui.FontFace{{
			Family: "Inter", File: "fonts/inter.woff2", Weight: "100 900", Italic: true, UnicodeRange: "U+0000-00FF, U+20A?", SizeAdjust: 107.5,
		}},
	})
	face := regexp.MustCompile(`@font-face\{(.*)\}`).FindStringSubmatch(css)
	require.NotNil(t, face)
	file := regexp.MustCompile(`^font-family:"Inter";src:url\((font\.[0-9a-f]{16}\.woff2)\) format\("woff2"\);font-display:swap;` +
		`font-weight:100 900;font-style:italic;unicode-range:U\+0000-00FF, U\+20A\?;size-adjust:107\.5%$`).FindStringSubmatch(face[1])
	require.NotNil(t, file, face[1])
	assert.Contains(t, page.Header().Get("Content-Security-Policy"), "; font-src 'self'")

	served := asset(pages, "/login/assets/"+file[1])
	assert.Equal(t, woff2(), served.Body.Bytes())
	assert.Equal(t, "font/woff2", served.Header().Get("Content-Type"))
	assert.Contains(t, served.Header().Get("Cache-Control"), "immutable")

	missing := asset(pages, "/login/none")
	assert.Contains(t, missing.Header().Get("Content-Security-Policy"), "; font-src 'self'", "pages of no login too")
}

func TestFontsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	face := func(change func(*ui.FontFace)) ui.Theme {
		f := ui.FontFace{Family: "Inter", File: "fonts/inter.woff2"}
		change(&f)
		return ui.Theme{Files: themeFiles, Faces: []ui.FontFace{f}}
	}
	for name, c := range map[string]struct {
		theme   ui.Theme
		problem string
	}{
		"no family":       {face(func(f *ui.FontFace) { f.Family = "" }), "is no name of a family"},
		"a generic one":   {face(func(f *ui.FontFace) { f.Family = "serif" }), "is no name of a family"},
		"a style":         {face(func(f *ui.FontFace) { f.Family = `x";}body{display:none` }), "is no name of a family"},
		"a style in text": {ui.Theme{Fonts: map[string][]string{"": {"x}"}}}, "is no name of a family"},
		"no language":     {ui.Theme{Fonts: map[string][]string{"x){}": {"Inter"}}}, "is no language"},
		"another case":    {ui.Theme{Fonts: map[string][]string{"PT-br": {"Inter"}}}, "is no language as BCP 47"},
		"many":            {ui.Theme{Fonts: map[string][]string{"": strings.Split("a"+strings.Repeat(",a", 16), ",")}}, "more than 16 families"},
		"many faces":      {ui.Theme{Faces: make([]ui.FontFace, 33)}, "more than 32"},
		"outside":         {face(func(f *ui.FontFace) { f.File = "../inter.woff2" }), "is no name of a WOFF2 file"},
		"a URI":           {face(func(f *ui.FontFace) { f.File = "https://fonts.example/inter.woff2" }), "is no name of a WOFF2 file"},
		"another format":  {face(func(f *ui.FontFace) { f.File = "inter.ttf" }), "is no name of a WOFF2 file"},
		"not there":       {face(func(f *ui.FontFace) { f.File = "none.woff2" }), "none.woff2"},
		"no files":        {ui.Theme{Faces: []ui.FontFace{{Family: "Inter", File: "inter.woff2"}}}, "there are no Files"},
		"cut":             {face(func(f *ui.FontFace) { f.File = "cut.woff2" }), "no WOFF2 file, or not a whole one"},
		"text":            {face(func(f *ui.FontFace) { f.File = "text.woff2" }), "no WOFF2 file"},
		"large":           {face(func(f *ui.FontFace) { f.File = "large.woff2" }), "more than 524288 bytes"},
		"a weight":        {face(func(f *ui.FontFace) { f.Weight = "bold;" }), "is no weight"},
		"a range":         {face(func(f *ui.FontFace) { f.UnicodeRange = "U+0;}" }), "the range of characters"},
		"a size":          {face(func(f *ui.FontFace) { f.SizeAdjust = 20 }), "50 to 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ui.New(ui.Config{Flow: newFakeFlow(), Theme: c.theme})
			assert.ErrorContains(t, err, c.problem)
		})
	}
}

func TestTheLogoOfTheProviderIsAFileInABoxOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, box := range map[string]string{
		"logo.svg": ` width="108" height="36"`, "wide.svg": ` width="160" height="36"`, "none.svg": "",
	} {
		pages, page, _ := themed(t, ui.Theme{LogoURI: name})
		link := regexp.MustCompile(`<div class="brand"><img class="brand-logo" src="(/login/assets/logo\.[0-9a-f]{16}\.svg)"(.*) alt="">`).FindStringSubmatch(page.Body.String())
		require.NotNil(t, link, name)
		assert.Equal(t, box, link[2])
		served := asset(pages, link[1])
		assert.Equal(t, string(themeFiles[name].Data), served.Body.String())
		assert.Equal(t, "image/svg+xml", served.Header().Get("Content-Type"))
		assert.Contains(t, served.Header().Get("Content-Security-Policy"), "sandbox", "it is opened alone, too")
	}
}

func TestALogoOfTheProviderThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, problem := range map[string]string{
		"script.svg": `an SVG with an element "script"`, "absent.png": "absent.png", "large.svg": "more than 262144 bytes",
		"text.woff2": "neither PNG, JPEG, GIF, WebP nor SVG", "../logo.svg": "must be the name of a file", "https://cdn.example/logo.svg": "must be the name of a file",
	} {
		_, err := ui.New(ui.Config{Flow: newFakeFlow(), Theme: ui.Theme{LogoURI: name, Files: themeFiles}})
		assert.ErrorContains(t, err, problem, name)
	}
}

func TestChromiumLoadsTheFontsOfTheThemeAndReservesTheLogosPlace(t *testing.T) {
	t.Parallel()
	c := newFakeLogin(t, newConsent(), func(c *ui.Config) {
		c.Theme = ui.Theme{
			LogoURI: "logo.svg", Files: themeFiles, Fonts: map[string][]string{"": {"Inter"}},
			Faces: []ui.FontFace{{Family: "Inter", File: "fonts/inter.woff2"}},
		}
	}).chromium(t, nil)
	require.Eventually(t, func() bool {
		return c.eval(`String(performance.getEntriesByType("resource").filter(e => e.name.endsWith(".woff2")).map(e => e.responseStatus))`) == "200"
	}, 10*time.Second, 5*time.Millisecond, "its policy lets the page load it")
	assert.Equal(t, "108 36", c.eval(`(b => b.width + " " + b.height)(document.querySelector(".brand img").getBoundingClientRect())`))
	assert.Contains(t, c.eval(`getComputedStyle(document.body).fontFamily`), "Inter, system-ui")
}
