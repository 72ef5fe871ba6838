package login

import (
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// record is a login as it is kept, sealed by its handle. The answers of a person are never in it.
type record struct {
	Request   oauth.AuthorizationRequest `json:"request"`
	OpenID    *oidc.Request              `json:"openid"`
	ExpiresAt time.Time                  `json:"exp"`

	// Essential, Voluntary and Scopes are what the person is to be asked for.
	Essential []string `json:"essential,omitempty"`
	Voluntary []string `json:"voluntary,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`

	// ACRs are the contexts that the login may end in; Options are the ways to reach them, of which Option is the
	// chosen one, or -1.
	ACRs    []string                  `json:"acrs"`
	Options []authenticator.FactorSet `json:"options"`
	Option  int                       `json:"option"`

	Identifier authenticator.Identifier   `json:"identifier,omitzero"`
	Code       *authenticator.CodeReceipt `json:"code,omitempty"`
	// Editing says that the person went back from the code to the identifier.
	Editing bool `json:"editing,omitempty"`
	// Attempts counts the answers that were given and were not right, Codes the codes that were sent. What is under way
	// counts.
	Attempts int `json:"attempts,omitempty"`
	Codes    int `json:"codes,omitempty"`

	// Succeeded are the factors that were proved, and Identity who the person is according to the last of them.
	Succeeded []authenticator.Factor  `json:"succeeded,omitempty"`
	Identity  *authenticator.Identity `json:"identity,omitempty"`
	AuthTime  time.Time               `json:"auth_time,omitzero"`

	// Response ends the login.
	Response *oauth.AuthorizationResponse `json:"response,omitempty"`
}

// step derives where the login stands; there is no field that could contradict the others.
func (r *record) step() Step {
	switch {
	case r.Response != nil:
		return StepDone
	case r.Option < 0:
		return StepChoose
	case len(r.Succeeded) == len(r.Options[r.Option]):
		return StepConsent
	case r.factor() == authenticator.OTP && (r.Code == nil || r.Editing):
		return StepIdentify
	}
	return StepVerify
}

// factor is the factor that is asked for now, or empty.
func (r *record) factor() authenticator.Factor {
	if r.Response != nil || r.Option < 0 || len(r.Succeeded) == len(r.Options[r.Option]) {
		return ""
	}
	return r.Options[r.Option][len(r.Succeeded)]
}

// proved reports whether the factor succeeded.
func (r *record) proved(f authenticator.Factor) bool { return slices.Contains(r.Succeeded, f) }

// identified reports whether the identifier is fixed.
func (r *record) identified() bool { return len(r.Succeeded) > 0 }

// asks reports whether there is anything for the person to decide.
func (r *record) asks() bool { return len(r.Essential)+len(r.Voluntary)+len(r.Scopes) > 0 }

// at reports whether the login stands at the same factor of the same option as other. What was proved for one does not
// count for another, where the earlier factors may be another person's.
func (r *record) at(other *record) bool {
	return r.Response == nil && r.Option == other.Option && len(r.Succeeded) == len(other.Succeeded)
}

// identify takes the identifier that the person typed. Where it is fixed, it may only be repeated.
func (r *record) identify(id authenticator.Identifier, fixed bool) error {
	same := id.Value == r.Identifier.Value && (id.Type == "" || id.Type == r.Identifier.Type)
	switch {
	case same && id.Value != "", fixed && id.Value == "":
		return nil
	case fixed:
		return ErrStep
	}
	if err := id.Validate(); err != nil {
		return &authenticator.Error{Reason: authenticator.WrongCredentials, Err: err}
	}
	r.Identifier, r.Code, r.Editing = id, nil, false
	return nil
}

// end ends the login and forgets the person.
func (r *record) end(response *oauth.AuthorizationResponse) {
	r.Response = response
	r.Identifier, r.Code, r.Editing, r.Identity = authenticator.Identifier{}, nil, false, nil
	r.OpenID.LoginHint = ""
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
		IdentifierFixed: r.identified(),
		AttemptsLeft:    max(0, f.maxAttempts-r.Attempts),
		CodesLeft:       max(0, f.maxCodes-r.Codes),
		ExpiresAt:       r.ExpiresAt,
		UILocales:       r.OpenID.UILocales,
		LoginHint:       r.OpenID.LoginHint,
		Display:         r.OpenID.Display,
		Response:        r.Response,
	}
	switch s.Step {
	case StepVerify:
		if s.Factor == authenticator.OTP {
			s.Code = r.Code
		}
	case StepConsent:
		s.Essential, s.Voluntary, s.Scopes = r.Essential, r.Voluntary, r.Scopes
	}
	return s
}
