package ui_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

const completeTheme = `{
	"names": {"": "National ID", "fr": "Identité nationale"},
	"logo": "/static/shield.svg",
	"light": {"accent": "#00693e", "onAccent": "#ffffff", "background": "#f4f4f4", "surface": "#fefefe", "soft": "#f0f0f0",
		"text": "#101010", "muted": "#404040", "line": "#d0d0d0", "control": "#606060", "error": "#900000", "errorBackground": "#fff0f0"},
	"dark": {"background": "#000000"},
	"scheme": "light",
	"radius": 0,
	"fonts": {"": ["Inter", "system-ui"], "km": ["Kantumruy Pro"]},
	"fontFaces": [{"family": "Inter", "file": "inter.woff2", "weight": "100 900", "italic": true, "unicodeRange": "U+0-FF", "sizeAdjust": 107}]
}`

func TestAThemeIsReadFromAFile(t *testing.T) {
	t.Parallel()
	theme, err := ui.ParseTheme([]byte(completeTheme))
	require.NoError(t, err)
	assert.Equal(t, ui.Theme{
		Names:   map[string]string{"": "National ID", "fr": "Identité nationale"},
		LogoURI: "/static/shield.svg",
		Light: ui.Colors{
			Accent: "#00693e", OnAccent: "#ffffff", Background: "#f4f4f4", Surface: "#fefefe", Soft: "#f0f0f0",
			Text: "#101010", Muted: "#404040", Line: "#d0d0d0", Control: "#606060", Error: "#900000", ErrorBackground: "#fff0f0",
		},
		Dark:   ui.Colors{Background: "#000000"},
		Scheme: "light",
		Radius: new(0.0),
		Fonts:  map[string][]string{"": {"Inter", "system-ui"}, "km": {"Kantumruy Pro"}},
		Faces: []ui.FontFace{{
			Family: "Inter", File: "inter.woff2", Weight: "100 900", Italic: true, UnicodeRange: "U+0-FF", SizeAdjust: 107,
		}},
	}, theme)

	theme, err = ui.ParseTheme([]byte(`{}`))
	require.NoError(t, err)
	assert.Equal(t, ui.Theme{}, theme)
}

func TestAThemeThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, problem string }{
		"nothing":            {``, "the file is not a JSON object"},
		"no object":          {`["light"]`, "the file is not a JSON object"},
		"no JSON":            {`{"light": {`, "not a JSON object"},
		"more than one":      {`{} {}`, "the file is not a JSON object"},
		"an unknown member":  {`{"colour": "#000000"}`, `"colour" is not known`},
		"another case":       {`{"Light": {}}`, `"Light" is not known`},
		"an unknown colour":  {`{"dark": {"hue": "#000000"}}`, `"dark.hue" is not known`},
		"a member twice":     {`{"radius": 1, "radius": 2}`, "radius is there twice"},
		"a colour twice":     {`{"light": {"text": "#000000", "text": "#ffffff"}}`, "light.text is there twice"},
		"another type":       {`{"names": "National ID"}`, "names is not an object of texts"},
		"a name of no text":  {`{"names": {"": 1}}`, "names is not an object of texts"},
		"null":               {`{"scheme": null}`, "scheme is not a text"},
		"colours as a list":  {`{"light": ["#000000"]}`, "member light is not a JSON object"},
		"a named colour":     {`{"light": {"text": "black"}}`, "light.text: it is not a colour"},
		"a style in a color": {`{"dark": {"text": "#000000;}body{display:none"}}`, "dark.text: it is not a colour"},
		"fonts as a list":    {`{"fonts": ["Inter"]}`, "fonts is not an object of arrays of texts"},
		"faces as a text":    {`{"fontFaces": "inter.woff2"}`, "fontFaces is not an array"},
		"an unknown face":    {`{"fontFaces": [{"url": "x"}]}`, `"fontFaces[0].url" is not known`},
		"a face twice":       {`{"fontFaces": [{"file": "a.woff2", "file": "b.woff2"}]}`, "fontFaces[0].file is there twice"},
		"no scheme":          {`{"scheme": "sepia"}`, "neither light nor dark"},
		"a negative radius":  {`{"radius": -1}`, "not between 0 and 24"},
		"a large radius":     {`{"radius": 1e300}`, "not between 0 and 24"},
		"no common name":     {`{"names": {"fr": "Identité"}}`, "no name under the empty language"},
		"a script as logo":   {`{"logo": "javascript:alert(1)"}`, "LogoURI"},
		"a foreign logo":     {`{"logo": "//other.example/logo.png"}`, "LogoURI"},
		"too much":           {`{"logo": "` + strings.Repeat("x", 512<<10) + `"}`, "more than"},
		"too deep":           {`{"light": ` + strings.Repeat(`[`, 100_000) + `}`, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ui.ParseTheme([]byte(c.file))
			assert.ErrorContains(t, err, c.problem)
		})
	}
}

func TestAThemeSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := ui.ParseTheme([]byte(`{"light": {"text": "black", "hue": 1}, "scheme": 7, "radius": 30, "shape": "round"}`))
	for _, problem := range []string{"light.text", `"light.hue"`, "scheme", "Radius 30", `"shape"`} {
		assert.ErrorContains(t, err, problem)
	}
}

// Whatever a file holds, it is a theme or an error, and what is measured of a theme makes sense.
func FuzzParseTheme(f *testing.F) {
	f.Add([]byte(completeTheme))
	f.Add([]byte(`{"logo":"data:image/png;base64,AAAA","dark":{"accent":"#FFCC00"},"radius":2.5}`))
	f.Add([]byte(`{"radius":1,"radius":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		theme, err := ui.ParseTheme(data)
		if err != nil {
			assert.Zero(t, theme)
			return
		}
		assert.True(t, json.Valid(data))
		for _, w := range theme.Contrast() {
			assert.Less(t, w.Ratio, w.Least)
			assert.GreaterOrEqual(t, w.Ratio, 1.0)
		}
	})
}

func TestTheLookWithoutAThemeCanBeRead(t *testing.T) {
	t.Parallel()
	assert.Empty(t, ui.Theme{}.Contrast())
	assert.Empty(t, ui.Theme{Light: ui.Colors{Accent: "#ffff00"}, Dark: ui.Colors{Accent: "#000080"}}.Contrast(), "accents are adjusted")
}

func TestColoursThatAreHardToTellApartAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		theme ui.Theme
		want  []string
	}{
		"grey text": {
			ui.Theme{Light: ui.Colors{Muted: "#777777"}, Scheme: "light"},
			[]string{"light: muted on background 4.06 of 4.5", "light: muted on surface 4.48 of 4.5", "light: muted on soft 4.14 of 4.5"},
		},
		"another scheme": {ui.Theme{Light: ui.Colors{Muted: "#777777"}, Scheme: "dark"}, nil},
		"pale fields": {
			ui.Theme{Dark: ui.Colors{Control: "#323d4b"}},
			[]string{"dark: control on surface 1.49 of 3.0", "dark: control on soft 1.33 of 3.0"},
		},
		"buttons": {
			ui.Theme{Light: ui.Colors{OnAccent: "#808080"}, Scheme: "light"},
			[]string{"light: onAccent on accent 2.03 of 4.5", "light: onAccent on accentHover 2.24 of 4.5"},
		},
		"not valid": {ui.Theme{Light: ui.Colors{Muted: "#777777"}, Scheme: "sepia"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, w := range c.theme.Contrast() {
				got = append(got, strings.NewReplacer(" has the contrast ", " ", ", and WCAG 2.2 AA asks for ", " of ").Replace(w.String()))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestColoursThatAreHardToTellApartAreLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	newPages(t, func(c *ui.Config) {
		c.Theme.Light.Muted = "#999999"
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	assert.Contains(t, log.String(), "scheme=light foreground=muted background=surface contrast=2.8")
}

// A pair that the stylesheet has and the list of pairs has not would go unnoticed.
func TestThePagesHaveNoColoursButThoseOfTheTheme(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("assets/signet.css")
	require.NoError(t, err)
	assert.NotRegexp(t, `#[0-9a-fA-F]{3,8}\b[^{]*[;}]`, string(css))
}
