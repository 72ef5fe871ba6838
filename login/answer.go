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
)

// maxResponse bounds a person's answer.
const maxResponse = 4 << 10

// Answer gives the person's answer to a challenge: the code, the password. The challenge names the factor for which the
// answer was typed, because the page may be an old one: an answer to another factor than the present one is ErrStep, and
// the right answer to one that succeeded already changes nothing. The identifier is needed for the first factor, unless
// that is a code; where the login knows it, it is empty or the same.
//
// A right answer leads to the next factor, to the consent, or, when there is nothing to ask for, to the end. A wrong one
// is an *[authenticator.Error]. The last wrong one ends the login: the State then says so, and there is no error. While
// the verdict on the last one is awaited, and where the limit of the identifier is reached, the error is Locked.
func (f *Flow) Answer(
	ctx context.Context, handle string, id authenticator.Identifier, c authenticator.Challenge,
) (*State, error) {
	id.Value = strings.TrimSpace(id.Value)
	rec, err := f.update(ctx, handle, nil, func(r *record) error { return f.claimAttempt(r, id, c) })
	if err != nil {
		return f.present(ctx, handle, rec, err)
	}
	counted, err := f.limiter.spend(ctx, useAnswer, rec.Identifier)
	if err != nil {
		return f.limited(ctx, handle, rec, c.Factor, err)
	}
	identity, err := f.authenticate(ctx, handle, rec, c)
	f.auditAttempt(ctx, handle, rec, c.Factor, err)
	if err != nil {
		return f.refused(ctx, handle, rec, c.Factor, err)
	}
	rec, err = f.succeeded(ctx, handle, rec, identity)
	if err == nil || errors.Is(err, errStay) {
		if err := f.limiter.giveBack(ctx, counted); err != nil {
			f.logger.WarnContext(ctx, "an attempt could not be given back", "transaction", ID(handle), "error", err)
		}
	}
	return f.present(ctx, handle, rec, err)
}

// claimAttempt counts an attempt before it is made, so that no number of concurrent answers makes more than are allowed.
func (f *Flow) claimAttempt(r *record, id authenticator.Identifier, c authenticator.Challenge) error {
	switch {
	case r.proved(c.Factor):
		return errStay
	case r.step() != StepVerify || r.factor() != c.Factor:
		return ErrStep
	case c.Response == "" || len(c.Response) > maxResponse:
		return &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	if err := r.identify(id, r.identified() || c.Factor == authenticator.OTP); err != nil {
		return err
	}
	if r.Attempts >= f.maxAttempts { // the last one is under way
		return &authenticator.Error{Reason: authenticator.Locked}
	}
	r.Attempts++
	return nil
}

// limited gives the attempt back that the limit of the identifier forbids.
func (f *Flow) limited(
	ctx context.Context, handle string, rec *record, factor authenticator.Factor, cause error,
) (*State, error) {
	if _, ok := errors.AsType[*authenticator.Error](cause); !ok {
		return nil, cause
	}
	f.auditAttempt(ctx, handle, rec, factor, cause)
	rec, err := f.update(ctx, handle, rec, func(r *record) error {
		if r.Response != nil || r.proved(factor) {
			return errStay
		}
		r.Attempts = max(0, r.Attempts-1)
		return nil
	})
	if err == nil {
		err = cause
	}
	return f.present(ctx, handle, rec, err)
}

func (f *Flow) authenticate(
	ctx context.Context, handle string, rec *record, c authenticator.Challenge,
) (*authenticator.Identity, error) {
	identity, err := f.identities.authenticate(ctx, &authenticator.Request{
		Transaction: ID(handle),
		ClientID:    rec.Request.ClientID,
		Identifier:  rec.Identifier,
		Challenges:  []authenticator.Challenge{c},
		Locales:     rec.OpenID.UILocales,
	})
	if known := rec.identity(); err == nil && known != nil && known.Subject != identity.Subject {
		f.logger.WarnContext(ctx, "two factors of a login belong to different people", "transaction", ID(handle))
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials, Err: ErrOtherPerson}
	}
	return identity, err
}

// refused ends the login if the answer was the last that it had. If the same answer was right in another request
// meanwhile, as of a double click, that is what counts.
func (f *Flow) refused(
	ctx context.Context, handle string, rec *record, factor authenticator.Factor, cause error,
) (*State, error) {
	if _, ok := errors.AsType[*authenticator.Error](cause); !ok {
		return nil, cause
	}
	last := rec.Attempts >= f.maxAttempts
	rec, err := f.read(ctx, handle)
	if err != nil {
		return nil, err
	}
	if rec.Response != nil || rec.proved(factor) {
		return f.present(ctx, handle, rec, nil)
	}
	if !last {
		return f.present(ctx, handle, rec, cause)
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

// succeeded takes the person through the factor that rec stood at.
func (f *Flow) succeeded(
	ctx context.Context, handle string, rec *record, identity *authenticator.Identity,
) (*record, error) {
	client, err := f.clients.Client(ctx, rec.Request.ClientID)
	if err != nil {
		return nil, fmt.Errorf("login: look up the client: %w", err)
	}
	subject := f.openID.Subject(client, identity.Subject)
	var denied *oauth.AuthorizationResponse
	if !rec.OpenID.AcceptsSubject(subject) {
		denied = f.deny(ctx, handle, rec, oauth.LoginRequired, "another person logged in than the request asks for")
	}
	factor := rec.factor()
	after, err := f.update(ctx, handle, rec, func(r *record) error {
		switch {
		case r.proved(factor):
			return errStay
		case !r.at(rec):
			return ErrStep
		}
		r.succeed(factor, rec.Identifier, identity)
		if r.step() == StepConsent {
			r.AuthTime = f.now()
		}
		if denied != nil {
			r.end(denied)
		}
		return nil
	})
	if err == nil && !after.AuthTime.IsZero() {
		f.audit(ctx, handle, after, audit.Event{
			Type: audit.Authenticated, Outcome: audit.Success, Subject: subject, Factors: names(after.Succeeded),
		})
	}
	return after, err
}

func (r *record) succeed(f authenticator.Factor, id authenticator.Identifier, identity *authenticator.Identity) {
	r.Succeeded = append(slices.Clip(r.Succeeded), f)
	r.Identifier, r.Identity = id, identity
	r.Code, r.Editing = nil, false
	r.Attempts = max(0, r.Attempts-1)
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
