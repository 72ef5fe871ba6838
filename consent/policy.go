package consent

import (
	"fmt"
	"time"
)

// Remember says how long a decision spares the person the question.
type Remember string

const (
	// Always remembers a decision until it is withdrawn or something new is asked. It is the zero value.
	Always Remember = ""
	// ForDuration remembers a decision for [Policy.Duration], after which the consent, and every access token with it, has ended.
	ForDuration Remember = "duration"
	// Session remembers a decision for the session in which it was made.
	Session Remember = "session"
	// Never asks each time.
	Never Remember = "never"
)

// Essential says what becomes of a request of which an essential claim was refused.
type Essential string

const (
	// MayRefuse leaves refusing to the person, as OpenID Connect has it (Core 1.0, section 5.5.1). It is the zero value.
	MayRefuse Essential = ""
	// MustGrant gives no code without all essential claims, as eSignet has it.
	MustGrant Essential = "required"
)

// Policy is how consent is asked for a client. The zero value remembers a decision until something changes, and lets people
// refuse essential claims. Where the policy has changed since a decision, the stricter of the two counts.
type Policy struct {
	Remember Remember
	// Duration is for ForDuration, at least one second. With Session it may be zero, and otherwise ends the decision before
	// the session does.
	Duration  time.Duration
	Essential Essential
	// TextVersion names the text with which people are asked now. If it is not empty, what was decided under another one
	// is asked again. At most 64 bytes.
	TextVersion string
}

// Validate says what is wrong with the policy.
func (p *Policy) Validate() error {
	switch p.Remember {
	case Always, Session, Never, ForDuration:
	default:
		return fmt.Errorf("%w: Policy.Remember %q", ErrInvalid, p.Remember)
	}
	switch {
	case p.Remember == ForDuration && p.Duration < time.Second, p.Duration != 0 && (p.Duration < time.Second || !p.timed()):
		return fmt.Errorf("%w: Policy.Duration is at least one second, and for ForDuration and Session alone", ErrInvalid)
	case p.Essential != MayRefuse && p.Essential != MustGrant:
		return fmt.Errorf("%w: Policy.Essential %q", ErrInvalid, p.Essential)
	}
	return checkText("Policy.TextVersion", p.TextVersion, 0, 64)
}

// timed reports whether a Duration may end decisions.
func (p *Policy) timed() bool { return p.Remember == ForDuration || p.Remember == Session }

// Decision is what a person grants; all else that was asked is refused. What was not asked is left out. A name grants all
// items of its kind that have it: a scope at every resource that was asked for, a verified claim for every purpose.
type Decision struct {
	Claims   []string
	Verified []string
	Scopes   []string
}

// names returns the names of a kind.
func (d *Decision) names(k Kind) *[]string {
	switch k {
	case Scope:
		return &d.Scopes
	case VerifiedClaim:
		return &d.Verified
	}
	return &d.Claims
}
