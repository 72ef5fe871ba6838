package authenticator

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

// Bounds of forms.
const (
	maxFields      = 32
	maxLanguages   = 64
	maxTextBytes   = 1 << 10
	maxFieldLength = 10_000
	maxRules       = 16
	maxOptions     = 300
	maxValueBytes  = 256
	maxPrefixes    = 300
)

var (
	phonePrefix = regexp.MustCompile(`^\+?[0-9]{1,8}$`)
	languageTag = regexp.MustCompile(`^[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}$`)
)

// Validate returns everything that is wrong with the form, so that nobody could fill it in. It names fields, and repeats
// nothing else of the form but patterns.
func (f *Form) Validate() error {
	if f == nil {
		return errors.New("there is no form")
	}
	var errs []error
	fields := f.Fields
	if len(fields) == 0 || len(fields) > maxFields {
		errs = append(errs, fmt.Errorf("a form has 1 to %d fields", maxFields))
	}
	if f.Identifier != nil {
		fields = append(slices.Clip(fields), *f.Identifier)
		if !slices.Contains([]FieldType{"", FieldText, FieldDigits, FieldDate, FieldChoice, FieldPhone}, f.Identifier.Type) ||
			len(f.Identifier.Languages)+len(f.Identifier.OptionalLanguages) > 0 || f.Identifier.Optional || f.Identifier.Fixed {
			errs = append(errs, errors.New("the identifier is one text that has to be typed"))
		}
	}
	seen := map[string]bool{}
	for _, field := range fields {
		name := fmt.Sprintf("field %.64q", field.Name)
		for _, problem := range field.problems() {
			errs = append(errs, fmt.Errorf("%s: %w", name, problem))
		}
		if seen[field.Name] {
			errs = append(errs, fmt.Errorf("%s is there twice", name))
		}
		seen[field.Name] = true
	}
	for _, field := range fields {
		if confirm := field.Name + "_confirm"; field.Confirm && seen[confirm] {
			errs = append(errs, fmt.Errorf("field %.64q: is the second field of a password that is confirmed", confirm))
		}
	}
	for _, m := range slices.Sorted(maps.Keys(f.Messages)) {
		if !slices.Contains(allMessages, m) || f.Messages[m].invalid() {
			errs = append(errs, fmt.Errorf("message %.32q: is not known, or not a text by language", m))
		}
	}
	return errors.Join(errs...)
}

