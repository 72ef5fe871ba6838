package login

import (
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store"
)

// record is a login as it is kept, sealed by its handle. The answers of a person are never in it.
type record struct {
	// held is the record as it is in the store. It is not stored, and nil in a record that is not.
	held *store.Held[record]
	// recalled is what the person decided before, if they need not be asked. It is not stored either.
	recalled *consented

	Request   oauth.AuthorizationRequest `json:"request"`
	OpenID    *oidc.Request              `json:"openid"`
	ExpiresAt time.Time                  `json:"exp"`
	// Extensions are how often the person was given more time.
	Extensions int `json:"extensions,omitempty"`

	// Essential, Voluntary and Scopes are what the person is to be asked for.
	Essential []string `json:"essential,omitempty"`
	Voluntary []string `json:"voluntary,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`
	// Verified are those of the claims that are asked for with how they were verified.
	Verified []oidc.VerifiedItem `json:"verified,omitempty"`
	// Asking says that the person whom the login has now must be asked, and why, where that is known.
	Asking *asking `json:"asking,omitempty"`

	// Assured says that the identity system was asked what is verified, and Unverified what essential claims are not.
	// Verification is what the Verifier needs when the person comes back from it, and Verifications how often they went.
	Assured       bool            `json:"assured,omitempty"`
	Unverified    []string        `json:"unverified,omitempty"`
	Assurances    map[string]bool `json:"assurances,omitzero"` // those of State
	Verification  *started        `json:"verification,omitempty"`
	Verifications int             `json:"verifications,omitempty"`

	// ACRs are the contexts that the login may end in; Options are the ways to reach them, of which Option is the
	// chosen one, or -1.
	ACRs    []string                  `json:"acrs"`
	Options []authenticator.FactorSet `json:"options"`
	Option  int                       `json:"option"`
	// AtOnce says that the face takes the answers to all factors of an option in one call.
	AtOnce bool `json:"at_once,omitempty"`

	Identifier authenticator.Identifier   `json:"identifier,omitzero"`
	Code       *authenticator.CodeReceipt `json:"code,omitempty"`
	// Editing says that the person went back from the code to the identifier.
	Editing bool `json:"editing,omitempty"`
	// Channels are those by which the person wants the code.
	Channels []authenticator.Channel `json:"channels,omitempty"`
	// Attempts are the answers that were given and were not right, Codes the codes that were sent, to be shown. The limiter's
	// counters, which know of what is under way too, are what decides.
	Attempts int `json:"attempts,omitempty"`
	Codes    int `json:"codes,omitempty"`
	// Guard is what is known of limits that are not the login's own.
	Guard guard `json:"guard,omitzero"`

	// Succeeded are the factors that were proved in this login, and Identity who the person is according to the last of
	// them. AuthTime is when no more were needed.
	Succeeded []authenticator.Factor  `json:"succeeded,omitempty"`
	Identity  *authenticator.Identity `json:"identity,omitempty"`
	// Unnamed says that they identified the person by themselves, who has yet to say their identifier, if it is needed.
	Unnamed  bool      `json:"unnamed,omitempty"`
	AuthTime time.Time `json:"auth_time,omitzero"`

	// Devices are what the person's devices were given to answer, at most one for each factor.
	Devices []device `json:"devices,omitempty"`
	// Enrolling is the factor for which the person wants to register a device, Enrollment what the device was given for
	// it, Enrollments how often a credential was made of that, and Enrolled says that it lies behind, done or not.
	Enrolling   authenticator.Factor `json:"enrolling,omitempty"`
	Enrollment  *device              `json:"enrollment,omitempty"`
	Enrollments int                  `json:"enrollments,omitempty"`
	Enrolled    bool                 `json:"enrolled,omitempty"`

	// Bound is the session whose person the login is for, unless they say that they are somebody else. Selecting says
	// that they are being asked, Anybody that they said so, or that the session ended.
	Bound     *bound `json:"bound,omitempty"`
	Selecting bool   `json:"selecting,omitempty"`
	Anybody   bool   `json:"anybody,omitempty"`
	// Elsewhere says that the person proved something on another device than the browser's.
	Elsewhere bool `json:"elsewhere,omitempty"`
	// SID names the session that the login will be part of, if there are sessions.
	SID string `json:"sid,omitempty"`

	// Response ends the login. Unspent says that it was written together with what spends the request_uri in favour of
	// this login, and counts only if that succeeded.
	Response *oauth.AuthorizationResponse `json:"response,omitempty"`
	Unspent  bool                         `json:"unspent,omitempty"`
	// Made is what the login brings to the session, until it is there. Session is the token of the session: the one that
	// Made is for, if the login continues it, and later the one that it is in.
	Made    *session `json:"made,omitempty"`
	Session string   `json:"session,omitempty"`
}

