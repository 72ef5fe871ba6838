package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
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
	tag  language.Tag
	code string
	name string
	dir  string
	// layers hold the texts, those of the first going before those of the next.
	layers []*layer
	// numbers is the numbering system (CLDR) of the language, and zero its first digit.
	numbers string
	zero    rune
	// names are the languages in which to look for a name that a client or the deployment gives, best first.
	names []string
}

// message is one text, with the names of its placeholders in braces. A text with a count has a form for each plural
// category of its language.
type message struct {
	other string
	// forms are those beside other. Nil means that there are none.
	forms map[plural.Form]string
}

const fallbackLanguage = "en"

var pluralForms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// openGroups hold texts for names that others make up: claims, scopes, factors, channels, the fields of forms and trust
// frameworks.
var openGroups = []string{"claim.", "identifier_type.", "scope.", "factor.", "identify.", "verify.", "problem.", "channel.", "question.",
	"trust_framework."}

// loadCatalog lays the files of the overlay over the embedded languages. It reports texts that nothing asks for to warn.
func loadCatalog(overlay fs.FS, defaultLanguage string, warn func(file, key string)) (*catalog, error) {
	below, err := builtin()
	if err != nil {
		return nil, err
	}
	own, errs := readLocales(overlay)
	above := map[string]*layer{}
	for _, code := range slices.Sorted(maps.Keys(own)) {
		errs = append(errs, compareWithEnglish(code+".json", own[code], below[fallbackLanguage], warn)...)
		above[code] = &layer{tag: language.Make(code), head: own[code]}
	}
	c := &catalog{byCode: map[string]*locale{}}
	codes := slices.AppendSeq(slices.Collect(maps.Keys(below)), maps.Keys(above))
	slices.Sort(codes)
	for _, code := range slices.Compact(codes) {
		l, err := newLocale(code, above, below)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.languages = append(c.languages, l)
		c.byCode[code] = l
	}
	first := slices.IndexFunc(c.languages, func(l *locale) bool { return l.code == defaultLanguage })
	if first < 0 {
		errs = append(errs, fmt.Errorf("ui: the default language %q has no texts", defaultLanguage))
	} else {
		l := c.languages[first]
		c.languages = slices.Insert(slices.Delete(c.languages, first, first+1), 0, l)
	}
	return c, errors.Join(errs...)
}

// newLocale finds the texts of a language: its own, then, for what the language of a region does not say itself, the words
// of the language that CLDR names as its parent, and English for all else.
func newLocale(code string, above, below map[string]*layer) (*locale, error) {
	tag := language.Make(code)
	l := &locale{tag: tag, code: code}
	add := func(code string) {
		for _, layers := range []map[string]*layer{above, below} {
			if y := layers[code]; y != nil {
				l.layers = append(l.layers, y)
			}
		}
	}
	add(code)
	own := l.layers
	for parent := tag.Parent(); parent != language.Und; parent = parent.Parent() {
		add(parent.String())
	}
	add(fallbackLanguage)
	name, named := find(own, "language.name")
	if !named {
		return nil, fmt.Errorf("ui: language %s: language.name is missing", code)
	}
	dir, directed := find(own, "language.dir")
	if !directed || (dir.other != "ltr" && dir.other != "rtl") {
		return nil, fmt.Errorf("ui: language %s: language.dir must be ltr or rtl", code)
	}
	l.name, l.dir = name.other, dir.other
	if err := l.setNumbers(); err != nil {
		return nil, err
	}
	l.names = authenticator.LanguageTags(code)
	return l, nil
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
	return tag, messages, flatten("", tree, messages)
}

// flatten turns the groups of a language file into keys such as "verify.otp.title".
func flatten(prefix string, tree map[string]any, into map[string]message) error {
	var errs []error
	for name, value := range tree {
		key := prefix + name
		switch value := value.(type) {
		case string:
			into[key] = message{other: value}
			errs = append(errs, keyError(key, checkPlaceholders(value)))
		case map[string]any:
			if _, ok := value["other"].(string); ok {
				m, err := newMessage(value)
				errs = append(errs, keyError(key, err))
				into[key] = m
				continue
			}
			errs = append(errs, flatten(key+".", value, into))
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

func newMessage(forms map[string]any) (message, error) {
	var m message
	for name, value := range forms {
		form, known := pluralForms[name]
		text, isText := value.(string)
		if !known || !isText {
			return m, fmt.Errorf("%q is no plural form", name)
		}
		if err := checkPlaceholders(text); err != nil {
			return m, err
		}
		if form == plural.Other {
			m.other = text
			continue
		}
		if m.forms == nil {
			m.forms = map[plural.Form]string{}
		}
		m.forms[form] = text
	}
	return m, nil
}

// form returns the text for the plural form, if there is one.
func (m message) form(f plural.Form) (string, bool) {
	if f == plural.Other {
		return m.other, true
	}
	text, ok := m.forms[f]
	return text, ok
}

// cutPlaceholder returns what is before the first placeholder of a text, its name, and what is after it.
func cutPlaceholder(text string) (before, name, after string, found bool) {
	before, after, found = strings.Cut(text, "{")
	if !found {
		return text, "", "", false
	}
	name, after, found = strings.Cut(after, "}")
	return before, name, after, found
}

func checkPlaceholders(text string) error {
	for strings.ContainsAny(text, "{}") {
		before, name, after, found := cutPlaceholder(text)
		if !found || strings.Contains(before, "}") || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" {
			return errors.New("a placeholder is a name of lower-case letters in braces")
		}
		text = after
	}
	return nil
}

// placeholdersOf returns the names that the texts use.
func placeholdersOf(texts ...string) []string {
	var names []string
	for _, text := range texts {
		for {
			_, name, after, found := cutPlaceholder(text)
			if !found {
				break
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			text = after
		}
	}
	return names
}

// placeholders returns the names that the forms of the message use.
func (m message) placeholders() []string {
	return placeholdersOf(slices.AppendSeq([]string{m.other}, maps.Values(m.forms))...)
}

// compareWithEnglish finds placeholders that the pages do not fill, and warns of texts that they do not show.
func compareWithEnglish(file string, messages map[string]message, english *layer, warn func(file, key string)) []error {
	var errs []error
	for key, m := range messages {
		e, ok := english.find(key)
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
