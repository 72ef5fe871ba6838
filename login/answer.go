package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// Answer gives the person's answer to a challenge: the code, the password. The challenge names the factor for which the
// answer was typed, because the page may be an old one: an answer to another factor than the present one is ErrStep, and
// the right answer to one that succeeded already changes nothing. The identifier is needed for the first factor, unless
// that is a code, or the session has it ([State.IdentifierKnown]); where it is fixed, it is empty or the same. With a factor
// that identifies by itself it is not looked at, and neither is the State of the challenge: what the device was given is what
// [Flow.Challenge] returned last. Without that, the answer of a device is ErrStep.
//
// A right answer leads to the next factor, to the consent, or, when there is nothing to ask for, to the end. A wrong one
// is an *[authenticator.Error]. The last wrong one ends the login: the State then says so, and there is no error. While
// the verdict on the last one is awaited, and where the limit of the identifier is reached, the error is Locked. An answer
// on which there is no verdict counts as a wrong one, unless the error is Unasked.
func (f *Flow) Answer(
	ctx context.Context, handle string, id authenticator.Identifier, c authenticator.Challenge,
) (*State, error) {
	m := f.methods.of[c.Factor]
	if m == nil {
		m = &method{factor: c.Factor} // of which there is no answer
	}
	id.Value = strings.TrimSpace(id.Value)
	if m.traits.Identifies {
		id = authenticator.Identifier{}
	}
	if c.Response == "" || len(c.Response) > m.traits.MaxResponse || id.Value != "" && id.Validate() != nil { // nothing to count
		rec, err := f.read(ctx, handle)
		if err == nil {
			claimed := *rec
			err = claimed.claimAnswer(id, c, m.traits)
		}
		return f.present(ctx, handle, rec, err)
	}
	a, err := f.attempt(ctx, handle, UseAnswer, id)
	if err != nil {
		return nil, err
	}
	claimed := *a.rec
	err = claimed.claimAnswer(id, c, m.traits)
	if err == nil {
		err = f.wellFormed(ctx, handle, &claimed, m, c)
	}
	if err == nil {
		a.used, err = f.issued(ctx, handle, &claimed, m)
	}
	if err != nil {
		a.giveBack(ctx)
		return f.present(ctx, handle, a.rec, err)
	}
	if err := f.admit(ctx, handle, a, m.identifier(&claimed)); err != nil {
		if errors.Is(err, ErrCaptcha) {
			return f.withoutPass(ctx, handle, a, &claimed)
		}
		return f.unmade(ctx, handle, a, &claimed, c.Factor, err)
	}
	if c.State = nil; a.used != nil {
		c.State = a.used.State
	}
	identity, err := f.authenticate(ctx, handle, &claimed, m, c)
	if unasked(err) {
		return f.unmade(ctx, handle, a, &claimed, c.Factor, err)
	}
	f.auditAttempt(ctx, handle, &claimed, c.Factor, err)
	if err != nil {
		return f.refused(ctx, handle, a, &claimed, c.Factor, err)
	}
	rec, err := f.succeeded(ctx, handle, a, &claimed, m, identity)
	return f.present(ctx, handle, rec, err)
}

// claimAnswer moves the login to where the answer is given.
func (r *record) claimAnswer(id authenticator.Identifier, c authenticator.Challenge, traits authenticator.Traits) error {
	switch {
	case r.proved(c.Factor):
		return errStay
	case r.step() != StepVerify || r.factor() != c.Factor:
		return ErrStep
	case c.Response == "" || len(c.Response) > traits.MaxResponse:
		return &authenticator.Error{Reason: authenticator.WrongCredentials}
	case traits.Identifies:
		return nil
	}
	return r.identify(id, r.fixed() || c.Factor == authenticator.OTP)
}

// wellFormed looks at what can be seen of an answer without knowing what is right.
func (f *Flow) wellFormed(ctx context.Context, handle string, rec *record, m *method, c authenticator.Challenge) error {
	if m.forms == nil || filledIn(c.Response) {
		return nil
	}
	form, err := m.form(ctx, ID(handle))
	switch {
	case err != nil:
		f.auditUnavailable(ctx, handle, rec, m.factor, err)
		return err
	case form != nil:
		return &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return nil
}

// unmade gives the attempt back that a limit forbids, or at which nobody looked. While the last answer of the login is
// under way, the limit of the login forbids another.
func (f *Flow) unmade(
	ctx context.Context, handle string, a *attempt, claimed *record, factor authenticator.Factor, cause error,
) (*State, error) {
	if _, ok := errors.AsType[*authenticator.Error](cause); !ok {
		return nil, cause
	}
	f.auditAttempt(ctx, handle, claimed, factor, cause)
	var b store.Batch
	a.giveBackIn(&b)
	rec, err := f.updateIn(ctx, &b, handle, a.rec, func(r *record) error {
		switch {
		case r.Response != nil || r.proved(factor):
			return errStay
		case !r.typed(a.rec, claimed):
			return cause
		}
		return nil
	})
	if err == nil {
		err = cause
	}
	return f.present(ctx, handle, rec, err)
}

func (f *Flow) authenticate(
	ctx context.Context, handle string, rec *record, m *method, c authenticator.Challenge,
) (*authenticator.Identity, error) {
	identity, err := m.authenticate(ctx, &authenticator.Request{
		Transaction: ID(handle),
		ClientID:    rec.Request.ClientID,
		Identifier:  m.identifier(rec),
		Challenges:  []authenticator.Challenge{c},
		ACRs:        slices.Clone(rec.ACRs),
		Locales:     slices.Clone(rec.OpenID.UILocales),
	})
	if known := rec.identity(); err == nil && known != nil && known.Subject != identity.Subject {
		f.logger.WarnContext(ctx, "two factors of a login belong to different people", "transaction", ID(handle))
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials, Err: ErrOtherPerson}
	}
	return identity, err
}