// bound is what a login takes from a session.
type bound struct {
	Session    string                   `json:"session"`
	Account    string                   `json:"account,omitempty"`
	Identifier authenticator.Identifier `json:"identifier,omitzero"`
	Identity   authenticator.Identity   `json:"identity"`
	// Proofs are those of the session that stand for the request.
	Proofs []proof `json:"proofs,omitempty"`
	// Consent is what the person granted in the session, if that decides all that the request asks for.
	Consent *Decision `json:"consent,omitempty"`
}

// step derives where the login stands; there is no field that could contradict the others.
func (r *record) step() Step {
	switch {
	case r.Response != nil:
		return StepDone
	case r.Selecting:
		return StepAccount
	case r.Option < 0:
		return StepChoose
	}
	switch r.factor() {
	case "":
		if r.Enrolling != "" && r.identified() {
			return StepEnroll
		}
		if len(r.Unverified) > 0 {
			return StepVerification
		}
		return StepConsent
	case authenticator.OTP:
		if r.Code == nil || r.Editing {
			return StepIdentify
		}
	}
	return StepVerify
}

// factor is the factor that is asked for now, or empty.
func (r *record) factor() authenticator.Factor {
	if r.Response != nil || r.Selecting || r.Option < 0 {
		return ""
	}
	return r.first(r.Option)
}

// first is the first factor of an option that is not proved yet, or empty.
func (r *record) first(option int) (first authenticator.Factor) {
	for _, f := range r.Options[option] {
		switch {
		case r.proved(f) || !r.inherited(f).IsZero():
		case r.AtOnce && f == authenticator.OTP:
			return f
		case first == "":
			first = f
		}
	}
	return first
}

// choosable reports whether another option may be chosen.
func (r *record) choosable() bool {
	switch r.step() {
	case StepChoose, StepIdentify, StepVerify:
		return !r.identified()
	}
	return false
}

// proved reports whether the factor succeeded in this login.
func (r *record) proved(f authenticator.Factor) bool { return slices.Contains(r.Succeeded, f) }

// inherited is when the session proved the factor, or zero.
func (r *record) inherited(f authenticator.Factor) time.Time {
	if r.Bound != nil {
		for _, p := range r.Bound.Proofs {
			if p.Factor == f {
				return p.At
			}
		}
	}
	return time.Time{}
}

