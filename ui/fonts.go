package ui

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// FontFace is a font that the provider serves. The stylesheet has it shown when it is there, and until then, and where it has
// no glyphs, the fonts of the system (font-display: swap).
type FontFace struct {
	// Family is what Theme.Fonts calls it. Required.
	Family string `json:"family"`
	// File is the name in Theme.Files of a WOFF2 file of at most 512 KB, which has the glyphs of as few scripts as it
	// can. Required.
	File string `json:"file"`
	// Weight is one from 1 to 1000, or two for a font that varies: "100 900". Empty means 400.
	Weight string `json:"weight"`
	// Italic says that it is one.
	Italic bool `json:"italic"`
	// UnicodeRange are the characters for which browsers load it: "U+1780-17FF, U+200B-200C". Empty means all.
	UnicodeRange string `json:"unicodeRange"`
	// SizeAdjust is its size in per cent, from 50 to 200. It keeps lines where they are when the font comes, if it is chosen
	// so that text is as wide as in the system's font. Zero means 100.
	SizeAdjust float64 `json:"sizeAdjust"`
}

const (
	maxFontBytes = 512 << 10
	maxFaces     = 32
	maxFamilies  = 16

	maxFamilyName = 64
)

// systemFonts are those that devices have, by language. They come after those of the theme.
var systemFonts = []struct{ languages, families string }{
	{"", `system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif`},
	{"ar fa ur", `"Noto Sans Arabic","Noto Naskh Arabic","Segoe UI","Geeza Pro",Tahoma,system-ui,sans-serif`},
	{"hi mr ne", `"Noto Sans Devanagari","Nirmala UI","Kohinoor Devanagari",Mangal,system-ui,sans-serif`},
	{"km", `"Noto Sans Khmer","Khmer OS","Khmer Sangam MN","Leelawadee UI","Kantumruy Pro",system-ui,sans-serif`},
	{"kn", `"Noto Sans Kannada","Nirmala UI","Kannada Sangam MN",Tunga,system-ui,sans-serif`},
	{"si", `"Noto Sans Sinhala","Nirmala UI","Sinhala Sangam MN","Iskoola Pota",system-ui,sans-serif`},
	{"ta", `"Noto Sans Tamil","Nirmala UI","Tamil Sangam MN",Latha,system-ui,sans-serif`},
}

// systemFontsOf returns the system's fonts for a language, or for that which it is a variant of.
func systemFontsOf(code string) string {
	base, _, _ := strings.Cut(strings.ToLower(code), "-")
	for _, s := range systemFonts {
		if base != "" && slices.Contains(strings.Fields(s.languages), base) {
			return s.families
		}
	}
	return systemFonts[0].families
}

