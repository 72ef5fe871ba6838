package mock

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/digits"
	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

const (
	maxPINAnswer = 256
	// maxAnswer bounds the answer to a question, but for a photo.
	maxAnswer = 1 << 10
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

func checkQuestions(questions []authenticator.FormField) error {
	form := authenticator.Form{Fields: questions}
	if err := form.Validate(); err != nil {
		return fmt.Errorf("mock: Questions: %w", err)
	}
	return nil
}

// Form returns the questions for Knowledge.
func (m *Mock) Form(_ context.Context, f authenticator.Factor) (*authenticator.Form, error) {
	if f != authenticator.Knowledge || !slices.Contains(m.factors, f) {
		return nil, fail(authenticator.Unsupported, "the factor has no form")
	}
	return (&authenticator.Form{Fields: m.questions}).Clone(), nil
}

// Traits are the usual ones, but for questions that are answered by photos: those need a larger response.
func (m *Mock) Traits(f authenticator.Factor) authenticator.Traits {
	t := authenticator.TraitsOf(nil, f)
	if f == authenticator.Knowledge {
		t.MaxResponse = m.maxKnowledge()
	}
	return t
}

// maxKnowledge bounds an answer to the form.
func (m *Mock) maxKnowledge() int {
	n := authenticator.TraitsOf(nil, authenticator.Knowledge).MaxResponse
	for _, q := range m.questions {
		if q.Type == authenticator.FieldPhoto {
			n += base64.RawURLEncoding.EncodedLen(cmp.Or(q.MaxLength, authenticator.MaxPhoto))
		}
	}
	return n
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
		return len(c.Response) <= m.maxKnowledge() && m.knows(who, []byte(c.Response))
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
	var answers map[string]json.RawMessage
	if json.Unmarshal(response, &answers) != nil {
		return false
	}
	right := true
	for _, q := range m.questions {
		answer, ok := answers[q.Name]
		if !ok && q.Optional {
			continue
		}
		if !ok || !who.answers(q, answer) {
			right = false
		}
	}
	return right
}

// answers reports whether a text, or all of a list of texts in several languages, answer the question.
func (p *person) answers(q authenticator.FormField, answer json.RawMessage) bool {
	var list []struct{ Language, Value string }
	if json.Unmarshal(answer, &list) != nil {
		var text string
		return json.Unmarshal(answer, &text) == nil && p.knows(q, text)
	}
	right := len(list) > 0
	for _, l := range list {
		right = p.knows(q, l.Value) && right
	}
	return right
}

func (p *person) knows(q authenticator.FormField, answer string) bool {
	if q.Type == authenticator.FieldPhoto { // whoever is on it
		data, err := base64.RawURLEncoding.DecodeString(answer)
		return err == nil && http.DetectContentType(data) == "image/jpeg"
	}
	if len(answer) > maxAnswer {
		return false
	}
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
	case authenticator.FieldPhone:
		text = strings.TrimPrefix(digits.Normalize(text), "+")
	default:
		text = strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(text))), " ")
	}
	return text, text != ""
}

// foldDate reads a date as the form has it, as ISO 8601, and as identity JSON has it. Digits has no dashes any more.
func foldDate(format, joined, text string) (string, bool) {
	layout, err := knowledge.DateLayout(format)
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
