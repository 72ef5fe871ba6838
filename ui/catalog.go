package ui

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/gosignet/signet/authenticator"
)

// catalog holds the texts of all languages.
type catalog struct {
	// languages holds the default language first, then the others in alphabetical order.
	languages []*locale
	byCode    map[string]*locale
}

// locale is one language of the pages.
type locale struct {
	tag      language.Tag
	code     string
	name     string
	dir      string
	messages map[string]message
	// numbers is the numbering system (CLDR) of the language, and zero its first digit.
	numbers string
	zero    rune
	// names are the languages in which to look for a name that a client or the deployment gives, best first.
	names []string
}

// message is one text. A text with a count has a form for each plural category of its language.
type message struct {
	// tag is the language that the text is in: another, mostly English, where the locale has none of its own.
	tag   language.Tag
	forms map[plural.Form][]segment
}

// segment is literal text, or the name of a placeholder.
type segment struct{ text, name string }

const fallbackLanguage = "en"

var pluralForms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// openGroups hold texts for names that others make up: claims, scopes, factors, channels, the fields of forms and trust
// frameworks.
var openGroups = []string{"claim.", "identifier_type.", "scope.", "factor.", "identify.", "verify.", "problem.", "channel.", "question.",
	"trust_framework."}

// loadCatalog reads the embedded languages and lays the files of the overlay over them. It reports texts that nothing
// asks for to warn.
func loadCatalog(embedded, overlay fs.FS, defaultLanguage string, warn func(file, key string)) (*catalog, error) {
	texts, errs := readLocales(embedded)
	own, more := readLocales(overlay)
	errs = append(errs, more...)
	for _, code := range slices.Sorted(maps.Keys(own)) {
		errs = append(errs, compareWithEnglish(code+".json", own[code], texts[fallbackLanguage], warn)...)
		texts.lay(code, own[code])
	}
	c := &catalog{byCode: map[string]*locale{}}
	for code := range texts {
		l, err := newLocale(code, texts)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.languages = append(c.languages, l)
		c.byCode[code] = l
	}
	slices.SortFunc(c.languages, func(a, b *locale) int { return cmp.Compare(a.code, b.code) })
	first := slices.IndexFunc(c.languages, func(l *locale) bool { return l.code == defaultLanguage })
	if first < 0 {
		errs = append(errs, fmt.Errorf("ui: the default language %q has no texts", defaultLanguage))
	} else {
		l := c.languages[first]
		c.languages = slices.Insert(slices.Delete(c.languages, first, first+1), 0, l)
	}
	return c, errors.Join(errs...)
}

// texts are the messages of languages, by language and key.
type texts map[string]map[string]message

// lay puts messages over those that the language has.
func (t texts) lay(code string, messages map[string]message) {
	if t[code] == nil {
		t[code] = map[string]message{}
	}
	maps.Copy(t[code], messages)
}

// of returns what a page in the language can show without English: for what the language of a region does not say
// itself, the words of the language that CLDR names as its parent stand.
func (t texts) of(tag language.Tag) map[string]message {
	if tag == language.Und {
		return map[string]message{}
	}
	messages := t.of(tag.Parent())
	maps.Copy(messages, t[tag.String()])
	return messages
}

func newLocale(code string, texts texts) (*locale, error) {
	tag := language.Make(code)
	l := &locale{tag: tag, code: code, messages: maps.Clone(texts[fallbackLanguage])}
	maps.Copy(l.messages, texts.of(tag))
	own := texts[code]
	if _, ok := own["language.name"]; !ok {
		return nil, fmt.Errorf("ui: language %s: language.name is missing", code)
	}
	l.name, l.dir = l.text("language.name"), l.text("language.dir")
	if _, ok := own["language.dir"]; !ok || (l.dir != "ltr" && l.dir != "rtl") {
		return nil, fmt.Errorf("ui: language %s: language.dir must be ltr or rtl", code)
	}
	if err := l.setNumbers(); err != nil {
		return nil, err
	}
	l.names = authenticator.LanguageTags(code)
	return l, nil
}

