package authenticatortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// check checks one rule, after that the subject is complete.
func (s *subject) check(ctx context.Context, r rule) error {
	if err := s.complete(); err != nil {
		return fmt.Errorf("authenticatortest: the Subject cannot be tested: %w", err)
	}
	return r.check(ctx, s)
}

func (s *subject) complete() error {
	if s.Authenticator == nil {
		return errors.New("there is no Authenticator")
	}
	errs := []error{s.Person.Validate(), s.Unknown.Validate()}
	if s.Person == s.Unknown {
		errs = append(errs, errors.New("the Person and Unknown are the same"))
	}
	for _, f := range s.factors() {
		a, ok := s.Answers[f]
		switch {
		case f == authenticator.OTP && s.Code == nil:
			errs = append(errs, errors.New("there is no Code, but otp is a factor"))
		case f != authenticator.OTP && !ok:
			errs = append(errs, fmt.Errorf("there is none in Answers for %q", f))
		case f != authenticator.OTP && a.Right == a.Wrong:
			errs = append(errs, fmt.Errorf("right and wrong answers are the same for %q", f))
		}
	}
	return errors.Join(errs...)
}

var errNoSender = errors.New("there is otp in Factors, but there is no SendCode")

func (s *subject) authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	return call(s.patience, "Authenticate", func() (*authenticator.Identity, error) {
		return s.Authenticator.Authenticate(ctx, r)
	})
}

func (s *subject) claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return call(s.patience, "Claims", func() (*authenticator.Claims, error) { return s.Authenticator.Claims(ctx, r) })
}

func (s *subject) sendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	sender := s.sender()
	if sender == nil {
		return nil, errNoSender
	}
	return call(s.patience, "SendCode", func() (*authenticator.CodeReceipt, error) { return sender.SendCode(ctx, r) })
}

// brokenError is what an Authenticator did that no rule allows.
type brokenError string

func (e brokenError) Error() string { return string(e) }

// call waits for f as long as a call may take, and makes an error of a panic and of a result that is none.
func call[T any](patience time.Duration, what string, f func() (*T, error)) (*T, error) {
	type result struct {
		value *T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- result{nil, brokenError(fmt.Sprintf("%s panicked: %v", what, p))}
			}
		}()
		value, err := f()
		switch {
		case err != nil && value != nil:
			err = brokenError(what + " returned a result with the error: " + err.Error())
		case err == nil && value == nil:
			err = brokenError(what + " returned neither a result nor an error")
		}
		done <- result{value, err}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-done:
		if r.err != nil {
			r.value = nil
		}
		return r.value, r.err
	case <-timer.C:
		return nil, brokenError(what + " does not return")
	}
}

// expectReason describes the difference when err does not tell the person one of the reasons.
func expectReason(what string, err error, want ...authenticator.Reason) error {
	if err == nil {
		return fmt.Errorf("%s: accepted, want %q", what, want)
	}
	e, ok := errors.AsType[*authenticator.Error](err)
	if !ok {
		return fmt.Errorf("%s: the error is %T (%w), want an *authenticator.Error with the reason %q", what, err, err, want)
	}
	if e.Unasked && e.Reason != authenticator.Unavailable {
		return fmt.Errorf("%s: the error is Unasked with the reason %q, which means that somebody looked", what, e.Reason)
	}
	if slices.Contains(want, e.Reason) {
		return nil
	}
	return fmt.Errorf("%s: the reason is %q (%w), want %q", what, e.Reason, err, want)
}

// sameMoment reports whether two answers a moment apart name the same time.
func sameMoment(a, b time.Time) bool {
	return a.IsZero() == b.IsZero() && a.Sub(b).Abs() < 10*time.Second
}