var (
	// A name needs no escape between quotation marks, and those without are the generic ones, whatever else they are here.
	familyLetters = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._-]*$`)
	fontWeight    = regexp.MustCompile(`^([1-9][0-9]{0,2}|1000)( ([1-9][0-9]{0,2}|1000))?$`)
	unicodeRanges = regexp.MustCompile(`^U\+[0-9A-Fa-f?]{1,6}(-[0-9A-Fa-f]{1,6})?(, ?U\+[0-9A-Fa-f?]{1,6}(-[0-9A-Fa-f]{1,6})?)*$`)
)

// isFamilyName counts the letters itself: a regular expression that does so takes a megabyte.
func isFamilyName(name string) bool {
	return utf8.RuneCountInString(name) <= maxFamilyName && familyLetters.MatchString(name)
}

var genericFamilies = []string{"system-ui", "sans-serif", "serif", "monospace", "ui-sans-serif", "ui-serif", "ui-rounded"}

// checkFonts returns what is wrong with the fonts, as far as it can be said without the files.
func (t *Theme) checkFonts() []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("ui: Theme."+format, args...)) }
	for _, code := range slices.Sorted(maps.Keys(t.Fonts)) {
		if tag, err := language.Parse(code); code != "" && (err != nil || tag.String() != code) {
			fail("Fonts: %.40q is no language as BCP 47 writes it", code)
		}
		if len(t.Fonts[code]) > maxFamilies {
			fail("Fonts: %q has more than %d families", code, maxFamilies)
		}
		for _, family := range t.Fonts[code] {
			if !isFamilyName(family) {
				fail("Fonts: %q: %.80q is no name of a family", code, family)
			}
		}
	}
	if len(t.Faces) > maxFaces {
		fail("Faces: there are more than %d", maxFaces)
	}
	for i, f := range t.Faces {
		if !isFamilyName(f.Family) || slices.Contains(genericFamilies, f.Family) {
			fail("Faces[%d]: %.80q is no name of a family", i, f.Family)
		}
		if !fs.ValidPath(f.File) || path.Ext(f.File) != ".woff2" {
			fail("Faces[%d]: %.80q is no name of a WOFF2 file", i, f.File)
		}
		if f.Weight != "" && !fontWeight.MatchString(f.Weight) {
			fail("Faces[%d]: %.40q is no weight", i, f.Weight)
		}
		if f.UnicodeRange != "" && (len(f.UnicodeRange) > 1024 || !unicodeRanges.MatchString(f.UnicodeRange)) {
			fail("Faces[%d]: the range of characters is none", i)
		}
		if f.SizeAdjust != 0 && !(f.SizeAdjust >= 50 && f.SizeAdjust <= 200) {
			fail("Faces[%d]: the size is not from 50 to 200 per cent", i)
		}
	}
	return errs
}

// fontRules are the rules for the families of text, and for the fonts that are served, which come with them.
func (t *Theme) fontRules() (css string, faces []*asset, err error) {
	var b strings.Builder
	var errs []error
	for i, f := range t.Faces {
		content, err := readThemeFile(t.Files, f.File, maxFontBytes)
		if err == nil {
			err = checkWOFF2(content)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("ui: Theme.Faces[%d]: %w", i, err))
			continue
		}
		face := newAsset("font", "woff2", "font/woff2", content)
		faces = append(faces, face)
		b.WriteString(f.rule(face.name))
	}
	fmt.Fprintf(&b, ":root{--font:%s}\n", families(t.Fonts[""], systemFonts[0].families))
	for _, s := range systemFonts[1:] {
		for code := range strings.FieldsSeq(s.languages) {
			if t.Fonts[code] == nil {
				fmt.Fprintf(&b, ":lang(%s){font-family:%s}\n", code, families(t.Fonts[""], s.families))
			}
		}
	}
	for _, code := range slices.Sorted(maps.Keys(t.Fonts)) { // a region after its language
		if code != "" {
			fmt.Fprintf(&b, ":lang(%s){font-family:%s}\n", code, families(t.Fonts[code], systemFontsOf(code)))
		}
	}
	return b.String(), faces, errors.Join(errs...)
}

// families writes names before those of the system.
func families(names []string, system string) string {
	var b strings.Builder
	for _, name := range names {
		if !slices.Contains(genericFamilies, name) {
			name = strconv.Quote(name)
		}
		b.WriteString(name + ",")
	}
	return b.String() + system
}

// rule is the @font-face of the file, which stands beside the stylesheet.
func (f *FontFace) rule(file string) string {
	rule := fmt.Sprintf(`@font-face{font-family:%q;src:url(%s) format("woff2");font-display:swap`, f.Family, file)
	if f.Weight != "" {
		rule += ";font-weight:" + f.Weight
	}
	if f.Italic {
		rule += ";font-style:italic"
	}
	if f.UnicodeRange != "" {
		rule += ";unicode-range:" + f.UnicodeRange
	}
	if f.SizeAdjust != 0 {
		rule += ";size-adjust:" + strconv.FormatFloat(f.SizeAdjust, 'f', -1, 64) + "%"
	}
	return rule + "}\n"
}

// checkWOFF2 reads the header of a font (WOFF File Format 2.0, section 3.1).
func checkWOFF2(b []byte) error {
	const header = 48
	if len(b) < header || !bytes.HasPrefix(b, []byte("wOF2")) || binary.BigEndian.Uint32(b[8:]) != uint32(len(b)) || binary.BigEndian.Uint16(b[12:]) == 0 {
		return errors.New("it is no WOFF2 file, or not a whole one")
	}
	return nil
}

// readThemeFile reads a file of a theme.
func readThemeFile(files fs.FS, name string, most int64) ([]byte, error) {
	if files == nil {
		return nil, fmt.Errorf("there are no Files, and so no %s", name)
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return content, err
}
