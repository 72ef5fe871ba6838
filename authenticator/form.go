package authenticator

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

// FormProvider is an Authenticator that asks for more than one text to verify some factor, such as [Knowledge].
type FormProvider interface {
	// Form describes what to ask the person for. It depends on the factor alone, so that it can be kept, and is an
	// *[Error] with the reason Unsupported for a factor that has no form. Nobody changes what it returns.
	Form(ctx context.Context, factor Factor) (*Form, error)
}

// Form is what a page asks the person for. The response is a JSON object with a member for each of the Fields: a text or,
// of a field with Languages, a list of objects with "language" and "value". Optional fields that are left empty have none.
type Form struct {
	// Identifier is the field whose text becomes the value of the [Identifier], and is not part of the response. Nil
	// means that the page asks for the identifier in its own way.
	Identifier *FormField `json:"identifier,omitempty"`
	// Fields are those of the response, in the order in which to ask.
	Fields []FormField `json:"fields"`
	// Messages are what the page says instead of its own texts, in the languages that they are in.
	Messages map[Message]Texts `json:"messages,omitempty"`
}

// FormField is one question of a [Form].
type FormField struct {
	// Name is that of the member in the response: at most 64 letters, digits, '_' and '-' of ASCII.
	Name string `json:"name"`
	// Labels say what to fill in, Hints what it means, and Placeholders give an example. Without Labels the page makes one
	// of the Name.
	Labels       Texts `json:"labels,omitempty"`
	Hints        Texts `json:"hints,omitempty"`
	Placeholders Texts `json:"placeholders,omitempty"`
	// Type says what the text has to be. Empty means FieldText.
	Type FieldType `json:"type,omitempty"`
	// Optional says that it may be left empty. A check box that is not has to be ticked.
	Optional bool `json:"optional,omitempty"`
	// Value is what the field holds at first. Fixed says that it stays: the field only shows it.
	Value string `json:"value,omitempty"`
	Fixed bool   `json:"fixed,omitempty"`
	// Format is how the identity system writes dates: "dd", "MM" (or "mm") and "yyyy" in some order, with or without
	// separators. Empty means "yyyy-MM-dd". It is for dates only.
	Format string `json:"format,omitempty"`
	// Pattern is a regular expression (RE2) that the whole text has to match; of a phone number, the digits after the prefix.
	// Empty means that there is none. It is for texts, digits, passwords and phone numbers only.
	Pattern string `json:"pattern,omitempty"`
	// Rules are further patterns, each with its own message, for what can have a Pattern and for dates as Format has them.
	Rules []FormRule `json:"rules,omitempty"`
	// MaxLength is the number of characters that are allowed; of a phone number, of digits after the prefix; of a photo, of
	// bytes. Zero means 100, and [MaxPhoto] for a photo.
	MaxLength int `json:"maxLength,omitempty"`
	// Options are those of a choice.
	Options []FormOption `json:"options,omitempty"`
	// Prefixes are those of a phone number, such as "+855". None means that the number is typed whole.
	Prefixes []string `json:"prefixes,omitempty"`
	// Languages ask for the text once in each of them, and in those of OptionalLanguages that the person wants to. The
	// response has their codes as they stand here. Fields of type FieldText alone have them.
	Languages         []string `json:"languages,omitempty"`
	OptionalLanguages []string `json:"optionalLanguages,omitempty"`
	// Group names fields that stand in one row where there is room, one after the other in the form.
	Group string `json:"group,omitempty"`
	// Confirm asks for a password twice.
	Confirm bool `json:"confirm,omitempty"`
	// CapsLock has the page say so while the caps-lock key is on.
	CapsLock bool `json:"capsLock,omitempty"`
}

// FormRule is a pattern that answers have to match.
type FormRule struct {
	// Pattern is a regular expression (RE2) that has to match somewhere in the text, unless "^" and "$" say where.
	Pattern string `json:"pattern"`
	// Errors say what is wrong where it does not. Without any the page says it in its own words.
	Errors Texts `json:"errors,omitempty"`
	// Language is that of the text that the rule is for, where the field has Languages. Where it has none, the rule is for
	// people who read the page in that language. Empty means any.
	Language string `json:"language,omitempty"`
}

// FormOption is one answer out of several.
type FormOption struct {
	// Value is what the response has, at most 256 bytes.
	Value  string `json:"value"`
	Labels Texts  `json:"labels,omitempty"`
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
	// FieldPassword is a secret, which the page does not show.
	FieldPassword FieldType = "password"
	// FieldChoice is the value of one of the Options.
	FieldChoice FieldType = "choice"
	// FieldCheckbox is "true" or "false".
	FieldCheckbox FieldType = "checkbox"
	// FieldPhone is one of the Prefixes and digits after it.
	FieldPhone FieldType = "phone"
	// FieldPhoto is a photograph: a JPEG in base64url. Whoever asks for one needs a response that is larger than is usual,
	// and says so in [Traits].
	FieldPhoto FieldType = "photo"
)

