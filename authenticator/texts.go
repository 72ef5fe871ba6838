package authenticator

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Texts are one text in several languages: BCP 47, where a language may have its code of two letters or that of three
// ("km", "khm"). That under the empty language is for all others.
type Texts map[string]string

// In returns the text in the first of the languages that has one, and its language. A language that is not there is
// looked for with less detail: "pt" for "pt-BR" ([RFC 4647, section 3.4]). Otherwise it is the one for all others, the
// English one, or the first in the order of the codes.
//
// [RFC 4647, section 3.4]: https://www.rfc-editor.org/rfc/rfc4647#section-3.4
func (t Texts) In(locales []string) (text, language string) {
	if len(t) == 0 {
		return "", ""
	}
	for _, locale := range locales {
		if l, ok := t.find(locale); ok {
			return t[l], l
		}
	}
	if text, ok := t[""]; ok {
		return text, ""
	}
	l, ok := t.find("en")
	if !ok {
		l = slices.Min(slices.Collect(maps.Keys(t)))
	}
	return t[l], l
}

// LanguageTags returns the tags under which there may be something for people who read a language, the best first: the tag,
// those with less detail, and the code of three letters, which some registers have.
func LanguageTags(tag string) []string {
	var tags []string
	for t := tag; t != ""; t = shorten(t) {
		tags = append(tags, t)
	}
	if parsed, err := language.Parse(tag); err == nil {
		base, _ := parsed.Base()
		tags = append(tags, base.ISO3())
	}
	return tags
}

// find returns the language under which there is a text for the locale.
func (t Texts) find(locale string) (string, bool) {
	for tag := locale; tag != ""; tag = shorten(tag) {
		if _, ok := t[tag]; ok {
			return tag, true
		}
		for _, l := range slices.Sorted(maps.Keys(t)) {
			if sameLanguage(l, tag) {
				return l, true
			}
		}
	}
	return "", false
}

// sameLanguage reports whether two tags mean the same, written in codes of two letters or of three.
func sameLanguage(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	primary := func(tag string) string { s, _, _ := strings.Cut(tag, "-"); return s }
	if len(primary(a)) == len(primary(b)) {
		return false
	}
	one, err := language.Parse(a)
	other, err2 := language.Parse(b)
	return err == nil && err2 == nil && one == other
}

// shorten removes the last subtag, and a single letter before it, which introduces what is gone.
func shorten(tag string) string {
	tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	if i := strings.LastIndexByte(tag, '-'); i >= 0 && i == len(tag)-2 {
		tag = tag[:i]
	}
	return tag
}
