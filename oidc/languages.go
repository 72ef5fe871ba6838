package oidc

import (
	"encoding/json"
	"slices"
	"strings"
)

// languages are released values, each in the languages that it comes in.
type languages struct {
	values map[string]json.RawMessage
	// tagged are, by the claim, the names with a language tag, such as name#km, sorted.
	tagged map[string][]string
	// asked are the languages that the client asked for, and own those of the provider, in order of preference.
	asked, own []string
}

// version is a value with the name under which it is released.
type version struct {
	name  string
	value json.RawMessage
}

func (p *Provider) newLanguages(values map[string]json.RawMessage, asked []string) languages {
	l := languages{values: values, asked: asked, own: p.config.ClaimsLocales}
	for name := range values {
		claim, tag, ok := strings.Cut(name, "#")
		if !ok || !isLanguageTag(tag) || len(values[name]) == 0 {
			continue
		}
		if l.tagged == nil {
			l.tagged = make(map[string][]string)
		}
		l.tagged[claim] = append(l.tagged[claim], name)
	}
	for _, names := range l.tagged {
		slices.Sort(names)
	}
	return l
}

// of returns the values of a claim to release (OpenID Connect Core section 5.2):
//
//   - under the name alone, the value in the language that the client likes best; if it is not there, the value without
//     a language; if that is not there either, the value in the first of the client's, or else the provider's, or else
//     any languages that there is;
//   - under the name with the language, the value in each language that the client asked for.
//
// A claim that comes without languages is thus released as it is, and one in languages that nobody asked for in one.
func (l *languages) of(claim string) []version {
	plain, hasPlain := l.values[claim]
	tagged := l.tagged[claim]
	if len(tagged) == 0 {
		if !hasPlain {
			return nil
		}
		return []version{{claim, plain}}
	}
	var found []string
	for i, language := range l.asked {
		name := inLanguage(tagged, language)
		if name == "" || slices.Contains(found, name) {
			continue
		}
		if i == 0 || !hasPlain && found == nil {
			plain, hasPlain = l.values[name], true
		}
		found = append(found, name)
	}
	if !hasPlain {
		plain = l.values[l.first(tagged)]
	}
	versions := []version{{claim, plain}}
	for _, name := range found {
		versions = append(versions, version{name, l.values[name]})
	}
	return versions
}

// first returns the name in the first of the provider's languages that there is.
func (l *languages) first(tagged []string) string {
	for _, language := range l.own {
		if name := inLanguage(tagged, language); name != "" {
			return name
		}
	}
	return tagged[0]
}

// inLanguage returns the name whose language is the one asked for, or else one that is less precise (look-up, RFC 4647
// section 3.4), or else more: fr for fr-CA, or fr-CA for fr. It returns "" if there is none.
func inLanguage(tagged []string, language string) string {
	for asked := language; asked != ""; asked = shorten(asked) {
		for _, name := range tagged {
			if strings.EqualFold(tagOf(name), asked) {
				return name
			}
		}
	}
	for _, name := range tagged {
		if tag := tagOf(name); len(tag) > len(language) && tag[len(language)] == '-' &&
			strings.EqualFold(tag[:len(language)], language) {
			return name
		}
	}
	return ""
}

func tagOf(name string) string { return name[strings.IndexByte(name, '#')+1:] }

// shorten cuts the last part off a language tag, and with it a single letter that only introduces it.
func shorten(tag string) string {
	tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	if i := strings.LastIndexByte(tag, '-'); i >= 0 && i == len(tag)-2 {
		tag = tag[:i]
	}
	return tag
}