// MaxPhoto is how many bytes a photo has at most, before it is written in base64url. The page makes larger ones smaller where
// it has JavaScript.
const MaxPhoto = 2 << 20

// Message names what a page says about a form.
type Message string

// The messages that a [Form] can have of its own.
const (
	// MessageRequired is about a field that is empty, MessageMismatch about passwords that differ, and MessageCapsLock about
	// the key.
	MessageRequired Message = "required"
	MessageMismatch Message = "passwordMismatch"
	MessageCapsLock Message = "capsLock"
	// MessageCameraDenied is for people who do not allow the camera, MessageCameraBusy for a camera that another program
	// uses, and MessageCameraMissing for devices without one.
	MessageCameraDenied  Message = "cameraDenied"
	MessageCameraBusy    Message = "cameraBusy"
	MessageCameraMissing Message = "cameraMissing"
)

var allMessages = []Message{
	MessageRequired, MessageMismatch, MessageCapsLock, MessageCameraDenied, MessageCameraBusy, MessageCameraMissing,
}

// Clone returns a form that shares nothing with this one.
func (f *Form) Clone() *Form {
	c := &Form{Fields: slices.Clone(f.Fields), Messages: maps.Clone(f.Messages)}
	if f.Identifier != nil {
		c.Identifier = new(f.Identifier.clone())
	}
	for i, field := range c.Fields {
		c.Fields[i] = field.clone()
	}
	for m, texts := range c.Messages {
		c.Messages[m] = maps.Clone(texts)
	}
	return c
}

func (f FormField) clone() FormField {
	f.Labels, f.Hints, f.Placeholders = maps.Clone(f.Labels), maps.Clone(f.Hints), maps.Clone(f.Placeholders)
	f.Rules, f.Options = slices.Clone(f.Rules), slices.Clone(f.Options)
	for i := range f.Rules {
		f.Rules[i].Errors = maps.Clone(f.Rules[i].Errors)
	}
	for i := range f.Options {
		f.Options[i].Labels = maps.Clone(f.Options[i].Labels)
	}
	f.Prefixes, f.Languages = slices.Clone(f.Prefixes), slices.Clone(f.Languages)
	f.OptionalLanguages = slices.Clone(f.OptionalLanguages)
	return f
}

// Label returns the label as [Texts.In] chooses it, and its language. Without labels it is the field's name, whose language
// is not known.
func (f FormField) Label(locales []string) (label, language string) {
	if label, language := f.Labels.In(locales); label != "" {
		return label, language
	}
	return f.Name, ""
}

// Number takes a phone number apart. It reports false for one that begins with none of the Prefixes.
func (f FormField) Number(value string) (prefix, digits string, ok bool) {
	if len(f.Prefixes) == 0 {
		return "", value, true
	}
	for _, p := range f.Prefixes {
		if strings.HasPrefix(value, p) && (!ok || len(p) > len(prefix)) {
			prefix, ok = p, true
		}
	}
	return prefix, value[len(prefix):], ok
}

// Broken returns the first rule that an answer breaks, nil if it breaks none. A date is one as the response has it, and the
// languages are that of the text in a field with Languages, or else those of the person. A rule that is no pattern is the
// identity system's mistake, which nobody who logs in can do anything about: it then decides on the answer alone.
func (f FormField) Broken(text string, languages ...string) *FormRule {
	switch f.Type {
	case FieldDate:
		if date, ok := f.date(text); ok {
			layout, _ := knowledge.DateLayout(f.Format)
			text = date.Format(layout)
		}
	case FieldPhone:
		_, text, _ = f.Number(text)
	}
	for i, r := range f.Rules {
		if r.Language != "" && !slices.ContainsFunc(languages, func(l string) bool { return sameLanguage(l, r.Language) }) {
			continue
		}
		if re, err := regexp.Compile(r.Pattern); err == nil && !re.MatchString(text) {
			return &f.Rules[i]
		}
	}
	return nil
}

// date reads a date as the response or the identity system has it.
func (f FormField) date(text string) (time.Time, bool) {
	layout, err := knowledge.DateLayout(f.Format)
	if err != nil {
		return time.Time{}, false
	}
	for _, l := range []string{time.DateOnly, layout} {
		if t, err := time.Parse(l, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// Proves reports whether the answer says something that not everybody knows: one that must be given, and that is no
// check box and not shown on the page.
func (f FormField) Proves() bool { return !f.Optional && !f.Fixed && f.Type != FieldCheckbox }
