package authenticatortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

var refusalRules = []rule{
	{
		name: "WrongAnswers",
		rule: "A wrong answer is an *authenticator.Error with WrongCredentials, and not Unasked.",
		why:  "Any other error is shown as unavailable: the person would wait instead of trying again.",
		check: func(ctx context.Context, s *subject) error {
			return s.eachFactor(func(f authenticator.Factor) error {
				_, err := s.refuse(ctx, s.Person, f)
				return err
			})
		},
	},
	{
		name: "UnknownPerson",
		rule: "Somebody unknown is answered like a wrong answer: the same reason, the same RetryAt.",
		why:  "Otherwise a stranger can go through all identifiers and learn who is registered.",
		check: func(ctx context.Context, s *subject) error {
			return s.eachFactor(func(f authenticator.Factor) error {
				known, err := s.refuse(ctx, s.Person, f)
				if err != nil {
					return err
				}
				unknown, err := s.refuse(ctx, s.Unknown, f)
				switch {
				case err != nil:
					return fmt.Errorf("somebody unknown: %w", err)
				case !sameMoment(known.RetryAt, unknown.RetryAt):
					return fmt.Errorf("%s: RetryAt is %v for a wrong answer and %v for somebody unknown", f, known.RetryAt, unknown.RetryAt)
				}
				return nil
			})
		},
	},
	{
		name: "StrangeAnswers",
		rule: "An answer that is empty, far too long, or no text is a wrong one.",
		why:  "Strangers send what they like, and see whether the identity system stumbles.",
		check: func(ctx context.Context, s *subject) error {
			return s.eachFactor(func(f authenticator.Factor) error {
				for _, response := range []string{
					"", " ", "\x00", "\xff\xfe", "{", "null", "[]", `""`, "' OR '1'='1", "*", "%", strings.Repeat("1", 64<<10),
				} {
					c := authenticator.Challenge{Factor: f, Response: response}
					_, err := s.authenticate(ctx, request(transaction(), s.Person, c))
					what := fmt.Sprintf("%s answered by %.20q", f, response)
					if err := expectReason(what, err, authenticator.WrongCredentials); err != nil {
						return err
					}
				}
				return nil
			})
		},
	},
	{
		name: "StrangeIdentifiers",
		rule: "An identifier that nobody has is WrongCredentials, whatever it looks like.",
		why:  "Identifiers go into queries of databases and directories, where some characters have a meaning.",
		check: func(ctx context.Context, s *subject) error {
			for _, value := range []string{
				"*", "%", "_", "' OR '1'='1", `"; --`, "*)(uid=*", "../../etc/passwd", "${x}", "{}", "\U0001F600",
				strings.Repeat("9", 256), s.Person.Value + "' --", s.Person.Value + "*",
			} {
				id := authenticator.Identifier{Type: s.Person.Type, Value: value}
				if id.Validate() != nil {
					continue // it would be with the Person's in front
				}
				f := s.factors()[0]
				c := authenticator.Challenge{Factor: f, Response: s.Answers[f].Right}
				if f == authenticator.OTP {
					c.Response = "000000"
				}
				_, err := s.authenticate(ctx, request(transaction(), id, c))
				if err := expectReason(fmt.Sprintf("identifier %.20q", value), err, authenticator.WrongCredentials); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		name: "UnsupportedFactor",
		rule: "A factor that Factors does not name is Unsupported, alone and beside a right answer, for everybody.",
		why:  "An answer that nobody looked at must not count, and the refusal must not tell who is registered.",
		check: func(ctx context.Context, s *subject) error {
			foreign := authenticator.Challenge{Factor: "authenticatortest", Response: "anything"}
			for who, id := range map[string]authenticator.Identifier{"the person": s.Person, "somebody unknown": s.Unknown} {
				_, err := s.authenticate(ctx, request(transaction(), id, foreign))
				if err := expectReason(who, err, authenticator.Unsupported); err != nil {
					return err
				}
			}
			tx := transaction()
			answer, err := s.right(ctx, tx, s.factors()[0])
			if err != nil {
				return err
			}
			_, err = s.authenticate(ctx, request(tx, s.Person, answer, foreign))
			return expectReason("beside a right answer", err, authenticator.Unsupported)
		},
	},
	{
		name: "SilentErrors",
		rule: "No error contains the identifier or an answer.",
		why:  "Errors are logged, and logs are read by people who must not know who logs in, or with which secret.",
		check: func(ctx context.Context, s *subject) error {
			return s.eachFactor(func(f authenticator.Factor) error {
				for _, id := range []authenticator.Identifier{s.Person, s.Unknown} {
					tx := transaction()
					wrong, err := s.wrong(ctx, tx, id, f)
					if err != nil {
						return silent(err, id.Value)
					}
					foreign := authenticator.Challenge{Factor: "authenticatortest", Response: "some answer"}
					ended, cancel := context.WithCancel(ctx)
					cancel()
					_, refused := s.authenticate(ctx, request(tx, id, wrong))
					_, unsupported := s.authenticate(ctx, request(tx, id, wrong, foreign))
					_, hungUp := s.authenticate(ended, request(tx, id, wrong))
					private := append(texts(wrong.Response), id.Value, foreign.Response)
					for _, err := range []error{refused, unsupported, hungUp} {
						if err := silent(err, private...); err != nil {
							return fmt.Errorf("%s: %w", f, err)
						}
					}
				}
				return nil
			})
		},
	},
}

// refuse answers a factor wrongly, and returns the error if it is as it should be.
func (s *subject) refuse(
	ctx context.Context, id authenticator.Identifier, f authenticator.Factor,
) (*authenticator.Error, error) {
	tx := transaction()
	answer, err := s.wrong(ctx, tx, id, f)
	if err != nil {
		return nil, err
	}
	_, err = s.authenticate(ctx, request(tx, id, answer))
	if err := expectReason(fmt.Sprintf("%s answered wrongly", f), err, authenticator.WrongCredentials); err != nil {
		return nil, err
	}
	refusal, _ := errors.AsType[*authenticator.Error](err)
	return refusal, nil
}

// texts returns the answer, and what is in it if it is JSON, as those to forms are.
func texts(answer string) []string {
	all := []string{answer}
	var fields map[string]any
	if json.Unmarshal([]byte(answer), &fields) == nil {
		for _, v := range fields {
			if text, ok := v.(string); ok {
				all = append(all, text)
			}
		}
	}
	return all
}

// silent describes where an error says what is private. Texts of one or two characters are anywhere.
func silent(err error, private ...string) error {
	if err == nil {
		return nil
	}
	// The kit's own errors wrap those of the Authenticator, so that all is seen.
	for _, text := range private {
		if len(text) > 2 && strings.Contains(err.Error(), text) {
			return fmt.Errorf("an error contains what the person typed, or where a code went: %T", err)
		}
	}
	return nil
}
