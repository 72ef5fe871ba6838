package knowledge

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxFieldName     = 64
	maxFieldLength   = 1000
	defaultMaxLength = 100
)

// The types of fields, as the form of an Authenticator names them.
const (
	text   = "text"
	number = "digits"
	date   = "date"
)

// Spec describes a field in the words of authenticator.FormField, which says what they mean.
type Spec struct {
	Name, Type, Format, Pattern string
	MaxLength                   int
	// Loose compares texts as [FoldLoose] does. Otherwise it is done as Fold does.
	Loose bool
}

// Field reads the texts of one field: those that people type, and those of registers.
type Field struct {
	// Name is that of the field.
	Name string
	// DateLayout is a layout of time.Parse for dates, and otherwise empty.
	DateLayout string

	kind      string
	fold      func(string) string
	pattern   *regexp.Regexp // nil if there is none
	maxLength int
}

// NewField returns the field, or everything that is wrong with it. The errors do not name it.
func NewField(s Spec) (*Field, error) {
	f := &Field{
		Name:      s.Name,
		kind:      cmp.Or(s.Type, text),
		fold:      Fold,
		maxLength: cmp.Or(s.MaxLength, defaultMaxLength),
	}
	if s.Loose {
		f.fold = FoldLoose
	}
	var errs []error
	if !ValidName(s.Name) {
		errs = append(errs, fmt.Errorf("a name is 1 to %d letters, digits, '_' and '-' of ASCII", maxFieldName))
	}
	if f.maxLength < 0 || f.maxLength > maxFieldLength {
		errs = append(errs, fmt.Errorf("MaxLength is not within %d", maxFieldLength))
	}
	switch f.kind {
	case text, number:
		if s.Format != "" {
			errs = append(errs, errors.New("only dates have a Format"))
		}
	case date:
		var err error
		if f.DateLayout, err = DateLayout(s.Format); err != nil {
			errs = append(errs, err)
		}
		if s.Pattern != "" {
			errs = append(errs, errors.New("dates have no Pattern"))
		}
	default:
		errs = append(errs, fmt.Errorf("type %q is not known", s.Type))
	}
	if s.Pattern != "" {
		// Compiled alone first, so that "a)(b" cannot pass for a pattern.
		if _, err := regexp.Compile(s.Pattern); err != nil {
			errs = append(errs, fmt.Errorf("pattern: %w", err))
		} else {
			f.pattern = regexp.MustCompile(`\A(?:` + s.Pattern + `)\z`)
		}
	}
	return f, errors.Join(errs...)
}

// ValidName reports whether a field can have the name.
func ValidName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxFieldName
}

// Answer is what a person typed into a field.
type Answer struct {
	// Tidy is the text as a register would write it.
	Tidy string
	// Key is what to compare: see [Field.Key].
	Key string
}

// Answer reads what a person typed. The error names the field and nothing that was typed.
func (f *Field) Answer(typed string) (Answer, error) {
	refuse := func(why string) (Answer, error) {
		return Answer{}, fmt.Errorf("field %q: %s", f.Name, why)
	}
	switch {
	case strings.ContainsRune(typed, utf8.RuneError): // what encoding/json makes of broken bytes and escapes
		return refuse("not UTF-8")
	case utf8.RuneCountInString(typed) > f.maxLength:
		return refuse("too long")
	case strings.ContainsFunc(typed, unicode.IsControl):
		return refuse("control character")
	}
	key, ok := f.Key(typed)
	if !ok {
		return refuse("empty or ill-formed")
	}
	a := Answer{Key: key}
	switch f.kind {
	case date:
		a.Tidy = FormatDate(key, f.DateLayout)
	case number:
		a.Tidy = key
	default:
		a.Tidy = Tidy(typed)
	}
	if f.pattern != nil && !f.pattern.MatchString(a.Tidy) {
		return refuse("does not match the pattern")
	}
	return a, nil
}

// Key maps all texts that mean the same to one. It reports false for a text that means nothing.
func (f *Field) Key(s string) (string, bool) {
	switch f.kind {
	case date:
		return ParseDate(s, f.DateLayout)
	case number:
		n := bareNumber(s)
		return n, n != "" && strings.Trim(n, "0123456789") == ""
	default:
		folded := f.fold(s)
		return folded, folded != ""
	}
}
