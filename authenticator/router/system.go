package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/breaker"
)

// Bounds of an Identity and of a Device, from the contract.
const (
	maxSubject     = 256
	maxState       = 8 << 10
	maxDeviceState = 4 << 10
)

// system is a System that cannot harm the others.
type system struct {
	name          string
	register      string
	authenticator authenticator.Authenticator
	factors       []authenticator.Factor
	// What else the Authenticator is, nil if it is not.
	codes      authenticator.CodeSender
	forms      authenticator.FormProvider
	challenger authenticator.Challenger
	recaller   authenticator.Recaller
	keys       authenticator.KeyPublisher
	binder     authenticator.KeyBinder
	assurer    authenticator.Assurer

	timeout time.Duration
	breaker *breaker.Breaker
	logger  *slog.Logger
}

func newSystem(c Config, s System) *system {
	system := &system{
		name: s.Name, register: cmp.Or(s.Register, s.Name), authenticator: s.Authenticator, factors: s.Authenticator.Factors(),
		timeout: cmp.Or(s.Timeout, 10*time.Second),
		logger:  c.Logger.With("system", s.Name),
		breaker: breaker.New(breaker.Config{
			MaxInFlight: cmp.Or(s.MaxInFlight, 64), Failures: c.MaxFailures, Pause: c.Pause, Now: c.Now,
			OnChange: func(open bool) {
				c.Logger.Warn("router: the calls of a system are suspended, or made again", "system", s.Name, "suspended", open)
			},
		}),
	}
	system.codes, _ = s.Authenticator.(authenticator.CodeSender)
	system.forms, _ = s.Authenticator.(authenticator.FormProvider)
	system.challenger, _ = s.Authenticator.(authenticator.Challenger)
	system.recaller, _ = s.Authenticator.(authenticator.Recaller)
	system.keys, _ = s.Authenticator.(authenticator.KeyPublisher)
	system.binder, _ = s.Authenticator.(authenticator.KeyBinder)
	system.assurer = authenticator.AssurerOf(s.Authenticator)
	return system
}

// supports reports whether the system verifies all of the factors.
func (s *system) supports(challenges []authenticator.Challenge) bool {
	return !slices.ContainsFunc(challenges, func(c authenticator.Challenge) bool {
		return !slices.Contains(s.factors, c.Factor)
	})
}

// authenticate is the proof of a system that certifies nothing.
func (s *system) authenticate(ctx context.Context, req *authenticator.Request) (*authenticator.KeyBinding, error) {
	identity, err := s.authenticator.Authenticate(ctx, req)
	if err != nil || identity == nil {
		return nil, err
	}
	return &authenticator.KeyBinding{Identity: *identity}, nil
}

// sendsCodes reports whether the system sends one-time codes.
func (s *system) sendsCodes() bool {
	return s.codes != nil && slices.Contains(s.factors, authenticator.OTP)
}

// own puts the register before the subject, so that those of two differ, and the system before the state.
func (s *system) own(i *authenticator.Identity) (*authenticator.Identity, error) {
	subject, state := s.register+":"+i.Subject, append([]byte(s.name+":"), i.State...)
	if i.Subject == "" || len(subject) > maxSubject || !utf8.ValidString(subject) || len(state) > maxState {
		return nil, errIdentity
	}
	return &authenticator.Identity{Subject: subject, State: state}, nil
}

// lend puts the system before the state of a device.
func (s *system) lend(d *authenticator.Device) (*authenticator.Device, error) {
	state := append([]byte(s.name+":"), d.State...)
	if len(state) > maxDeviceState {
		return nil, errDevice
	}
	return &authenticator.Device{Options: d.Options, State: state}, nil
}

// What systems may do wrong, in words that hold nothing personal.
var (
	errIdentity = errors.New("an identity that is empty, too long or not UTF-8")
	errSomebody = errors.New("somebody else was recalled")
	errDevice   = errors.New("the state of a device that is too long")
	errKeys     = errors.New("keys that are no JWK Set")
)

// ask makes a call, and returns an *authenticator.Error or the error of the context. A call that does not return in time
// is left behind, but counts as under way until it does.
func ask[T any](ctx context.Context, s *system, call func(context.Context) (*T, error)) (*T, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	release, err := s.breaker.Acquire()
	if err != nil {
		unavailable := s.unavailable(err)
		unavailable.Unasked = true
		if open, ok := errors.AsType[*breaker.OpenError](err); ok {
			unavailable.RetryAt = open.Until
		}
		return nil, unavailable
	}
	type result struct {
		value *T
		err   error
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	done := make(chan result, 1)
	go func() {
		value, err := contain(limited, s, call)
		release(outcome(ctx, err))
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		if r.err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return r.value, r.err
	case <-limited.Done():
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, s.unavailable(context.DeadlineExceeded)
}

// contain makes an Unavailable of whatever is not the contract's, and logs it by its type: its text may hold anything.
func contain[T any](ctx context.Context, s *system, call func(context.Context) (*T, error)) (value *T, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.logger.ErrorContext(ctx, "router: a system panicked", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			value, err = nil, s.unavailable(errors.New("it panicked"))
		}
	}()
	value, err = call(ctx)
	e, ok := errors.AsType[*authenticator.Error](err)
	switch {
	case ok && e.Reason == authenticator.Unavailable:
		return nil, &authenticator.Error{Reason: e.Reason, RetryAt: e.RetryAt, Unasked: e.Unasked, Err: fmt.Errorf("router: system %s: %w", s.name, e)}
	case ok:
		return nil, e
	case slices.Contains([]error{errIdentity, errSomebody, errDevice, errKeys}, err):
		s.logger.ErrorContext(ctx, "router: a system broke the contract", "error", err)
		return nil, s.unavailable(err)
	case err != nil:
		if !errors.Is(ctx.Err(), context.Canceled) { // nobody hung up
			s.logger.ErrorContext(ctx, "router: a system failed", "type", fmt.Sprintf("%T", err))
		}
		return nil, s.unavailable(fmt.Errorf("an error of type %T", err))
	case value == nil:
		return nil, s.unavailable(errors.New("neither a result nor an error"))
	}
	return value, nil
}

// outcome says what a call tells about the system. Of a call that the caller gave up it is nothing.
func outcome(ctx context.Context, err error) breaker.Outcome {
	switch {
	case !unavailable(err):
		return breaker.Success
	case ctx.Err() != nil:
		return breaker.Unknown
	}
	return breaker.Failure
}

func unavailable(err error) bool {
	e, ok := errors.AsType[*authenticator.Error](err)
	return ok && e.Reason == authenticator.Unavailable
}

func (s *system) unavailable(cause error) *authenticator.Error {
	return fail(authenticator.Unavailable, fmt.Errorf("router: system %s: %w", s.name, cause))
}

func fail(reason authenticator.Reason, cause error) *authenticator.Error {
	return &authenticator.Error{Reason: reason, Err: cause}
}
