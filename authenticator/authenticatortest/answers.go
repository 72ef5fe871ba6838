package authenticatortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
)

// Bounds of an Identity, from the contract.
const (
	maxSubject = 256
	maxState   = 8 << 10
)

var answerRules = []rule{
	{
		name: "Factors",
		rule: "Factors names at least one factor, each once and validly, the same ones every time; with otp there is SendCode.",
		why:  "The ways to log in are composed of them at start-up, and their names stand in amr of ID Tokens.",
		check: func(_ context.Context, s *subject) error {
			factors := s.factors()
			if len(factors) == 0 {
				return errors.New("there are no factors in Factors")
			}
			for i, f := range factors {
				// A type of identifier follows the rule for the name of a factor.
				if (authenticator.Identifier{Type: string(f), Value: "x"}).Validate() != nil || f == "" {
					return fmt.Errorf("%q is not a name of at most 32 lower-case letters, digits, '_' and '-'", f)
				}
				if slices.Contains(factors[:i], f) {
					return fmt.Errorf("%q is there twice", f)
				}
			}
			if again := s.factors(); !slices.Equal(factors, again) {
				return fmt.Errorf("the result of Factors was %q and then %q", factors, again)
			}
			if slices.Contains(factors, authenticator.OTP) && s.sender() == nil {
				return errNoSender
			}
			return nil
		},
	},
	{
		name: "RightAnswers",
		rule: "Right answers give an Identity whose Subject has 1 to 256 bytes of UTF-8 and whose State has at most 8 KiB.",
		why:  "Pseudonyms are derived from the subject; what is longer cannot be kept with the login, which then fails.",
		check: func(ctx context.Context, s *subject) error {
			return s.eachFactor(func(f authenticator.Factor) error {
				identity, err := s.prove(ctx, f)
				switch {
				case err != nil:
					return fmt.Errorf("%s: right answer refused: %w", f, err)
				case identity.Subject == "":
					return fmt.Errorf("%s: the subject is empty", f)
				case len(identity.Subject) > maxSubject || !utf8.ValidString(identity.Subject):
					return fmt.Errorf("%s: the subject has %d bytes, or is not UTF-8", f, len(identity.Subject))
				case len(identity.State) > maxState:
					return fmt.Errorf("%s: the state has %d bytes", f, len(identity.State))
				}
				return nil
			})
		},
	},
	{
		name: "SameSubject",
		rule: "A person has the same Subject in every login, by whatever factor and at whatever client.",
		why:  "What relying parties know the person by is derived from it: another subject is another person to them.",
		check: func(ctx context.Context, s *subject) error {
			var subjects []string
			err := s.eachFactor(func(f authenticator.Factor) error {
				for _, client := range []string{client, client + "-2"} {
					tx := transaction()
					answer, err := s.right(ctx, tx, f)
					if err != nil {
						return err
					}
					r := request(tx, s.Person, answer)
					r.ClientID = client
					identity, err := s.authenticate(ctx, r)
					if err != nil {
						return err
					}
					subjects = append(subjects, identity.Subject)
				}
				return nil
			})
			if different := slices.Compact(subjects); err == nil && len(different) > 1 {
				return fmt.Errorf("the subject was %q", different)
			}
			return err
		},
	},
	{
		name: "EveryAnswerCounts",
		rule: "All answers of a request must be right. A combination that cannot be verified is Unsupported whether they are or not.",
		why:  "Who needs one right answer of two has turned two factors into the weaker of them.",
		check: func(ctx context.Context, s *subject) error {
			return s.eachFactor(func(a authenticator.Factor) error {
				return s.eachFactor(func(b authenticator.Factor) error {
					if a == b {
						return s.oneWrong(ctx, a, b, false)
					}
					tx := transaction()
					first, err := s.right(ctx, tx, a)
					if err != nil {
						return err
					}
					second, err := s.right(ctx, tx, b)
					if err != nil {
						return err
					}
					_, err = s.authenticate(ctx, request(tx, s.Person, first, second))
					if err == nil {
						return s.oneWrong(ctx, a, b, true)
					}
					if err := expectReason(fmt.Sprintf("%s and %s, both right", a, b), err, authenticator.Unsupported); err != nil {
						return err
					}
					return s.oneWrong(ctx, a, b, false)
				})
			})
		},
	},
	{
		name: "SomethingIsAnswered",
		rule: "A request without answers proves nothing.",
		why:  "All of no answers are right, so a loop over them lets everybody in.",
		check: func(ctx context.Context, s *subject) error {
			_, err := s.authenticate(ctx, request(transaction(), s.Person))
			return expectReason("no answers", err, authenticator.Unsupported, authenticator.WrongCredentials)
		},
	},
}

// eachFactor calls f for each factor until it fails.
func (s *subject) eachFactor(f func(authenticator.Factor) error) error {
	for _, factor := range s.factors() {
		if err := f(factor); err != nil {
			return err
		}
	}
	return nil
}

// prove answers one factor rightly in a login of its own.
func (s *subject) prove(ctx context.Context, f authenticator.Factor) (*authenticator.Identity, error) {
	tx := transaction()
	answer, err := s.right(ctx, tx, f)
	if err != nil {
		return nil, err
	}
	return s.authenticate(ctx, request(tx, s.Person, answer))
}

// oneWrong answers two factors, or one twice, of which the first and then the second wrongly.
func (s *subject) oneWrong(ctx context.Context, a, b authenticator.Factor, supported bool) error {
	for _, wrongFirst := range []bool{true, false} {
		right, wrong := b, a
		if !wrongFirst {
			right, wrong = a, b
		}
		tx := transaction()
		good, err := s.right(ctx, tx, right)
		if err != nil {
			return err
		}
		bad := authenticator.Challenge{Factor: wrong, Response: s.Answers[wrong].Wrong}
		switch {
		case wrong == right && wrong == authenticator.OTP:
			bad.Response = otherCode(good.Response)
		case wrong == authenticator.OTP:
			if bad, err = s.wrong(ctx, tx, s.Person, wrong); err != nil {
				return err
			}
		}
		answers := []authenticator.Challenge{bad, good}
		if !wrongFirst {
			answers = []authenticator.Challenge{good, bad}
		}
		want := []authenticator.Reason{authenticator.WrongCredentials}
		switch {
		case a == b:
			want = append(want, authenticator.Unsupported)
		case !supported:
			want = []authenticator.Reason{authenticator.Unsupported}
		}
		_, err = s.authenticate(ctx, request(tx, s.Person, answers...))
		if err := expectReason(fmt.Sprintf("%s right and %s wrong", right, wrong), err, want...); err != nil {
			return err
		}
	}
	return nil
}
