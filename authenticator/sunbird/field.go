package sunbird

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/digits"
)

const (
	maxFieldName     = 64
	maxFieldLength   = 1000
	defaultMaxLength = 100
)

// field reads the texts of one field: those that people type, and those of records.
type field struct {
	name        string
	kind        authenticator.FieldType
	date        string         // layout of time.Parse, for dates
	pattern     *regexp.Regexp // nil if there is none
	maxLength   int
	compareOnly bool
}

func newField(f authenticator.FormField, compareOnly bool) (*field, error) {
	read := &field{
		name:        f.Name,
		kind:        cmp.Or(f.Type, authenticator.FieldText),
		maxLength:   cmp.Or(f.MaxLength, defaultMaxLength),
		compareOnly: compareOnly,
	}
	var errs []error
	if !validFieldName(f.Name) {
		errs = append(errs, fmt.Errorf("a name is 1 to %d letters, digits, '_' and '-' of ASCII", maxFieldName))
	}
	if read.maxLength < 0 || read.maxLength > maxFieldLength {
		errs = append(errs, fmt.Errorf("MaxLength is not within %d", maxFieldLength))
	}
	switch read.kind {
	case authenticator.FieldText, authenticator.FieldDigits:
		if f.Format != "" {
			errs = append(errs, errors.New("only dates have a Format"))
		}
	case authenticator.FieldDate:
		var err error
		if read.date, err = dateLayout(f.Format); err != nil {
			errs = append(errs, err)
		}
		if f.Pattern != "" {
			errs = append(errs, errors.New("dates have no Pattern"))
		}
	default:
		errs = append(errs, fmt.Errorf("type %q is not known", f.Type))
	}
	if f.Pattern != "" {
		// Compiled alone first, so that "a)(b" cannot pass for a pattern.
		if _, err := regexp.Compile(f.Pattern); err != nil {
			errs = append(errs, fmt.Errorf("pattern: %w", err))
		} else {
			read.pattern = regexp.MustCompile(`\A(?:` + f.Pattern + `)\z`)
		}
	}
	return read, errors.Join(errs...)
}

func validFieldName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxFieldName
}

// answer is what a person typed into a field.
type answer struct {
	filter string // as the registry may be asked for it
	key    string // as it is compared
}

// answer reads what a person typed. The error names the field and nothing that was typed.
func (f *field) answer(text string) (answer, error) {
	refuse := func(why string) (answer, error) {
		return answer{}, fmt.Errorf("sunbird: field %q: %s", f.name, why)
	}
	switch {
	case strings.ContainsRune(text, utf8.RuneError): // what encoding/json makes of broken bytes and escapes
		return refuse("not UTF-8")
	case utf8.RuneCountInString(text) > f.maxLength:
		return refuse("too long")
	case strings.ContainsFunc(text, unicode.IsControl):
		return refuse("control character")
	}
	key, ok := f.key(text)
	if !ok {
		return refuse("empty or ill-formed")
	}
	a := answer{key: key}
	switch f.kind {
	case authenticator.FieldDate:
		a.filter = formatDate(key, f.date)
	case authenticator.FieldDigits:
		a.filter = key
	default:
		a.filter = tidy(text)
	}
	if f.pattern != nil && !f.pattern.MatchString(a.filter) {
		return refuse("does not match the pattern")
	}
	return a, nil
}

// key maps all texts that mean the same to one. It reports false for a text that means nothing.
func (f *field) key(text string) (string, bool) {
	switch f.kind {
	case authenticator.FieldDate:
		return parseDate(text, f.date)
	case authenticator.FieldDigits:
		number := digits.Normalize(text)
		return number, number != "" && strings.Trim(number, "0123456789") == ""
	default:
		folded := fold(text)
		return folded, folded != ""
	}
}

// recordKey is the key of a value in a record: a text, or a number, which is read as it is written. It is empty, as no
// answer's is, for everything else.
func (f *field) recordKey(value json.RawMessage) string {
	if text, ok := textOf(value); ok {
		if key, ok := f.key(text); ok {
			return key
		}
	}
	return ""
}

// textOf returns a JSON string, or the literal of a JSON number.
func textOf(value json.RawMessage) (string, bool) {
	if isNumber(value) {
		return string(value), true
	}
	var text *string
	if json.Unmarshal(value, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// isNumber reports whether a JSON value is a number.
func isNumber(value json.RawMessage) bool {
	return len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9')
}
