package authenticator

import (
	"fmt"
	"time"
)

// Reason says why an authentication failed, so that the page can explain it.
type Reason string

const (
	// WrongCredentials: the answer, or the identifier, was wrong. An unknown person must look exactly like a wrong
	// answer.
	WrongCredentials Reason = "wrong_credentials"
	// CodeExpired: the one-time code that was sent is no longer valid, because it is too old or was tried too often.
	// Another one helps.
	CodeExpired Reason = "code_expired"
	// TooSoon: a code was asked for again before RetryAt.
	TooSoon Reason = "too_soon"
	// Locked: the identity system refuses this person for a while, until RetryAt. Said to anyone who knows the
	// identifier, it tells that the person exists: better to say it only after right answers.
	Locked Reason = "locked"
	// Unsupported: the identity system cannot verify this factor, or combination of factors. It must not depend on the
	// person unless the person has proved who they are.
	Unsupported Reason = "unsupported"
	// Unavailable: the identity system cannot be reached or does not work. It is the person's fault in no way.
	Unavailable Reason = "unavailable"
)

// Error is a failure that the person should hear about.
type Error struct {
	Reason Reason
	// RetryAt is when it makes sense to try again. Zero: unknown, or at once.
	RetryAt time.Time
	// Unasked says, of Unavailable, that nobody looked at the answers: the identity system cannot be reached, or is not
	// asked for now. The person then gets the attempt back. It must not be set where the answers may have been looked at,
	// as when there was no verdict in time: whoever could bring that about would guess for ever.
	Unasked bool
	// Err is the cause, for the log. It is never shown, and must not contain personal data.
	Err error
}

// Error names the reason and the cause, for the log.
func (e *Error) Error() string {
	if e.Err == nil {
		return "authenticator: " + string(e.Reason)
	}
	return fmt.Sprintf("authenticator: %s: %v", e.Reason, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
