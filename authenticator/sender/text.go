package sender

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator/directory"
)

// Text is what a message says in one language. Both parts are templates (text/template) over [TextData].
type Text struct {
	// Subject is that of an e-mail, one line. Other senders do not use it.
	Subject string
	// Body is the message.
	Body string
}

// TextData is what the templates of a [Text] can say.
type TextData struct {
	// Code is the code.
	Code string
	// Minutes is how long the code works, rounded down, and at least 1.
	Minutes int
	// ClientID is the relying party that the person is logging in to, as it is registered.
	ClientID string
}

const (
	english       = "en"
	maxSubject    = 150 // characters
	maxBodyLength = 10_000
)

// defaultTexts are those of a configuration without any.
var defaultTexts = map[string]Text{english: {
	Subject: "Your code for logging in",
	Body: "{{.Code}} is your code for logging in. It works for {{.Minutes}} min. Do not give it to anyone.\n" +
		"If you are not logging in just now, ignore this message.",
}}

// texts are the templates by language, in lower case.
type texts struct {
	byLanguage map[string]parsedText
	fallback   string
	now        func() time.Time
}

type parsedText struct{ subject, body *template.Template }

// newTexts parses the templates and tries them, so that no message fails for them.
func newTexts(sources map[string]Text, fallback string, withSubject bool, now func() time.Time) (*texts, error) {
	if len(sources) == 0 {
		sources = defaultTexts
	}
	if fallback == "" {
		fallback = english
	}
	t := &texts{byLanguage: make(map[string]parsedText), fallback: strings.ToLower(fallback), now: now}
	var errs []error
	for _, language := range slices.Sorted(maps.Keys(sources)) {
		parsed, err := parseText(sources[language])
		if err == nil {
			subject, body, err := parsed.write(TextData{Code: "123456", Minutes: 3, ClientID: "client"})
			errs = append(errs, inLanguage(language, err))
			if err == nil && withSubject && subject == "" {
				errs = append(errs, inLanguage(language, errors.New("the Subject is empty")))
			}
			if err == nil && !strings.Contains(body, "123456") {
				errs = append(errs, inLanguage(language, errors.New("the Body does not contain the code")))
			}
		}
		errs = append(errs, inLanguage(language, err))
		if _, again := t.byLanguage[strings.ToLower(language)]; again || language == "" {
			errs = append(errs, inLanguage(language, errors.New("is there twice, or empty")))
		}
		t.byLanguage[strings.ToLower(language)] = parsed
	}
	if _, ok := t.byLanguage[t.fallback]; !ok {
		errs = append(errs, fmt.Errorf("sender: Texts: there is none in the Fallback language %q", fallback))
	}
	return t, errors.Join(errs...)
}

func inLanguage(language string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sender: Texts: language %q: %w", language, err)
}

func parseText(t Text) (parsed parsedText, err error) {
	if parsed.subject, err = template.New("Subject").Option("missingkey=error").Parse(t.Subject); err != nil {
		return parsed, err
	}
	parsed.body, err = template.New("Body").Option("missingkey=error").Parse(t.Body)
	return parsed, err
}

// write words the message in the best language.
func (t *texts) write(m *directory.Message) (subject, body string, err error) {
	return t.byLanguage[t.choose(m.Locales)].write(TextData{
		Code: m.Code, ClientID: m.ClientID, Minutes: max(1, int(m.ExpiresAt.Sub(t.now())/time.Minute)),
	})
}

// choose looks each language up, with less and less detail (RFC 4647 section 3.4): "pt" for "pt-BR".
func (t *texts) choose(locales []string) string {
	for _, locale := range locales {
		for tag := strings.ToLower(locale); tag != ""; tag = tag[:max(0, strings.LastIndexByte(tag, '-'))] {
			if _, ok := t.byLanguage[tag]; ok {
				return tag
			}
		}
	}
	return t.fallback
}

func (t parsedText) write(data TextData) (subject, body string, err error) {
	var b strings.Builder
	if err := t.subject.Execute(&b, data); err != nil {
		return "", "", err
	}
	subject = strings.TrimSpace(b.String())
	b.Reset()
	if err := t.body.Execute(&b, data); err != nil {
		return "", "", err
	}
	body = strings.TrimSpace(b.String())
	switch {
	case strings.ContainsFunc(subject, unicode.IsControl) || utf8.RuneCountInString(subject) > maxSubject || !utf8.ValidString(subject):
		return "", "", fmt.Errorf("sender: the subject is not one line of at most %d characters", maxSubject)
	case body == "" || len(body) > maxBodyLength || !utf8.ValidString(body):
		return "", "", fmt.Errorf("sender: the body is empty, no UTF-8, or has more than %d bytes", maxBodyLength)
	}
	return subject, body, nil
}