// readLocales reads the language files of a directory. What can be read of them is returned beside the errors.
func readLocales(files fs.FS) (texts, []error) {
	all := texts{}
	if files == nil {
		return all, nil
	}
	names, err := fs.Glob(files, "*.json")
	errs := []error{err}
	for _, name := range names {
		tag, messages, err := readLocale(files, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("ui: language file %s: %w", name, err))
			continue
		}
		all.lay(tag.String(), messages)
	}
	return all, errs
}

func readLocale(files fs.FS, name string) (language.Tag, map[string]message, error) {
	code := strings.TrimSuffix(path.Base(name), ".json")
	tag, err := language.Parse(code)
	if err != nil || tag.String() != code {
		return tag, nil, errors.New("the name is not a canonical language tag")
	}
	b, err := fs.ReadFile(files, name)
	if err != nil {
		return tag, nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(b, &tree); err != nil {
		return tag, nil, err
	}
	messages := map[string]message{}
	return tag, messages, flatten(tag, "", tree, messages)
}

// flatten turns the groups of a language file into keys such as "verify.otp.title".
func flatten(tag language.Tag, prefix string, tree map[string]any, into map[string]message) error {
	var errs []error
	for name, value := range tree {
		key := prefix + name
		switch value := value.(type) {
		case string:
			m, err := newMessage(tag, map[string]any{"other": value})
			errs = append(errs, keyError(key, err))
			into[key] = m
		case map[string]any:
			if _, ok := value["other"].(string); ok {
				m, err := newMessage(tag, value)
				errs = append(errs, keyError(key, err))
				into[key] = m
				continue
			}
			errs = append(errs, flatten(tag, key+".", value, into))
		default:
			errs = append(errs, fmt.Errorf("%s is neither a text nor a group", key))
		}
	}
	return errors.Join(errs...)
}

func keyError(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", key, err)
}

func newMessage(tag language.Tag, forms map[string]any) (message, error) {
	m := message{tag: tag, forms: map[plural.Form][]segment{}}
	for name, value := range forms {
		form, known := pluralForms[name]
		text, isText := value.(string)
		if !known || !isText {
			return m, fmt.Errorf("%q is no plural form", name)
		}
		segments, err := parseMessage(text)
		if err != nil {
			return m, err
		}
		m.forms[form] = segments
	}
	return m, nil
}

var placeholder = regexp.MustCompile(`\{([a-z]+)\}`)

func parseMessage(text string) ([]segment, error) {
	var segments []segment
	end := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		if at[0] > end {
			segments = append(segments, segment{text: text[end:at[0]]})
		}
		segments = append(segments, segment{name: text[at[2]:at[3]]})
		end = at[1]
	}
	if end < len(text) {
		segments = append(segments, segment{text: text[end:]})
	}
	for _, s := range segments {
		if strings.ContainsAny(s.text, "{}") {
			return nil, errors.New("a placeholder is a name of lower-case letters in braces")
		}
	}
	return segments, nil
}

// placeholders returns the names that the forms of the message use.
func (m message) placeholders() []string {
	var names []string
	for _, form := range m.forms {
		for _, s := range form {
			if s.name != "" && !slices.Contains(names, s.name) {
				names = append(names, s.name)
			}
		}
	}
	return names
}

// compareWithEnglish finds placeholders that the pages do not fill, and warns of texts that they do not show.
func compareWithEnglish(file string, messages, english map[string]message, warn func(file, key string)) []error {
	var errs []error
	for key, m := range messages {
		e, ok := english[key]
		if !ok {
			if !slices.ContainsFunc(openGroups, func(group string) bool { return strings.HasPrefix(key, group) }) {
				warn(file, key)
			}
			continue
		}
		for _, name := range m.placeholders() {
			if !slices.Contains(e.placeholders(), name) {
				errs = append(errs, fmt.Errorf("ui: language file %s: %s: the page does not fill {%s}", file, key, name))
			}
		}
	}
	return errs
}
