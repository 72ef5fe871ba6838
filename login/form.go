package login

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// maxFormAge is how long a form is kept.
const maxFormAge = 5 * time.Minute

const errForm breach = "no form, or one that cannot be filled in"

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
		return checked(form, err, func(form *authenticator.Form) bool { return form.Validate() == nil }, errForm)
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

// filledIn reports whether a response is that to a form.
func filledIn(response string) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal([]byte(response), &fields) == nil && fields != nil
}
