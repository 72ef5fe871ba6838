package ida

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/breaker"
)

// reasons says what IDA's codes mean for the person. A code that is not here is no fault of theirs: Unavailable.
var reasons = map[string]authenticator.Reason{
	"IDA-OTA-001": authenticator.TooSoon, // too many requests
	"IDA-OTA-003": authenticator.CodeExpired,
	"IDA-OTA-004": authenticator.WrongCredentials,
	"IDA-OTA-005": authenticator.WrongCredentials, // no code was sent in this transaction
	"IDA-OTA-006": authenticator.Locked,           // no more codes
	"IDA-OTA-007": authenticator.Locked,           // too many wrong ones
	"IDA-OTA-010": authenticator.WrongCredentials, // a code for the UIN with the VID, or the other way round

	// Nobody has the identifier, or nobody any longer.
	"IDA-MLC-002": authenticator.WrongCredentials,
	"IDA-MLC-003": authenticator.WrongCredentials,
	"IDA-MLC-004": authenticator.WrongCredentials,
	"IDA-MLC-005": authenticator.WrongCredentials,
	"IDA-MLC-010": authenticator.WrongCredentials,
	"IDA-MLC-014": authenticator.WrongCredentials, // no address to send a code to
	"IDA-MLC-017": authenticator.WrongCredentials,
	"IDA-MLC-018": authenticator.WrongCredentials,
	"IDA-MLC-022": authenticator.WrongCredentials,
	"IDA-MLC-023": authenticator.WrongCredentials,
	// It is none: wrong length, wrong checksum.
	"IDA-MLC-009": authenticator.WrongCredentials,
	"IDA-MLC-026": authenticator.WrongCredentials,
	"IDA-MLC-027": authenticator.WrongCredentials,
	"IDA-MLC-028": authenticator.WrongCredentials,
	"IDA-MLC-029": authenticator.WrongCredentials,

	"IDA-MLC-019": authenticator.Locked, // the person locked the factor
	"IDA-MLC-011": authenticator.Unsupported,
	"IDA-MPA-005": authenticator.Unsupported,
	"IDA-MPA-006": authenticator.Unsupported,
	"IDA-MPA-015": authenticator.Unsupported,
	"IDA-MPA-029": authenticator.Unsupported,
	"IDA-MPA-030": authenticator.Unsupported,

	// The capture is of another transaction or time, or not good.
	"IDA-MLC-016": authenticator.WrongCredentials,
	"IDA-MLC-024": authenticator.WrongCredentials,
	"IDA-MLC-030": authenticator.WrongCredentials,
	"IDA-MLC-031": authenticator.WrongCredentials,
	// The device is not registered.
	"IDA-BIA-004": authenticator.Unsupported,
	"IDA-BIA-005": authenticator.Unsupported,
	"IDA-BIA-012": authenticator.Unsupported,
	// IDA could not compare.
	"IDA-BIA-016": authenticator.Unavailable,
	"IDA-BIA-017": authenticator.Unavailable,
	"IDA-BIA-018": authenticator.Unavailable,
}

// families are the codes about one factor, for those that are not in reasons.
var families = map[string]authenticator.Reason{
	"IDA-BIA-": authenticator.WrongCredentials,
	"IDA-SPA-": authenticator.WrongCredentials, // PIN
	"IDA-PSD-": authenticator.WrongCredentials, // password
	"IDA-DPM-": authenticator.Unsupported,      // device
}

func (r *refusal) reason() authenticator.Reason {
	if reason, ok := reasons[r.code]; ok {
		return reason
	}
	for prefix, reason := range families {
		if strings.HasPrefix(r.code, prefix) {
			return reason
		}
	}
	return authenticator.Unavailable
}

// ambiguous reports whether a code that looks like the person's fault may as well be the operator's.
func (r *refusal) ambiguous() bool { return r.code == "IDA-MLC-009" || r.code == "IDA-MLC-024" }

// aboutKey reports whether IDA could not open the request: its key may have changed.
func (r *refusal) aboutKey() bool {
	return r.code == "IDA-MPA-003" || r.code == "IDA-MPA-004" || r.code == "IDA-MPA-016"
}

func wrong(cause error) error {
	return &authenticator.Error{Reason: authenticator.WrongCredentials, Err: cause}
}

// explain turns the error of a call into one that the person should hear about.
func (a *Authenticator) explain(ctx context.Context, call string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("ida: %s: %w", call, ctx.Err())
	}
	e := &authenticator.Error{
		Reason: authenticator.Unavailable, Unasked: breaker.Unmade(err), Err: fmt.Errorf("ida: %s: %w", call, err),
	}
	if open, ok := errors.AsType[*breaker.OpenError](err); ok {
		e.RetryAt = open.Until
	}
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return e
	}
	if r.ambiguous() {
		a.config.Logger.WarnContext(ctx, "IDA refused a person or the configuration", "call", call, "code", r.code)
	}
	if r.aboutKey() {
		a.encryption.forget()
	}
	e.Reason = r.reason()
	if !a.config.RevealLocks && (e.Reason == authenticator.Locked || e.Reason == authenticator.TooSoon) {
		e.Reason = authenticator.WrongCredentials
	}
	return e
}
