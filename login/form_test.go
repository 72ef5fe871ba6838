package login_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

const (
	knowledge    = authenticator.Knowledge
	acrKnowledge = "urn:example:knowledge"
)

// questions is a Method with a form.
type questions struct {
	mu    sync.Mutex
	asked int
	form  *authenticator.Form
	err   error
	got   []authenticator.Request
}

func (q *questions) Factors() []authenticator.Factor {
	return []authenticator.Factor{knowledge, authenticator.PIN}
}

func (q *questions) Form(_ context.Context, f authenticator.Factor) (*authenticator.Form, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked++
	if f != knowledge && q.err == nil {
		return nil, &authenticator.Error{Reason: authenticator.Unsupported}
	}
	return q.form, q.err
}

func (q *questions) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	q.got = append(q.got, *r)
	return &authenticator.Identity{Subject: "person " + r.Identifier.Value}, nil
}

func newFormWorld(t testing.TB) (*world, *questions) {
	t.Helper()
	q := &questions{form: &authenticator.Form{Fields: []authenticator.FormField{{Name: "born", Type: authenticator.FieldDate}}}}
	return newWorld(t, func(c *login.Config) {
		c.Methods = []authenticator.Method{q}
		c.ACRs = append(c.ACRs,
			authenticator.ACR{Value: acrKnowledge, Alternatives: []authenticator.FactorSet{{knowledge}}},
			authenticator.ACR{Value: acrCard, Alternatives: []authenticator.FactorSet{{authenticator.PIN}}})
	}), q
}

func TestFormIsShownAndAnswered(t *testing.T) {
	t.Parallel()
	w, q := newFormWorld(t)
	handle := w.begin(acrKnowledge)
	s := w.ok(w.State(t.Context(), handle))
	require.Equal(t, login.StepVerify, s.Step)
	require.Equal(t, q.form, s.Form)
	require.False(t, s.Device)
	for _, response := range []string{"1990-01-01", "null", `["born"]`, `{"born":`} {
		s, err := w.Answer(t.Context(), handle, alice, authenticator.Challenge{Factor: knowledge, Response: response})
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err), response)
		require.Equal(t, 5, s.AttemptsLeft)
		require.Equal(t, q.form, s.Form)
	}
	require.Empty(t, q.got)
	w.ok(w.Answer(t.Context(), handle, alice, authenticator.Challenge{Factor: knowledge, Response: `{"born":"1990-01-01"}`}))
}

func TestFormIsKeptForAWhile(t *testing.T) {
	t.Parallel()
	w, q := newFormWorld(t)
	handle := w.begin(acrKnowledge)
	pin := w.begin(acrCard)
	q.asked = 0
	w.ok(w.State(t.Context(), handle))
	require.Nil(t, w.ok(w.State(t.Context(), pin)).Form, "a factor without a form has none")
	w.clock.advance(5*time.Minute - 1)
	w.ok(w.State(t.Context(), handle))
	w.ok(w.State(t.Context(), pin))
	require.Zero(t, q.asked)
	w.clock.advance(1)
	w.ok(w.State(t.Context(), handle))
	w.ok(w.State(t.Context(), pin))
	require.Equal(t, 2, q.asked)
	w.ok(w.Answer(t.Context(), pin, alice, authenticator.Challenge{Factor: authenticator.PIN, Response: "1234"}))
}

// Where the form cannot be had, the page says so; the next one asks again.
func TestFormThatCannotBeHad(t *testing.T) {
	t.Parallel()
	field := func(f authenticator.FormField) *authenticator.Form {
		return &authenticator.Form{Fields: []authenticator.FormField{f}}
	}
	for name, test := range map[string]struct {
		form *authenticator.Form
		err  error
	}{
		"outage":               {nil, errOutage},
		"no form":              {nil, nil},
		"no fields":            {&authenticator.Form{}, nil},
		"a bad name":           {field(authenticator.FormField{Name: "a b"}), nil},
		"a bad type":           {field(authenticator.FormField{Name: "a", Type: "color"}), nil},
		"a bad pattern":        {field(authenticator.FormField{Name: "a", Pattern: "("}), nil},
		"a bad length":         {field(authenticator.FormField{Name: "a", MaxLength: -1}), nil},
		"a long label":         {field(authenticator.FormField{Name: "a", Labels: map[string]string{"en": strings.Repeat("x", 2000)}}), nil},
		"a text with a format": {field(authenticator.FormField{Name: "a", Format: "dd"}), nil},
		"a name twice": {&authenticator.Form{
			Identifier: &authenticator.FormField{Name: "a"}, Fields: []authenticator.FormField{{Name: "a"}},
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, q := newFormWorld(t)
			good := q.form
			q.form, q.err = test.form, test.err
			handle := w.begin(acrKnowledge)
			s, err := w.State(t.Context(), handle)
			require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			require.Equal(t, login.StepVerify, s.Step)
			require.Contains(t, w.trail.lines(), "factor_unavailable failed unavailable")
			_, err = w.Answer(t.Context(), handle, alice, authenticator.Challenge{Factor: knowledge, Response: "x"})
			require.Equal(t, authenticator.Unavailable, reasonOf(t, err))

			q.form, q.err = good, nil
			require.Equal(t, good, w.ok(w.State(t.Context(), handle)).Form)
		})
	}
}
