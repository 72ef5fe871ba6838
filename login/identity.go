package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"unicode/utf8"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
)

// Bounds of what an identity system says, from the contract of package authenticator.
const (
	maxSubject      = 256
	maxState        = 8 << 10
	maxDestinations = 8
	maxDestination  = 256
)

var (
	errIdentity = errors.New("no identity, or one that is empty, too long or not UTF-8")
	errReceipt  = errors.New("no receipt, or one that is too long")
)

// identitySystem asks the Authenticator and contains what is wrong with it: its methods return an
// *[authenticator.Error] with a known reason, or the error of the context.
type identitySystem struct {
	authenticator authenticator.Authenticator
	codes         authenticator.CodeSender // nil if there is none
	logger        *slog.Logger
}

func (s *identitySystem) authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	var identity *authenticator.Identity
	err := s.ask(ctx, r.Transaction, func() (err error) {
		if identity, err = s.authenticator.Authenticate(ctx, r); err != nil {
			return err
		}
		return checkIdentity(identity)
	})
	if err != nil {
		return nil, err
	}
	return identity, nil
}

func (s *identitySystem) sendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	var receipt *authenticator.CodeReceipt
	err := s.ask(ctx, r.Transaction, func() (err error) {
		if receipt, err = s.codes.SendCode(ctx, r); err != nil {
			return err
		}
		return checkReceipt(receipt)
	})
	if err != nil {
		return nil, err
	}
	return receipt, nil
}

func checkIdentity(i *authenticator.Identity) error {
	if i == nil || i.Subject == "" || len(i.Subject) > maxSubject || len(i.State) > maxState || !utf8.ValidString(i.Subject) {
		return errIdentity
	}
	return nil
}

func checkReceipt(r *authenticator.CodeReceipt) error {
	tooLong := func(destination string) bool { return len(destination) > maxDestination }
	if r == nil || r.Length < 0 || len(r.Destinations) > maxDestinations || slices.ContainsFunc(r.Destinations, tooLong) {
		return errReceipt
	}
	return nil
}

// ask calls the Authenticator. The text of an error that is not the contract's, or of a panic, may hold anything, also
// what the person typed: only its type is logged.
func (s *identitySystem) ask(ctx context.Context, transaction string, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.logger.ErrorContext(ctx, "authenticator panicked",
				"transaction", transaction, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = &authenticator.Error{Reason: authenticator.Unavailable}
		}
	}()
	err = call()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*authenticator.Error](err)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("login: the authenticator: %w", ctx.Err())
	case ok && e.Reason == authenticator.Unavailable:
		s.logger.WarnContext(ctx, "authenticator unavailable", "transaction", transaction, "error", e)
		return e
	case ok && known(e.Reason):
		return e
	case errors.Is(err, errIdentity), errors.Is(err, errReceipt):
		s.logger.ErrorContext(ctx, "authenticator broke its contract", "transaction", transaction, "error", err)
	default:
		s.logger.ErrorContext(ctx, "authenticator failed", "transaction", transaction, "type", fmt.Sprintf("%T", err))
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
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return audit.Failed, "canceled"
	case !ok || e.Reason == authenticator.Unavailable:
		return audit.Failed, string(authenticator.Unavailable)
	}
	return audit.Refused, string(e.Reason)
}
