package authenticator

import (
	"context"
	"strings"
)

// FormProvider is an Authenticator that asks for more than one text to verify some factor, such as [Knowledge].
type FormProvider interface {
	// Form describes what to ask the person for. It depends on the factor alone, so that it can be kept, and is an
	// *[Error] with the reason Unsupported for a factor that has no form. Nobody changes what it returns.
	Form(ctx context.Context, factor Factor) (*Form, error)
}

// Form is what a page asks the person for. Every field has to be filled in.
type Form struct {
	// Identifier is the field whose text becomes the value of the [Identifier], and is not part of the response. Nil
	// means that the page asks for the identifier in its own way.
	Identifier *FormField `json:"identifier,omitempty"`
	// Fields are those of the response, in the order in which to ask.
	Fields []FormField `json:"fields"`
}

// FormField is one question of a [Form].
type FormField struct {
	// Name is that of the member in the response: at most 64 letters, digits, '_' and '-' of ASCII.
	Name string `json:"name"`
	// Labels say what to fill in: texts by language, BCP 47.
	Labels map[string]string `json:"labels,omitempty"`
	// Type says what the text has to be. Empty means FieldText.
	Type FieldType `json:"type,omitempty"`
	// Format is how the identity system writes dates: "dd", "MM" (or "mm") and "yyyy" in some order, with or without
	// separators. Empty means "yyyy-MM-dd". It is for dates only.
	Format string `json:"format,omitempty"`
	// Pattern is a regular expression (RE2) that the whole text has to match. Empty means that there is none. Dates have
	// none.
	Pattern string `json:"pattern,omitempty"`
	// MaxLength is the number of characters that are allowed. Zero means 100.
	MaxLength int `json:"maxLength,omitempty"`
}

// FieldType says what the text of a [FormField] has to be.
type FieldType string

const (
	// FieldText is any text of one line.
	FieldText FieldType = "text"
	// FieldDigits is a number as it stands on a card: digits of any script; spaces and dashes do not count.
	FieldDigits FieldType = "digits"
	// FieldDate is a date, answered as "yyyy-MM-dd", which is what an HTML date field sends, or in the field's Format.
	FieldDate FieldType = "date"
)

// Label returns the label in the first of the languages that has one, and its language. A language that is not there is
// looked for with less detail: "pt" for "pt-BR" ([RFC 4647, section 3.4]). Otherwise the label is the English one or the
// field's name, whose language is not known.
//
// [RFC 4647, section 3.4]: https://www.rfc-editor.org/rfc/rfc4647#section-3.4
func (f FormField) Label(locales []string) (label, language string) {
	for _, locale := range append(locales[:len(locales):len(locales)], "en") {
		for tag := locale; tag != ""; tag = shorten(tag) {
			for language, label := range f.Labels {
				if strings.EqualFold(language, tag) {
					return label, language
				}
			}
		}
	}
	return f.Name, ""
}

// shorten removes the last subtag, and a single letter before it, which introduces what is gone.
func shorten(tag string) string {
	tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	if i := strings.LastIndexByte(tag, '-'); i >= 0 && i == len(tag)-2 {
		tag = tag[:i]
	}
	return tag
}
