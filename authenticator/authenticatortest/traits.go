package authenticatortest

import (
	"context"
	"errors"
	"fmt"

	"github.com/gosignet/signet/authenticator"
)

// maxResponse is the most that traits may allow, from the contract.
const maxResponse = 4 << 20

// traitRules are for Authenticators that are Describers.
var traitRules = []rule{
	{
		name: "Traits",
		rule: "Traits are the same every time and allow right answers, of at most 4 MiB.",
		why:  "Pages and requests are bounded by them: an answer that is longer never arrives.",
		check: func(_ context.Context, s *subject) error {
			describer, ok := s.Authenticator.(authenticator.Describer)
			if !ok {
				return nil
			}
			return s.eachFactor(func(f authenticator.Factor) error {
				traits := describer.Traits(f)
				if again := describer.Traits(f); traits != again {
					return fmt.Errorf("%s: the traits were %+v and then %+v", f, traits, again)
				}
				if traits.MaxResponse < 0 || traits.MaxResponse > maxResponse {
					return fmt.Errorf("%s: MaxResponse is %d", f, traits.MaxResponse)
				}
				if limit := authenticator.TraitsOf(s.Authenticator, f).MaxResponse; len(s.Answers[f].Right) > limit {
					return fmt.Errorf("%s: the right answer has more than %d bytes", f, limit)
				}
				return nil
			})
		},
	},
	{
		name: "Identifies",
		rule: "A factor that identifies needs no identifier.",
		why:  "Nobody is asked for one.",
		check: func(ctx context.Context, s *subject) error {
			known, err := s.login(ctx)
			if err != nil {
				return err
			}
			return s.eachFactor(func(f authenticator.Factor) error {
				if !authenticator.TraitsOf(s.Authenticator, f).Identifies {
					return nil
				}
				if f == authenticator.OTP {
					return errors.New("a code is sent to who is known, and cannot identify")
				}
				answer := authenticator.Challenge{Factor: f, Response: s.Answers[f].Right}
				identity, err := s.authenticate(ctx, request(transaction(), authenticator.Identifier{}, answer))
				if err != nil {
					return fmt.Errorf("%s without an identifier: %w", f, err)
				}
				if identity.Subject != known.Subject {
					return fmt.Errorf("%s without an identifier is somebody else: %q instead of %q", f, identity.Subject, known.Subject)
				}
				return nil
			})
		},
	},
}
