package mock

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/digits"
)

const (
	maxPINAnswer = 256
	// maxKnowledge and maxAnswer bound an answer to the form, and to one question.
	maxKnowledge = 16 << 10
	maxAnswer    = 1 << 10
)

func defaultQuestions() []authenticator.FormField {
	return []authenticator.FormField{
		{Name: "fullName", Type: authenticator.FieldText, Labels: map[string]string{
			"en": "Full name", "fr": "Nom complet", "ar": "الاسم الكامل", "hi": "पूरा नाम", "km": "ឈ្មោះពេញ", "kn": "ಪೂರ್ಣ ಹೆಸರು",
			"ta": "முழுப் பெயர்",
		}},
		{Name: "dateOfBirth", Type: authenticator.FieldDate, Labels: map[string]string{
			"en": "Date of birth", "fr": "Date de naissance", "ar": "تاريخ الميلاد", "hi": "जन्म तिथि", "km": "ថ្ងៃខែឆ្នាំកំណើត",
			"kn": "ಹುಟ್ಟಿದ ದಿನಾಂಕ", "ta": "பிறந்த தேதி",
		}},
	}
}

var fieldName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func checkQuestions(questions []authenticator.FormField) error {
	var errs []error
	if len(questions) == 0 {
		errs = append(errs, errors.New("mock: Questions is empty"))
	}
	seen := make(map[string]bool)
	for i, q := range questions {
		if !fieldName.MatchString(q.Name) || seen[q.Name] {
			errs = append(errs, fmt.Errorf("mock: question %d has no name, or that of another", i+1))
		}
		seen[q.Name] = true
		if _, err := dateLayout(q.Format); err != nil {
			errs = append(errs, fmt.Errorf("mock: question %d: %w", i+1, err))
		}
	}
	return errors.Join(errs...)
}

// Form returns the questions for Knowledge.
func (m *Mock) Form(_ context.Context, f authenticator.Factor) (*authenticator.Form, error) {
	if f != authenticator.Knowledge || !slices.Contains(m.factors, f) {
		return nil, fail(authenticator.Unsupported, "the factor has no form")
	}
	return &authenticator.Form{Fields: slices.Clone(m.questions)}, nil
}

// answers reports whether the answer is right. For nobody it does the same, and it is wrong.
func (m *Mock) answers(who *person, c authenticator.Challenge) bool {
	if who == nil {
		who = &person{}
	}
	switch c.Factor {
	case authenticator.Password:
		return c.Response != "" && len(c.Response) <= maxPassword && who.hasPassword(c.Response)
	case authenticator.PIN:
		return len(c.Response) <= maxPINAnswer && who.hasPIN(digits.Normalize(c.Response))
	case authenticator.Knowledge:
		return len(c.Response) <= maxKnowledge && m.knows(who, []byte(c.Response))
	case authenticator.Biometrics:
		return m.checkCapture(c.Response) == nil
	}
	return false
}

func (p *person) hasPassword(password string) bool {
	return same(p.doc.text("password"), passwordDigest(password))
}

func (p *person) hasPIN(pin string) bool { return pin != "" && same(p.doc.text("pin"), pin) }

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// knows reports whether an answer to the form answers each question rightly.
func (m *Mock) knows(who *person, response []byte) bool {
	var answers map[string]string
	if json.Unmarshal(response, &answers) != nil {
		return false
	}
	right := true
	for _, q := range m.questions {
		answer, ok := answers[q.Name]
		if !ok || len(answer) > maxAnswer || !who.knows(q, answer) {
			right = false
		}
	}
	return right
}

func (p *person) knows(q authenticator.FormField, answer string) bool {
	answer, ok := fold(q, answer)
	if !ok {
		return false
	}
	values := p.doc.langs(q.Name)
	if own := p.knowledge[q.Name]; own != "" {
		values = append(values, langValue{Value: own})
	}
	right := false
	for _, v := range values {
		value, ok := fold(authenticator.FormField{Type: q.Type}, v.Value)
		if ok && same(value, answer) {
			right = true
		}
	}
	return right
}

// fold returns what spellings of the same answer have in common. It is false for what is no answer to the question.
func fold(q authenticator.FormField, text string) (string, bool) {
	switch q.Type {
	case authenticator.FieldDate:
		return foldDate(q.Format, digits.Normalize(text), text)
	case authenticator.FieldDigits:
		text = digits.Normalize(text)
	default:
		text = strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(text))), " ")
	}
	return text, text != ""
}

// foldDate reads a date as the form has it, as ISO 8601, and as identity JSON has it. Digits has no dashes any more.
func foldDate(format, joined, text string) (string, bool) {
	layout, err := dateLayout(format)
	if err != nil {
		return "", false
	}
	for _, attempt := range []struct{ layout, text string }{
		{layout, text}, {time.DateOnly, text}, {"2006/01/02", text}, {"20060102", joined},
	} {
		if t, err := time.Parse(attempt.layout, strings.TrimSpace(attempt.text)); err == nil {
			return t.Format(time.DateOnly), true
		}
	}
	return "", false
}

var dateFormat = regexp.MustCompile(`^(?:yyyy[-/. ]?MM[-/. ]?dd|dd[-/. ]?MM[-/. ]?yyyy|MM[-/. ]?dd[-/. ]?yyyy)$`)

// dateLayout translates a format to a layout of time.Parse.
func dateLayout(format string) (string, error) {
	if format == "" {
		return time.DateOnly, nil
	}
	format = strings.ReplaceAll(format, "mm", "MM")
	if !dateFormat.MatchString(format) {
		return "", errors.New("a date format has yyyy, MM and dd once each")
	}
	return strings.NewReplacer("yyyy", "2006", "MM", "01", "dd", "02").Replace(format), nil
}
