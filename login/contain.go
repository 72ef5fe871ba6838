package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
)

// maxAbandoned is how many calls of one Method may go on after nobody waits for them any more. A system that hangs is not
// asked beyond it: each such call keeps a person's answer in memory.
const maxAbandoned = 256

// breach is a way in which an identity system broke its contract.
type breach string

func (b breach) Error() string { return string(b) }

const (
	errExited breach = "the call ended its goroutine"
	// errPanicked is logged where the stack is known.
	errPanicked breach = "the call panicked"
)

// system is a Method, or the Authenticator, as the login calls it: what is wrong with it is contained.
type system struct {
	timeout   time.Duration
	logger    *slog.Logger
	abandoned atomic.Int32
}

// ask calls the system. It returns at the latest when the time is up, also if the system does not: a late answer is
// dropped. An error is an *[authenticator.Error] with a known reason, or that of the context.
func ask[T any](ctx context.Context, s *system, transaction string, call func(context.Context) (T, error)) (T, error) {
	var none T
	if s.abandoned.Load() >= maxAbandoned {
		s.logger.ErrorContext(ctx, "authenticator hangs, and is not asked", "transaction", transaction)
		return none, &authenticator.Error{Reason: authenticator.Unavailable, Unasked: true}
	}
	type answer struct {
		value T
		err   error
	}
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	answers := make(chan answer, 1)
	var over atomic.Bool // either the call or the wait for it
	go func() {
		a := answer{err: errExited}
		defer func() {
			if p := recover(); p != nil {
				s.logger.ErrorContext(ctx, "authenticator panicked",
					"transaction", transaction, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				a = answer{err: errPanicked}
			}
			if over.Swap(true) {
				s.abandoned.Add(-1)
			}
			answers <- a
		}()
		v, err := call(bounded)
		a = answer{v, reduce(err)}
	}()
	select {
	case a := <-answers:
		if a.err == nil {
			return a.value, nil
		}
		return none, s.contain(ctx, bounded, transaction, a.err)
	case <-bounded.Done():
		if !over.Swap(true) {
			s.abandoned.Add(1)
		}
		return none, s.contain(ctx, bounded, transaction, bounded.Err())
	}
}

// failure is the type of an error that is not of the contract. The text, as that of a panic, may hold anything, also what
// the person typed.
type failure string

func (f failure) Error() string { return "an error of type " + string(f) }

// reduce makes of an error of the system one that can be looked at outside of its call: the methods of errors are code of
// the system too.
func reduce(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*authenticator.Error](err); ok && e != nil && !errors.Is(e, errExited) {
		return e
	}
	if b, ok := err.(breach); ok {
		return b
	}
	return failure(fmt.Sprintf("%T", err))
}

// contain makes an error that may leave the login of a reduced one.
func (s *system) contain(ctx, bounded context.Context, transaction string, err error) error {
	e, ok := err.(*authenticator.Error)
	b, broken := err.(breach)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("login: the authenticator: %w", ctx.Err())
	case ok && e.Reason == authenticator.Unavailable:
		s.logger.WarnContext(ctx, "authenticator unavailable", "transaction", transaction, "error", e)
		return e
	case ok && known(e.Reason):
		return e
	case b == errPanicked:
	case ok: // the reason may be any text
		s.logger.ErrorContext(ctx, "authenticator gave a reason that does not exist", "transaction", transaction)
	case broken:
		s.logger.ErrorContext(ctx, "authenticator broke its contract", "transaction", transaction, "error", b)
	case bounded.Err() != nil:
		s.logger.ErrorContext(ctx, "authenticator did not answer in time", "transaction", transaction)
	default:
		s.logger.ErrorContext(ctx, "authenticator failed", "transaction", transaction, "error", err)
	}
	return &authenticator.Error{Reason: authenticator.Unavailable}
}

// known reports whether the pages and the audit trail know the reason, of which the answer was refused.
func known(r authenticator.Reason) bool {
	switch r {
	case authenticator.WrongCredentials, authenticator.CodeExpired, authenticator.TooSoon, authenticator.Locked,
		authenticator.Unsupported:
		return true
	}
	return false
}

// verdict is how the audit trail tells what came of asking.
func verdict(err error) (audit.Outcome, string) {
	e, ok := errors.AsType[*authenticator.Error](err)
	switch {
	case err == nil:
		return audit.Success, ""
	case ok && e.Reason != authenticator.Unavailable:
		return audit.Refused, string(e.Reason)
	case !ok && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		return audit.Failed, "canceled"
	}
	return audit.Failed, string(authenticator.Unavailable)
}

// reasonIs reports whether the error is the authenticator's with the reason.
func reasonIs(err error, r authenticator.Reason) bool {
	e, ok := errors.AsType[*authenticator.Error](err)
	return ok && e.Reason == r
}

// unasked reports whether nobody looked at the answer.
func unasked(err error) bool {
	e, ok := errors.AsType[*authenticator.Error](err)
	return ok && e.Reason == authenticator.Unavailable && e.Unasked
}
