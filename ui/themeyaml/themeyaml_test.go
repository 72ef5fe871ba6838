package themeyaml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/ui/themeyaml"
)

const complete = `# what people see
names:
  "": National ID
  fr: Identité nationale
logo: shield.svg
light: {accent: "#00693e"}
dark:
  accent: '#5cc394'
scheme: light
radius: 2.5
fonts:
  "": [Inter]
  km: [Kantumruy Pro]
fontFaces:
  - family: Inter
    file: inter.woff2
    weight: 100 900
    italic: true
    unicodeRange: U+0000-00FF
    sizeAdjust: 107
`

func Example() {
	theme, err := themeyaml.Parse([]byte("names: {\"\": National ID}\nlight:\n  accent: \"#00693e\" # in quotation marks\n"))
	fmt.Println(theme.Names[""], theme.Light.Accent, err)
	// Output: National ID #00693e <nil>
}

func TestAThemeIsReadFromYAML(t *testing.T) {
	t.Parallel()
	theme, err := themeyaml.Parse([]byte(complete))
	require.NoError(t, err)
	assert.Equal(t, ui.Theme{
		Names: map[string]string{"": "National ID", "fr": "Identité nationale"}, LogoURI: "shield.svg",
		Light: ui.Colors{Accent: "#00693e"}, Dark: ui.Colors{Accent: "#5cc394"}, Scheme: "light", Radius: new(2.5),
		Fonts: map[string][]string{"": {"Inter"}, "km": {"Kantumruy Pro"}},
		Faces: []ui.FontFace{{
			Family: "Inter", File: "inter.woff2", Weight: "100 900", Italic: true, UnicodeRange: "U+0000-00FF", SizeAdjust: 107,
		}},
	}, theme)
}

func TestYAMLThatIsNoThemeIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, problem string }{
		"nothing":              {"", "EOF"},
		"no YAML":              {"a: [", "themeyaml: yaml:"},
		"no object":            {"- light", "the file is not a JSON object"},
		"two documents":        {"radius: 1\n---\nradius: 2\n", "more than one document"},
		"an unknown member":    {"colour: black", `"colour" is not known`},
		"a member twice":       {"radius: 1\nradius: 2", "radius is there twice"},
		"a colour as comment":  {"light:\n  accent: #00693e", "light.accent is not a text"},
		"an anchor":            {"light: &a {accent: \"#000000\"}\ndark: *a", "line 1: there are no anchors"},
		"an alias of aliases":  {"names: *a", "unknown anchor"},
		"a tag":                {"radius: !!float 1", "line 1: there are no tags"},
		"a merge":              {"light: {<<: {accent: \"#000000\"}}", "the name of a member is no text"},
		"a number as name":     {"1: 2", "the name of a member is no text"},
		"an object as name":    {"{a: 1}: 2", "the name of a member is no text"},
		"a date":               {"scheme: 2026-01-01", "line 1: it is neither a text nor a number"},
		"infinity":             {"radius: .inf", "line 1: it is no number"},
		"deep":                 {"light: " + strings.Repeat("[", 30) + strings.Repeat("]", 30), "nested too deep"},
		"too much":             {strings.Repeat("#", 512<<10+1), "more than 524288 bytes"},
		"what the theme minds": {"scheme: sepia", "neither light nor dark"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theme, err := themeyaml.Parse([]byte(c.file))
			assert.ErrorContains(t, err, c.problem)
			assert.Zero(t, theme)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(complete))
	f.Add([]byte("a: &x [*x]"))
	f.Add([]byte(`{"radius": 0x10, "names": {"": "x\u0000"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if theme, err := themeyaml.Parse(data); err != nil {
			assert.Zero(t, theme)
		}
	})
}
