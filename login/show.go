package login

import (
	"context"
	"errors"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
)

// show returns the login as a face shows it, with the error of what was tried. If it has none, and what the page needs to
// ask the person for cannot be had, that is the error.
func (f *Flow) show(ctx context.Context, handle string, client *oauth.Client, r *record, err error) (*State, error) {
	s := f.state(handle, client, r)
	if err := f.guarded(ctx, s, r); err != nil {
		return nil, err
	}
	m := f.methods.of[s.Factor]
	if s.Step != StepVerify || m == nil {
		return s, err
	}
	form, formErr := m.form(ctx, s.ID)
	if formErr != nil {
		f.auditUnavailable(ctx, handle, r, m.factor, formErr)
		if _, ok := errors.AsType[*authenticator.Error](formErr); !ok {
			return nil, formErr
		}
		if err == nil {
			err = formErr
		}
	}
	s.Form = form
	needs, needsErr := f.needsChallenge(ctx, handle, r, m)
	if needsErr != nil {
		f.auditUnavailable(ctx, handle, r, m.factor, needsErr)
	}
	s.Device = needs || needsErr != nil // which Challenge then says
	return s, err
}

func (f *Flow) state(handle string, client *oauth.Client, r *record) *State {
	s := &State{
		ID:              ID(handle),
		Step:            r.step(),
		Client:          client,
		RedirectURI:     r.Request.RedirectURI,
		RequestURI:      r.Request.RequestURI,
		Options:         r.Options,
		Option:          r.Option,
		Factor:          r.factor(),
		Succeeded:       r.Succeeded,
		Identifier:      r.Identifier,
		IdentifierFixed: r.fixed(),
		AttemptsLeft:    max(0, f.maxAttempts-r.Attempts),
		CodesLeft:       max(0, f.maxCodes-r.Codes),
		ExpiresAt:       r.ExpiresAt,
		ExtensionsLeft:  max(0, f.extensions-r.Extensions),
		UILocales:       r.OpenID.UILocales,
		LoginHint:       r.OpenID.LoginHint,
		Display:         r.OpenID.Display,
		Response:        r.Response,
		Assurances:      r.Assurances,
	}
	if r.Bound != nil {
		s.Account, s.CanSwitch = r.Bound.Account, r.canSwitch()
	}
	if r.steppingUp() {
		s.IdentifierKnown, s.Identifier = true, authenticator.Identifier{}
	}
	m := f.methods.of[s.Factor]
	switch s.Step {
	case StepIdentify:
		if m != nil && len(m.channels) > 1 {
			s.Channels = slices.Clone(m.channels)
		}
	case StepVerify:
		s.Identifies = m != nil && m.traits.Identifies
		if s.Factor == authenticator.OTP {
			s.Code = r.Code
		}
	case StepEnroll:
		s.Enrolling = r.Enrolling
	case StepConsent:
		s.Required = len(r.Essential) > 0 && f.required(client)
		if r.Asking != nil {
			s.AskedBecause, s.New = r.Asking.Because, r.Asking.New
		}
	case StepVerification:
		s.Unverified = r.Unverified
	}
	if s.Step != StepDone {
		s.Essential, s.Voluntary, s.Scopes, s.Verified = r.Essential, r.Voluntary, r.Scopes, r.Verified
	}
	if r.factor() != "" {
		s.Enrollable = f.enrollable(r)
		if slices.Contains(s.Enrollable, r.Enrolling) {
			s.Enrolling = r.Enrolling
		}
	}
	if r.choosable() {
		s.DeviceFactors = f.deviceFactors(r)
	}
	return s
}

// deviceFactors are the factors with a device that could be chosen instead of the one that is asked for.
func (f *Flow) deviceFactors(r *record) []authenticator.Factor {
	var factors []authenticator.Factor
	for i := range r.Options {
		first := r.first(i)
		if first != r.factor() && f.methods.of[first].byDevice() && !slices.Contains(factors, first) {
			factors = append(factors, first)
		}
	}
	return factors
}
