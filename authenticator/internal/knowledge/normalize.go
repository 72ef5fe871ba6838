package knowledge

import (
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Tidy writes a text as registries do: composed, and with single spaces between the words.
func Tidy(s string) string { return strings.Join(strings.Fields(norm.NFC.String(s)), " ") }

// Fold returns what two texts have in common that differ in case, white space, invisible characters, the script of
// their digits, and forms that Unicode calls compatible.
func Fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(s))
	// Upper case first, because some letters have two lower-case forms, as the Greek sigma has. Normalised before, because
	// some signs hide capitals, and again, because changing case may decompose.
	s = norm.NFKC.String(strings.ToLower(strings.ToUpper(s)))
	return strings.Join(strings.Fields(asciiDigits(s)), " ")
}

// asciiDigits writes the digits of all scripts in ASCII, and leaves everything else.
func asciiDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII || !unicode.Is(unicode.Nd, r) {
			return r
		}
		// Unicode encodes the ten digits of a script in a row, beginning with zero, and such rows may adjoin.
		before := rune(0)
		for unicode.Is(unicode.Nd, r-before-1) {
			before++
		}
		return '0' + before%10
	}, s)
}

// bareNumber is asciiDigits without the spaces, dashes and invisible characters that numbers are written with.
func bareNumber(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) {
			return -1
		}
		return r
	}, asciiDigits(s))
}

var (
	errDateFormat = errors.New("a date format has yyyy, MM (or mm) and dd once each, at most one separator of \"/-. \" " +
		"between them, and the month after the year where that comes first")
	dateFormat = regexp.MustCompile(`\A(?:yyyy[-/. ]?MM[-/. ]?dd|dd[-/. ]?MM[-/. ]?yyyy|MM[-/. ]?dd[-/. ]?yyyy)\z`)
)

// DateLayout translates a format to a layout of time.Parse. Registries write "mm" for months, which means minutes in
// the notation that they borrow it from.
func DateLayout(format string) (string, error) {
	if format == "" {
		return time.DateOnly, nil
	}
	format = strings.ReplaceAll(format, "mm", "MM")
	if !dateFormat.MatchString(format) {
		return "", errDateFormat
	}
	return strings.NewReplacer("yyyy", "2006", "MM", "01", "dd", "02").Replace(format), nil
}

// ParseDate reads a date that is written in the layout, or as ISO 8601 says, and returns it in the latter form.
func ParseDate(text, layout string) (string, bool) {
	text = strings.TrimSpace(asciiDigits(text))
	for _, l := range []string{layout, time.DateOnly} {
		if t, err := time.Parse(l, text); err == nil && t.Year() > 0 {
			return t.Format(time.DateOnly), true
		}
	}
	return "", false
}

// FormatDate writes a date that ParseDate returned in the layout.
func FormatDate(date, layout string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.Format(layout)
}