func (f FormField) problems() (problems []error) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	check(knowledge.ValidName(f.Name), "a name is 1 to 64 letters, digits, '_' and '-' of ASCII")
	for what, texts := range map[string]Texts{"labels": f.Labels, "hints": f.Hints, "placeholders": f.Placeholders} {
		check(!texts.invalid(), "%s: %w", what, errTexts)
	}
	text := slices.Contains([]FieldType{"", FieldText, FieldDigits, FieldPassword, FieldPhone}, f.Type)
	is := func(t FieldType) bool { return f.Type == t }
	check(text || is(FieldDate) || is(FieldChoice) || is(FieldCheckbox) || is(FieldPhoto), "type %.32q is not known", f.Type)

	check(is(FieldDate) || f.Format == "", "only dates have a format")
	if is(FieldDate) {
		_, err := knowledge.DateLayout(f.Format)
		check(err == nil, "%w", err)
	}
	check(text || f.Pattern == "", "only texts, digits, passwords and phone numbers have a pattern")
	check(text || is(FieldDate) || len(f.Rules) == 0, "only texts, digits, passwords, phone numbers and dates have rules")
	check(len(f.Rules) <= maxRules, "there are more than %d rules", maxRules)
	for _, r := range append([]FormRule{{Pattern: f.Pattern}}, f.Rules...) {
		_, err := regexp.Compile(r.Pattern)
		check(err == nil, "pattern: %w", err)
		check(len(r.Pattern) <= maxTextBytes, "pattern: has more than %d bytes", maxTextBytes)
		check(r.Language == "" || languageTag.MatchString(r.Language), "rules: language: is no language")
		check(!r.Errors.invalid(), "rules: errors: %w", errTexts)
	}

	most := maxFieldLength
	if is(FieldPhoto) {
		most = MaxPhoto
	}
	check(f.MaxLength >= 0 && f.MaxLength <= most, "maxLength is not within %d", most)

	check(is(FieldChoice) == (len(f.Options) > 0), "a choice has options, and nothing else has")
	check(len(f.Options) <= maxOptions, "there are more than %d options", maxOptions)
	values := map[string]bool{}
	for i, o := range f.Options {
		check(o.Value != "" && len(o.Value) <= maxValueBytes && utf8.ValidString(o.Value) && !values[o.Value],
			"option %d: has no value of at most %d bytes, or that of another", i+1, maxValueBytes)
		check(!o.Labels.invalid(), "option %d: labels: %w", i+1, errTexts)
		values[o.Value] = true
	}
	check(is(FieldPhone) || len(f.Prefixes) == 0, "only phone numbers have prefixes")
	check(len(f.Prefixes) <= maxPrefixes, "there are more than %d prefixes", maxPrefixes)
	for i, p := range f.Prefixes[:min(len(f.Prefixes), maxPrefixes)] {
		check(phonePrefix.MatchString(p) && !slices.Contains(f.Prefixes[:i], p), "prefix %d: is no dialling code, or there twice", i+1)
	}

	languages := append(slices.Clip(f.Languages), f.OptionalLanguages...)
	check(f.Type == "" || is(FieldText) || len(languages) == 0, "only texts have languages")
	check(len(languages) == 0 || len(f.Languages) > 0 || f.Optional, "there are optional languages and no others")
	check(len(languages) <= maxLanguages, "there are more than %d languages", maxLanguages)
	for i, l := range languages[:min(len(languages), maxLanguages)] {
		check(languageTag.MatchString(l) && !slices.ContainsFunc(languages[:i], func(other string) bool { return sameLanguage(l, other) }),
			"languages: %d: is no language, or there twice", i+1)
	}
	check(f.Group == "" || knowledge.ValidName(f.Group), "group: is no name")
	check(is(FieldPassword) || !f.Confirm, "only passwords are confirmed")
	check(f.Type == "" || is(FieldText) || is(FieldPassword) || !f.CapsLock, "only texts and passwords have to do with caps lock")
	f.checkValue(check, values)
	return problems
}

// checkValue checks what the field holds at first.
func (f FormField) checkValue(check func(ok bool, format string, args ...any), options map[string]bool) {
	check(!f.Fixed || f.Value != "" || f.Optional, "is fixed, and has no value")
	if f.Value == "" {
		return
	}
	check(len(f.Value) <= maxTextBytes && utf8.ValidString(f.Value), "value: is no text of at most %d bytes", maxTextBytes)
	check(len(f.Languages)+len(f.OptionalLanguages) == 0, "value: a field with languages begins empty")
	switch f.Type {
	case FieldPassword, FieldPhoto:
		check(false, "value: a %s begins empty", f.Type)
	case FieldCheckbox:
		check(f.Value == "true" || f.Value == "false", "value: is neither true nor false")
	case FieldChoice:
		check(options[f.Value], "value: is none of the options")
	case FieldPhone:
		_, digits, ok := f.Number(f.Value)
		check(ok && digits != "" && strings.Trim(strings.TrimPrefix(digits, "+"), "0123456789") == "", "value: is no phone number")
	case FieldDate:
		_, ok := f.date(f.Value)
		check(ok, "value: is no date")
	}
}

var errTexts = fmt.Errorf("are not at most %d texts of 1 to %d bytes by language", maxLanguages, maxTextBytes)

// invalid reports whether these are not texts by language, or too many or too long.
func (t Texts) invalid() bool {
	for l, text := range t {
		if l != "" && !languageTag.MatchString(l) || text == "" || len(text) > maxTextBytes || !utf8.ValidString(text) {
			return true
		}
	}
	return len(t) > maxLanguages
}
