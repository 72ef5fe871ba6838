package ui

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
)

// IdentifierType is a kind of identifier by which people may say who they are, such as a mobile number.
type IdentifierType struct {
	// Name becomes [authenticator.Identifier.Type], and ends the ids of fields: at most 32 lower-case letters, digits, '_'
	// and '-'. Required.
	Name string `json:"name"`
	// Labels and Hints are what the field is called and what it says below that, by language (BCP 47); those under the
	// empty language are for all others. Without labels the catalogue is asked for identifier_type.<name>, which it has for
	// vid, mobile, nrc, email and passport.
	Labels map[string]string `json:"labels,omitempty"`
	Hints  map[string]string `json:"hints,omitempty"`
	// Prefixes stand before what is typed, and are part of the identifier: one is shown, of several the person chooses one.
	Prefixes []IdentifierPrefix `json:"prefixes,omitempty"`
	// Postfix follows what is typed, and is never shown.
	Postfix string `json:"postfix,omitempty"`
	// Pattern is a regular expression (RE2) that the whole of what is typed matches; MaxLength bounds it, in characters.
	// Empty and zero mean any. Those of the prefix that is chosen count instead, where it has some.
	Pattern   string `json:"pattern,omitempty"`
	MaxLength int    `json:"max_length,omitempty"`
	// Icon is "card", "phone" or "email". Empty means none.
	Icon string `json:"icon,omitempty"`
	// Keyboard is what telephones show: "numeric", "tel", "email", or empty for text. For the first two, digits of every
	// script are taken, and spaces and dashes left out.
	Keyboard string `json:"keyboard,omitempty"`
}

// IdentifierPrefix is a prefix of an identifier, such as the dialling code of a country.
type IdentifierPrefix struct {
	// Value is the prefix. Label is shown before it, where there are several: "KHM".
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
	// Pattern and MaxLength are those of [IdentifierType], for this prefix.
	Pattern   string `json:"pattern,omitempty"`
	MaxLength int    `json:"max_length,omitempty"`
}

const (
	keyboardNumeric = "numeric"
	keyboardTel     = "tel"
	keyboardEmail   = "email"
)

var identifierName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

func checkIdentifierTypes(types []IdentifierType) error {
	var errs []error
	seen := map[string]bool{}
	for i, t := range types {
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("ui: IdentifierTypes: %d (%s): "+format, append([]any{i, t.Name}, args...)...))
		}
		if !identifierName.MatchString(t.Name) {
			fail("Name must be 1 to 32 lower-case letters, digits, '_' and '-'")
		}
		if seen[t.Name] {
			fail("an earlier one has the same name")
		}
		seen[t.Name] = true
		if !slices.Contains([]string{"", "card", "phone", "email"}, t.Icon) {
			fail("there is no icon %q", t.Icon)
		}
		if !slices.Contains([]string{"", keyboardNumeric, keyboardTel, keyboardEmail}, t.Keyboard) {
			fail("there is no keyboard %q", t.Keyboard)
		}
		rules := []IdentifierPrefix{{Pattern: t.Pattern, MaxLength: t.MaxLength}}
		for _, p := range t.Prefixes {
			if p.Value == "" {
				fail("a prefix is empty")
			}
			rules = append(rules, p)
		}
		for _, r := range rules {
			if _, err := regexp.Compile(r.Pattern); err != nil {
				fail("Pattern: %w", err)
			}
			if r.MaxLength < 0 || len(r.Value)+len(t.Postfix)+r.MaxLength > maxIdentifierBytes {
				fail("MaxLength, with prefix and postfix, must be between 0 and %d", maxIdentifierBytes)
			}
		}
	}
	return errors.Join(errs...)
}

func (t *IdentifierType) label(l *locale) string {
	if label := l.nameIn(t.Labels); label != "" {
		return label
	}
	return l.label("identifier_type", t.Name)
}

func (t *IdentifierType) autocomplete() string {
	switch {
	case t.Keyboard == keyboardTel && len(t.Prefixes) > 0:
		return "tel-national"
	case t.Keyboard == keyboardTel, t.Keyboard == keyboardEmail:
		return t.Keyboard
	}
	return "username"
}

// prefix returns the index of the prefix, or -1.
func (t *IdentifierType) prefix(value string) int {
	return slices.IndexFunc(t.Prefixes, func(p IdentifierPrefix) bool { return p.Value == value })
}

// split takes an identifier apart into the index of its prefix, or -1, and what a person types.
func (t *IdentifierType) split(value string) (prefix int, typed string) {
	prefix = -1
	longest := 0
	for i, p := range t.Prefixes {
		if strings.HasPrefix(value, p.Value) && len(p.Value) > longest {
			prefix, longest = i, len(p.Value)
		}
	}
	return prefix, strings.TrimSuffix(value[longest:], t.Postfix)
}

// rule is what holds for what is typed after the prefix.
func (t *IdentifierType) rule(prefix int) IdentifierPrefix {
	r := IdentifierPrefix{Pattern: t.Pattern, MaxLength: t.MaxLength}
	if prefix < len(t.Prefixes) {
		p := t.Prefixes[prefix]
		r.Value = p.Value
		if p.Pattern != "" {
			r.Pattern = p.Pattern
		}
		if p.MaxLength > 0 {
			r.MaxLength = p.MaxLength
		}
	}
	return r
}

// fits reports whether what is typed is what the kind of identifier looks like.
func (t *IdentifierType) fits(prefix int, typed string) bool {
	r := t.rule(prefix)
	return typed != "" && (r.MaxLength == 0 || utf8.RuneCountInString(typed) <= r.MaxLength) && matches(r.Pattern, typed)
}

// read returns the identifier that the form says, or what is the matter with it. A value that was pasted with its prefix
// or postfix is taken as well.
func (t *IdentifierType) read(l *locale, form url.Values) (id authenticator.Identifier, problem string) {
	typed, label := strings.TrimSpace(form.Get("identifier."+t.Name)), t.label(l)
	if t.Keyboard == keyboardNumeric || t.Keyboard == keyboardTel {
		typed = normalizeCode(typed)
	}
	prefix := max(0, t.prefix(form.Get("prefix."+t.Name)))
	i, rest := t.split(typed)
	if pasted := i >= 0 && strings.HasPrefix(t.Prefixes[i].Value, "+"); pasted || !t.fits(prefix, typed) {
		typed = rest
		if i >= 0 {
			prefix = i
		}
	}
	r := t.rule(prefix)
	id = authenticator.Identifier{Type: t.Name, Value: r.Value + typed + t.Postfix}
	switch {
	case typed == "":
		problem = l.text("answer.missing", "label", label)
	case r.MaxLength > 0 && utf8.RuneCountInString(typed) > r.MaxLength:
		problem = l.count("answer.too_long", r.MaxLength, "label", label)
	case !t.fits(prefix, typed), id.Validate() != nil:
		problem = l.text("answer.pattern", "label", label)
	}
	return id, problem
}
