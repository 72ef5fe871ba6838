package ui

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/bidi"

	"github.com/gosignet/signet/oauth"
)

// Unicode's marks around text of another direction (UAX 9).
const firstStrongIsolate, popDirectionalIsolate = "\u2068", "\u2069"

// find returns the text for the key and the language that it is in: another, mostly English, where the locale has none
// of its own.
func (l *locale) find(key string) (message, language.Tag, bool) {
	for _, y := range l.layers {
		if m, ok := y.find(key); ok {
			return m, y.tag, true
		}
	}
	return message{}, l.tag, false
}

// has reports whether there is a text for the key.
func (l *locale) has(key string) bool {
	_, _, ok := l.find(key)
	return ok
}

// text returns the text for the key with its placeholders filled from pairs of name and value.
func (l *locale) text(key string, pairs ...string) string {
	m, tag, _ := l.find(key)
	return l.inDirection(tag, l.fill(m.other, pairs))
}

// count returns the text for the key in the plural form for n, with {count} filled.
func (l *locale) count(key string, n int, pairs ...string) string {
	m, tag, _ := l.find(key)
	i := n % 1_000_000
	text, ok := m.form(plural.Cardinal.MatchPlural(tag, i, 0, 0, 0, 0))
	if !ok {
		text = m.other
	}
	return l.inDirection(tag, l.fill(text, append(pairs, "count", l.digits(strconv.Itoa(n)))))
}

// inDirection isolates an English text on a page that runs from right to left.
func (l *locale) inDirection(tag language.Tag, text string) string {
	if l.dir == "rtl" && tag != l.tag {
		return firstStrongIsolate + text + popDirectionalIsolate
	}
	return text
}

func (l *locale) fill(text string, pairs []string) string {
	before, name, after, found := cutPlaceholder(text)
	if !found {
		return text
	}
	var b strings.Builder
	for found {
		b.WriteString(before)
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				b.WriteString(l.isolate(pairs[i+1]))
			}
		}
		before, name, after, found = cutPlaceholder(after)
	}
	b.WriteString(before)
	return b.String()
}

// isolate keeps a value that may run against the direction of the page from disturbing the words around it.
func (l *locale) isolate(value string) string {
	if l.dir == "rtl" || strings.ContainsFunc(value, rightToLeft) {
		return firstStrongIsolate + value + popDirectionalIsolate
	}
	return value
}

func rightToLeft(r rune) bool {
	if r < 0x590 {
		return false
	}
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.R || p.Class() == bidi.AL
}

// label returns the text for a name in an open group, or the name itself in readable form.
func (l *locale) label(group, name string) string {
	if key := group + "." + name; l.has(key) {
		return l.text(key)
	}
	words := []rune(strings.TrimSpace(strings.NewReplacer("_", " ", "-", " ").Replace(name)))
	if len(words) > 0 {
		words[0] = unicode.ToUpper(words[0])
	}
	return string(words)
}

// lookup is the lookup of RFC 4647 section 3.4: the first range that matches, exactly or after its last subtags are
// removed, decides.
func (c *catalog) lookup(tag language.Tag) *locale {
	for code := tag.String(); code != ""; code = parent(code) {
		if l := c.byCode[code]; l != nil {
			return l
		}
	}
	return nil
}

// parent removes the last subtag, and a single letter before it, which means nothing on its own.
func parent(code string) string {
	i := strings.LastIndexByte(code, '-')
	if i < 0 {
		return ""
	}
	if i >= 2 && code[i-2] == '-' {
		i -= 2
	}
	return code[:i]
}

const (
	maxAcceptLanguageBytes = 1024
	maxTagBytes            = 64
	maxWishes              = 16
)

// negotiate chooses the language of a page: what the person chose on it, then what the client wishes (ui_locales),
// then what the browser wishes, then the default.
func (c *catalog) negotiate(choice string, uiLocales []string, acceptLanguage string) *locale {
	if len(c.languages) == 1 {
		return c.languages[0]
	}
	if l := c.byCode[choice]; l != nil {
		return l
	}
	for _, wish := range uiLocales[:min(len(uiLocales), maxWishes)] {
		if len(wish) > maxTagBytes {
			continue
		}
		tag, err := language.Parse(wish)
		if err != nil {
			continue
		}
		if l := c.lookup(tag); l != nil {
			return l
		}
	}
	if len(acceptLanguage) <= maxAcceptLanguageBytes {
		// What could be parsed of a malformed header is as good a wish as any.
		tags, _, _ := language.ParseAcceptLanguage(acceptLanguage)
		for _, tag := range tags {
			if l := c.lookup(tag); l != nil {
				return l
			}
		}
	}
	return c.languages[0]
}

// nameIn returns the name for the language of the page from names by language, where the empty language stands for all
// others.
func (l *locale) nameIn(names map[string]string) string {
	name, _ := oauth.InLanguage(names, l.names...)
	return name
}

// clientText is a text of a client on a page.
type clientText struct {
	Text string
	// Unknown says that nobody knows its language: it is the one for all that the client does not have.
	Unknown bool
}

// clientText returns the client's text for the language of the page, as one line of at most so many characters.
func (l *locale) clientText(texts map[string]string, most int) clientText {
	text, language := oauth.InLanguage(texts, l.names...)
	return clientText{plainText(text, most), language == ""}
}
