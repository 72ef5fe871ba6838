package knowledge

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxFieldName     = 64
	maxFieldLength   = 1000
	defaultMaxLength = 100
)

// The types of fields, as the form of an Authenticator names them.
const (
	text     = "text"
	number   = "digits"
	date     = "date"
	password = "password"
	choice   = "choice"
	checkbox = "checkbox"
	phone    = "phone"
	photo    = "photo"
)

// Spec describes a field in the words of authenticator.FormField, which says what they mean.
type Spec struct {
	Name, Type, Format, Pattern string
	MaxLength                   int
	Optional                    bool
	// Options are the values of those of a choice.
	Options, Prefixes []string
	// Keeps reports whether an answer, as a response has it, keeps the rules. Nil means that there are none.
	Keeps func(answer string) bool
	// Loose compares texts as [FoldLoose] does. Otherwise it is done as Fold does.
	Loose bool
}

// Field reads the texts of one field: those that people type, and those of registers.
type Field struct {
	// Name is that of the field; for the text in one of several languages, with "#" and the language.
	Name string
	// Optional says that there may be no answer.
	Optional bool
	// DateLayout is a layout of time.Parse for dates, and otherwise empty.
	DateLayout string

	kind      string
	fold      func(string) string
	pattern   *regexp.Regexp // nil if there is none
	maxLength int
	options   []string
	prefixes  []string
	keeps     func(string) bool
}

// NewField returns the field, or everything that is wrong with it. The errors do not name it.
func NewField(s Spec) (*Field, error) {
	f := &Field{
		Name:      s.Name,
		kind:      cmp.Or(s.Type, text),
		fold:      Fold,
		maxLength: cmp.Or(s.MaxLength, defaultMaxLength),
		Optional:  s.Optional, options: s.Options, prefixes: s.Prefixes, keeps: s.Keeps,
	}
	if s.Loose {
		f.fold = FoldLoose
	}
	var errs []error
	if name, language, tagged := strings.Cut(s.Name, "#"); !ValidName(name) || tagged && !ValidName(language) {
		errs = append(errs, fmt.Errorf("a name is 1 to %d letters, digits, '_' and '-' of ASCII", maxFieldName))
	}
	if f.maxLength < 0 || f.maxLength > maxFieldLength {
		errs = append(errs, fmt.Errorf("maxLength is not within %d", maxFieldLength))
	}
	switch f.kind {
	case photo:
		errs = append(errs, errors.New("a photo cannot be compared with a register"))
	case text, number, password, choice, checkbox, phone:
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
	prefix, own := "", typed
	if f.kind == phone {
		var ok bool
		if prefix, own, ok = f.number(typed); !ok {
			return refuse("empty or ill-formed")
		}
	}
	switch {
	case strings.ContainsRune(typed, utf8.RuneError): // what encoding/json makes of broken bytes and escapes
		return refuse("not UTF-8")
	case utf8.RuneCountInString(own) > f.maxLength:
		return refuse("too long")
	case strings.ContainsFunc(typed, unicode.IsControl):
		return refuse("control character")
	}
	key, ok := f.Key(typed)
	if !ok || f.kind == choice && !slices.Contains(f.options, typed) {
		return refuse("empty or ill-formed")
	}
	a := Answer{Key: key}
	own = ""
	switch f.kind {
	case date:
		a.Tidy = FormatDate(key, f.DateLayout)
	case number, checkbox:
		a.Tidy = key
	case phone:
		_, own, _ = f.number(typed)
		own = bareNumber(own)
		a.Tidy = prefix + own
	case password, choice:
		a.Tidy = typed
	default:
		a.Tidy = Tidy(typed)
	}
	if f.pattern != nil && !f.pattern.MatchString(cmp.Or(own, a.Tidy)) {
		return refuse("does not match the pattern")
	}
	if ruled := a.Tidy; f.keeps != nil {
		if f.kind == date {
			ruled = key
		}
		if !f.keeps(ruled) {
			return refuse("breaks a rule")
		}
	}
	return a, nil
}

// number takes a phone number apart, and reports false if it has none of the prefixes.
func (f *Field) number(s string) (prefix, rest string, ok bool) {
	s = strings.TrimSpace(s)
	for _, p := range f.prefixes {
		if strings.HasPrefix(s, p) && (!ok || len(p) > len(prefix)) {
			prefix, ok = p, true
		}
	}
	return prefix, s[len(prefix):], ok || len(f.prefixes) == 0
}

// Key maps all texts that mean the same to one. It reports false for a text that means nothing.
func (f *Field) Key(s string) (string, bool) {
	switch f.kind {
	case date:
		return ParseDate(s, f.DateLayout)
	case number:
		n := bareNumber(s)
		return n, isNumber(n)
	case phone:
		n := strings.TrimPrefix(bareNumber(s), "+")
		return n, isNumber(n)
	case checkbox:
		ticked := Fold(s)
		return ticked, ticked == "true" || ticked == "false"
	case password:
		return norm.NFC.String(s), s != ""
	case choice:
		return s, s != ""
	default:
		folded := f.fold(s)
		return folded, folded != ""
	}
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