// refused writes down that the answer was not right, forgets what the device was given that gave it, and ends the login if
// it was the last that it had. If the same answer
// was right in another request meanwhile, as of a double click, that is what counts. Whoever hangs up is not told, and
// does not get the attempt back.
func (f *Flow) refused(
	ctx context.Context, handle string, a *attempt, claimed *record, factor authenticator.Factor, cause error,
) (*State, error) {
	rec, err := f.update(context.WithoutCancel(ctx), handle, a.rec, func(r *record) error {
		if r.Response != nil || r.proved(factor) {
			return errStay
		}
		typed, forgot := r.typed(a.rec, claimed), r.forget(a.used)
		if !typed && !forgot && r.Attempts >= a.login.n() {
			return cause
		}
		r.Attempts = max(r.Attempts, a.login.n())
		f.wrong(r, a)
		return nil
	})
	if _, ok := errors.AsType[*authenticator.Error](cause); !ok {
		return nil, cause
	}
	if err == nil {
		err = cause
	}
	if !errors.Is(err, cause) || a.login.n() < f.maxAttempts {
		return f.present(ctx, handle, rec, err)
	}
	response := f.deny(ctx, handle, rec, oauth.AccessDenied, "the person did not prove who they are")
	rec, err = f.update(ctx, handle, rec, func(r *record) error {
		if r.Response != nil || r.proved(factor) {
			return errStay
		}
		r.end(response)
		return nil
	})
	return f.present(ctx, handle, rec, err)
}

// succeeded takes the person through the factor that the login stood at, and gives the attempt back.
func (f *Flow) succeeded(
	ctx context.Context, handle string, a *attempt, claimed *record, m *method, identity *authenticator.Identity,
) (*record, error) {
	client, err := f.clients.Client(ctx, claimed.Request.ClientID)
	if err != nil {
		return nil, fmt.Errorf("login: look up the client: %w", err)
	}
	subject := f.openID.Subject(client, identity.Subject)
	var denied *oauth.AuthorizationResponse
	if !claimed.OpenID.AcceptsSubject(subject) {
		denied = f.deny(ctx, handle, claimed, oauth.LoginRequired, "another person logged in than the request asks for")
	}
	reached := *claimed
	reached.succeed(m.factor, m.identifier(claimed), identity)
	if denied == nil {
		if err := f.recall(ctx, client, &reached); err != nil { // which is tried again: the answer was right all the same
			f.logger.WarnContext(ctx, "a consent could not be recalled", "transaction", ID(handle), "error", err)
		}
	}
	var b store.Batch
	returned := a.giveBackIn(&b)
	after, err := f.updateIn(ctx, &b, handle, a.rec, func(r *record) error {
		switch {
		case r.proved(m.factor):
			return errStay
		case !r.at(claimed):
			return ErrStep
		case !r.gave(a.used): // somebody gave it another answer meanwhile, which was wrong
			return &authenticator.Error{Reason: authenticator.WrongCredentials}
		}
		r.succeed(m.factor, m.identifier(claimed), identity)
		if elsewhere(ctx) {
			r.proveElsewhere()
		}
		r.Attempts = without(r.Attempts, a.login)
		r.Asking = reached.Asking
		r.Guard.Pass = r.Guard.Pass || r.AtOnce && a.passed
		if r.factor() == "" {
			r.AuthTime = f.now()
			if !slices.Contains(f.enrollable(r), r.Enrolling) {
				r.Enrolling = ""
			}
		}
		if denied != nil {
			r.end(denied)
		}
		return nil
	})
	for _, r := range returned {
		if r.Err != nil {
			f.logger.WarnContext(ctx, "an attempt could not be given back", "transaction", ID(handle), "error", r.Err)
		}
	}
	if err == nil {
		after.recalled = reached.recalled
	}
	if err == nil && !after.AuthTime.IsZero() {
		f.audit(ctx, handle, after, audit.Event{
			Type: audit.Authenticated, Outcome: audit.Success, Subject: subject, Factors: names(after.Succeeded),
		})
	}
	return after, err
}

func (r *record) succeed(f authenticator.Factor, id authenticator.Identifier, identity *authenticator.Identity) {
	if id.Value == "" && r.Bound != nil { // the answer told who it is: the person of the session
		id = r.Bound.Identifier
	}
	r.Succeeded = append(slices.Clip(r.Succeeded), f)
	r.Identifier, r.Identity, r.Unnamed = id, identity, id.Value == ""
	r.Code, r.Editing, r.Channels, r.Devices = nil, false, nil, nil
}

func (f *Flow) auditAttempt(ctx context.Context, handle string, rec *record, factor authenticator.Factor, err error) {
	outcome, reason := verdict(err)
	f.audit(ctx, handle, rec, audit.Event{
		Type: audit.AuthenticationAttempted, Outcome: outcome, Reason: reason, Factors: names([]authenticator.Factor{factor}),
	})
}

func names(factors []authenticator.Factor) []string {
	s := make([]string, len(factors))
	for i, f := range factors {
		s[i] = string(f)
	}
	return s
}
