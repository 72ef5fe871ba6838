package login

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/gosignet/signet/authenticator"
)

// Whether a factor of a Challenger has challenges. Only asking tells, where it is not clear from the factor.
const (
	perhaps int32 = iota
	always
	never
)

// method verifies a factor, and is what else its Method can do for it.
type method struct {
	system     *system
	factor     authenticator.Factor
	verifier   authenticator.Method
	traits     authenticator.Traits
	challenger authenticator.Challenger // nil if there is none for the factor
	challenged atomic.Int32
	enroller   authenticator.Enroller // nil if no device can be registered for the factor
	forms      *forms                 // nil if there are none
	codes      authenticator.CodeSender
	channels   []authenticator.Channel
}

// methods are those of all factors.
type methods struct {
	of map[authenticator.Factor]*method
	// enrollable are the factors for which devices can be registered, in the order of the Methods.
	enrollable []authenticator.Factor
}

// newMethods finds out what the Authenticator and the Methods can do. The error joins all that is wrong with them.
func newMethods(c *Config) (*methods, error) {
	all := &methods{of: map[authenticator.Factor]*method{}}
	var errs []error
	problem := func(format string, args ...any) { errs = append(errs, fmt.Errorf("login: Config."+format, args...)) }
	if c.Authenticator == nil {
		problem("Authenticator is missing")
		return nil, errors.Join(errs...)
	}
	var factors []authenticator.Factor
	for i, verifier := range append([]authenticator.Method{c.Authenticator}, c.Methods...) {
		if verifier == nil {
			problem("Methods[%d] is nil", i-1)
			continue
		}
		own := verifier.Factors()
		factors = append(factors, own...)
		s := &system{timeout: c.AuthenticatorTimeout, logger: c.Logger}
		for _, f := range own {
			all.of[f] = newMethod(c, s, verifier, f)
			if f == authenticator.OTP && all.of[f].codes == nil {
				problem("Authenticator, or the Method that verifies one-time codes, is no CodeSender")
			}
		}
		enroller, ok := verifier.(authenticator.Enroller)
		if !ok {
			continue
		}
		for _, f := range enroller.Enrollable() {
			if !slices.Contains(own, f) {
				problem("Methods: devices can be registered for the factor %q, which the same Method does not verify", f)
				continue
			}
			all.of[f].enroller = enroller
			all.enrollable = append(all.enrollable, f)
		}
	}
	if err := c.ACRs.Validate(factors); err != nil {
		problem("ACRs: %w", err)
	}
	all.checkPortal(c, problem)
	for _, acr := range c.EnrollmentACRs {
		if !slices.Contains(c.ACRs.Values(), acr) {
			problem("EnrollmentACRs: %q is none of ACRs", acr)
		}
	}
	return all, errors.Join(errs...)
}

// checkPortal finds an ID Token that nobody verifies, or that belongs to no login: one that neither a Portal brings back with
// the nonce of the login that was left, nor answers a challenge of the Method.
func (all *methods) checkPortal(c *Config, problem func(format string, args ...any)) {
	m := all.of[authenticator.IDToken]
	switch {
	case c.Portal == "" && m != nil && m.challenger == nil:
		problem("Methods: one that verifies idt, and is no Challenger, needs a Portal")
	case c.Portal != "" && m == nil:
		problem("Portal needs a Method that verifies idt")
	}
	reached := slices.ContainsFunc(c.ACRs.Alternatives(), func(a authenticator.Alternative) bool {
		return slices.Contains(a.Factors, authenticator.IDToken)
	})
	if c.Portal != "" && !reached {
		problem("Portal needs one of the ACRs to be reached by idt")
	}
}

func newMethod(c *Config, s *system, verifier authenticator.Method, f authenticator.Factor) *method {
	m := &method{system: s, factor: f, verifier: verifier, traits: authenticator.TraitsOf(verifier, f)}
	switch f {
	case authenticator.OTP:
		m.codes, _ = verifier.(authenticator.CodeSender)
		if sender, ok := verifier.(authenticator.ChannelSender); ok {
			m.channels = slices.Clone(sender.Channels())
		}
	case authenticator.Password, authenticator.PIN, authenticator.Knowledge: // no device answers these
	default:
		m.challenger, _ = verifier.(authenticator.Challenger)
		if f == authenticator.Passkey {
			m.challenged.Store(always)
		}
	}
	provider, ok := verifier.(authenticator.FormProvider)
	if ok && f != authenticator.OTP && f != authenticator.Passkey { // which are what they are
		m.forms = &forms{provider: provider, now: c.Now}
	}
	return m
}

// byDevice reports whether the factor is known to be answered by a device, without asking anybody.
func (m *method) byDevice() bool {
	return m != nil && m.challenger != nil && m.challenged.Load() == always
}