// authTime is when the person proved who they are, all factors that the login ends with: none is younger than it says.
func (r *record) authTime() time.Time {
	oldest := r.AuthTime
	for _, f := range r.Options[r.Option] {
		if at := r.inherited(f); !r.proved(f) && !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	return oldest
}

// continues reports whether the session stands for a factor that the login ends with.
func (r *record) continues() bool {
	return slices.ContainsFunc(r.Options[r.Option], func(f authenticator.Factor) bool { return !r.proved(f) })
}

// identity is who the person is, in StepConsent.
func (r *record) identity() *authenticator.Identity {
	if r.Identity == nil && r.Bound != nil {
		return &r.Bound.Identity
	}
	return r.Identity
}

// identified reports whether a factor was proved in this login.
func (r *record) identified() bool { return len(r.Succeeded) > 0 }

// fixed reports whether the identifier is fixed.
func (r *record) fixed() bool { return r.identified() && !r.Unnamed }

// steppingUp reports whether the login has the identifier from the session, and asks its person for more. A face then
// neither asks for the identifier nor shows it. Where nothing of the session stands, the person logs in anew.
func (r *record) steppingUp() bool {
	return r.Bound != nil && len(r.Bound.Proofs) > 0 && r.Bound.Identifier.Value != "" && r.Bound.Identifier == r.Identifier
}

// account is what to call the person towards themselves.
func (r *record) account() string {
	if r.Identifier.Value == "" && r.Bound != nil {
		return r.Bound.Account
	}
	return account(r.Identifier)
}

// canSwitch reports whether the person may still say that they are somebody else than the one of the session.
func (r *record) canSwitch() bool {
	return r.Bound != nil && r.Response == nil && !r.identified() && !r.OpenID.HasPrompt(oidc.PromptNone)
}

// asks reports whether there is anything for the person to decide. Where decisions are remembered, that is so unless
// [Flow.recall] found one.
func (r *record) asks() bool {
	switch {
	case r.OpenID.HasPrompt(oidc.PromptConsent):
		return true
	case r.recalled != nil, r.Bound != nil && r.Bound.Consent != nil:
		return false
	}
	return r.shares()
}

// shares reports whether the request asks for anything that a person can refuse.
func (r *record) shares() bool { return len(r.Essential)+len(r.Voluntary)+len(r.Scopes) > 0 }

// remembered is the decision of a login that asks for none.
func (r *record) remembered() *consented {
	switch {
	case r.recalled != nil:
		return r.recalled
	case r.Bound != nil && r.Bound.Consent != nil:
		return &consented{Decision: *r.Bound.Consent}
	}
	return &consented{}
}

// verified is how a claim is asked for with its verification, or nil.
func (r *record) verified(name string) *oidc.VerifiedItem {
	i := slices.IndexFunc(r.Verified, func(v oidc.VerifiedItem) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Verified[i]
}

// plain reports whether a claim is asked for as it is.
func (r *record) plain(name string) bool {
	v := r.verified(name)
	return v == nil || v.Plain
}

// at reports whether the login stands at the same factor of the same option as other. What was proved for one does not
// count for another, where the earlier factors may be another person's.
func (r *record) at(other *record) bool {
	return r.Response == nil && r.Option == other.Option && len(r.Succeeded) == len(other.Succeeded)
}

// identify takes the identifier that the person typed. Where it is fixed, it may only be repeated. The one of the session
// need not be typed.
func (r *record) identify(id authenticator.Identifier, fixed bool) error {
	same := id.Value == r.Identifier.Value && (id.Type == "" || id.Type == r.Identifier.Type)
	switch {
	case same && id.Value != "", id.Value == "" && (fixed || r.steppingUp()):
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

// typed takes the identifier that the person typed from claimed, which came of before, and reports whether that changes
// anything. In a login that moved on meanwhile it does not.
func (r *record) typed(before, claimed *record) bool {
	if !r.at(before) || r.Identifier != before.Identifier || r.Identifier == claimed.Identifier {
		return false
	}
	r.Identifier, r.Code, r.Editing = claimed.Identifier, nil, false
	return true
}

// end ends the login and forgets the person, and what they were asked.
func (r *record) end(response *oauth.AuthorizationResponse) {
	r.Response = response
	r.Identifier, r.Code, r.Editing, r.Identity, r.Bound = authenticator.Identifier{}, nil, false, nil, nil
	r.Channels, r.Devices, r.Enrolling, r.Enrollment = nil, nil, "", nil
	r.Asking, r.Unverified, r.Verification = nil, nil, nil
	r.Essential, r.Voluntary, r.Scopes, r.Verified = nil, nil, nil, nil
	openID := *r.OpenID // which other records share
	openID.LoginHint = ""
	r.OpenID = &openID
}
