package authenticatortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

// recallRules are for Authenticators that are Recallers.
var recallRules = []rule{
	{
		name: "Recall",
		rule: "Recall returns the same Subject for a stored Identity, and a State that works for claims, again and again.",
		why:  "Whoever logs in with a passkey is the person of this Identity: another subject is another person.",
		check: func(ctx context.Context, s *subject) error {
			earlier, err := s.login(ctx)
			if err != nil {
				return err
			}
			subject := strings.Clone(earlier.Subject)
			for range 2 {
				stored := &authenticator.Identity{Subject: earlier.Subject, State: bytes.Clone(earlier.State)}
				today, err := s.recall(ctx, stored)
				if today == nil && err == nil {
					return nil // it recalls nobody
				}
				switch {
				case err != nil:
					return fmt.Errorf("the person was not recalled: %w", err)
				case today.Subject != subject:
					return fmt.Errorf("the subject was %q, and %q when it was recalled", subject, today.Subject)
				case len(today.State) > maxState:
					return fmt.Errorf("the state has %d bytes", len(today.State))
				}
				claims, err := s.claims(ctx, claimsRequest(*today, s.Claims, nil))
				if err != nil {
					return fmt.Errorf("claims of who was recalled: %w", err)
				}
				for _, name := range s.Claims {
					if len(claims.Values[name]) == 0 && claims.Original == "" {
						return fmt.Errorf("of who was recalled, %q is not released", name)
					}
				}
			}
			return nil
		},
	},
	{
		name: "RecallNobody",
		rule: "An Identity that nobody has is not recalled.",
		why:  "A person may have left, or their identifier may have passed to somebody else, who must not get their passkeys.",
		check: func(ctx context.Context, s *subject) error {
			earlier, err := s.login(ctx)
			if err != nil {
				return err
			}
			today, err := s.recall(ctx, &authenticator.Identity{Subject: otherCode(earlier.Subject), State: earlier.State})
			if today == nil && err == nil {
				return nil // it recalls nobody
			}
			return expectReason("the identity of nobody", err, authenticator.WrongCredentials, authenticator.Unavailable)
		},
	},
}

// recall returns neither an identity nor an error if the Authenticator recalls nobody.
func (s *subject) recall(ctx context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	recaller, ok := s.Authenticator.(authenticator.Recaller)
	if !ok {
		return nil, nil
	}
	today, err := call(s.patience, "Recall", func() (*authenticator.Identity, error) { return recaller.Recall(ctx, earlier) })
	if e, ok := errors.AsType[*authenticator.Error](err); ok && e.Reason == authenticator.Unsupported {
		return nil, nil
	}
	return today, err
}
