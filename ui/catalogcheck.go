package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// CheckCatalog returns what a translator has to mend in the language files of a directory that is to be a
// [Config.Catalog], as sentences: texts that are missing, that no page shows, whose placeholders or plural forms are not
// right, that are empty, hold HTML or have space at an end. Nil means the embedded languages. A file that cannot be read
// is an error.
func CheckCatalog(overlay fs.FS) ([]string, error) {
	locales, err := fs.Sub(embedded, "locales")
	if err != nil {
		return nil, err
	}
	all, errs := readLocales(locales)
	own := all
	if overlay != nil {
		var more []error
		own, more = readLocales(overlay)
		errs = append(errs, more...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	english := maps.Clone(all[fallbackLanguage])
	for code, messages := range own {
		all.lay(code, messages)
	}
	var found []string
	for _, code := range slices.Sorted(maps.Keys(own)) {
		c := &languageCheck{code: code, own: own[code], english: english, numbers: pluralNumbers(language.Make(code))}
		c.missing(all[code], all.of(language.Make(code)))
		for _, key := range slices.Sorted(maps.Keys(c.own)) {
			c.text(key, c.own[key], overlay != nil)
		}
		found = append(found, c.found...)
	}
	return found, nil
}

// of returns what a page in the language can show without English.
func (t texts) of(tag language.Tag) map[string]message {
	if tag == language.Und {
		return map[string]message{}
	}
	messages := t.of(tag.Parent())
	maps.Copy(messages, t[tag.String()])
	return messages
}

// languageCheck is the check of one language's file.
type languageCheck struct {
	code         string
	own, english map[string]message
	// numbers says how many different numbers each plural form of the language stands for.
	numbers map[plural.Form]int
	found   []string
}

func (c *languageCheck) report(key, format string, args ...any) {
	c.found = append(c.found, c.code+": "+key+" "+fmt.Sprintf(format, args...))
}

// missing compares what the language says itself, and what its pages can show, with English. A regional language has to
// name itself.
func (c *languageCheck) missing(own, shown map[string]message) {
	for _, key := range slices.Sorted(maps.Keys(c.english)) {
		_, ok := shown[key]
		if ok && strings.HasPrefix(key, "language.") && key != "language.numbers" {
			_, ok = own[key]
		}
		if !ok {
			c.report(key, "is missing")
		}
	}
}

var markup = regexp.MustCompile(`[<>]|&[a-zA-Z#][a-zA-Z0-9]*;`)

// text checks one text of the file. Texts for names that others make up may be more than the English ones in a
// deployment's file.
func (c *languageCheck) text(key string, m message, deployment bool) {
	e, known := c.english[key]
	if !known {
		open := slices.ContainsFunc(openGroups, func(group string) bool { return strings.HasPrefix(key, group) })
		if !deployment || !open {
			c.report(key, "is not used")
		}
	}
	counted := known && len(e.forms) > 0
	if known && !counted && len(m.forms) > 0 {
		c.report(key, "has plural forms, but the page shows no number there")
	}
	for _, name := range slices.Sorted(maps.Keys(pluralForms)) {
		form := pluralForms[name]
		text, ok := m.form(form)
		if !ok {
			if counted && c.numbers[form] > 0 {
				c.report(key, "lacks the plural form %q", name)
			}
			continue
		}
		label := key
		if len(m.forms) > 0 {
			label += "." + name
		}
		c.wording(label, text, e.other)
		if known {
			// "One attempt" may do without its number, where the form stands for no other.
			c.placeholders(label, text, e.placeholders(), c.numbers[form] == 1)
		}
	}
}

func (c *languageCheck) wording(label, text, english string) {
	switch joins := english != strings.TrimSpace(english); {
	case strings.TrimSpace(text) == "":
		c.report(label, "is empty")
	case text != strings.TrimSpace(text) && !joins:
		c.report(label, "begins or ends with space")
	}
	if found := markup.FindString(text); found != "" {
		c.report(label, "holds HTML, which is shown as it is written: %s", found)
	}
}

func (c *languageCheck) placeholders(label, text string, want []string, countless bool) {
	have := placeholdersOf(text)
	for _, name := range want {
		if !slices.Contains(have, name) && (name != "count" || !countless) {
			c.report(label, "lacks the placeholder {%s}", name)
		}
	}
	for _, name := range have {
		if !slices.Contains(want, name) {
			c.report(label, "has the placeholder {%s}, which the page does not fill", name)
		}
	}
}

// pluralNumbers counts the whole numbers of each plural form of the language, as far as pages count.
func pluralNumbers(tag language.Tag) map[plural.Form]int {
	const most = 10_000
	numbers := map[plural.Form]int{}
	for n := range most {
		numbers[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]++
	}
	return numbers
}
