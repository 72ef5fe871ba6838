package login

import (
	"context"
	"encoding/json"
	"regexp"
	"sync"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// Bounds of forms.
const (
	maxFormAge     = 5 * time.Minute
	maxFormFields  = 32
	maxFieldLabels = 64
	maxFieldText   = 1 << 10
)

const errForm breach = "no form, or one that cannot be filled in"

var fieldName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// forms keeps the form of a factor.
type forms struct {
	provider authenticator.FormProvider
	now      func() time.Time

	mu   sync.Mutex
	form *authenticator.Form // nil if the factor has none
	at   time.Time
}

func (f *forms) kept() (*authenticator.Form, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.form, !f.at.IsZero() && f.now().Sub(f.at) < maxFormAge
}

func (f *forms) keep(form *authenticator.Form) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.form, f.at = form, f.now()
}

// form returns what to ask the person for, nil if that is one secret.
func (m *method) form(ctx context.Context, transaction string) (*authenticator.Form, error) {
	if m.forms == nil {
		return nil, nil
	}
	if form, ok := m.forms.kept(); ok {
		return form, nil
	}
	form, err := ask(ctx, m.system, transaction, func(ctx context.Context) (*authenticator.Form, error) {
		form, err := m.forms.provider.Form(ctx, m.factor)
		return checked(form, err, validForm, errForm)
	})
	switch {
	case reasonIs(err, authenticator.Unsupported):
		form = nil
	case err != nil:
		return nil, err
	}
	m.forms.keep(form)
	return form, nil
}

func validForm(form *authenticator.Form) bool {
	fields := form.Fields
	if len(fields) == 0 || len(fields) > maxFormFields {
		return false
	}
	if form.Identifier != nil {
		fields = append(fields[:len(fields):len(fields)], *form.Identifier)
	}
	seen := map[string]bool{}
	for _, field := range fields {
		if seen[field.Name] || !validField(field) {
			return false
		}
		seen[field.Name] = true
	}
	return true
}

func validField(f authenticator.FormField) bool {
	date := f.Type == authenticator.FieldDate
	switch {
	case !fieldName.MatchString(f.Name), f.MaxLength < 0, len(f.Labels) > maxFieldLabels,
		!date && f.Type != "" && f.Type != authenticator.FieldText && f.Type != authenticator.FieldDigits,
		len(f.Pattern) > maxFieldText, len(f.Format) > maxFieldText, date && f.Pattern != "", !date && f.Format != "":
		return false
	}
	for language, label := range f.Labels {
		if len(language) > maxFieldText || len(label) > maxFieldText {
			return false
		}
	}
	_, err := regexp.Compile(f.Pattern)
	return err == nil
}

// filledIn reports whether a response is that to a form.
func filledIn(response string) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal([]byte(response), &fields) == nil && fields != nil
}
