package authenticatortest_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
)

func reasonOf(err error) authenticator.Reason {
	if e, ok := errors.AsType[*authenticator.Error](err); ok {
		return e.Reason
	}
	return ""
}

// after changes what Authenticate returns.
func after(change func(s *system, r *request, i *identity, err error) (*identity, error)) func(*system) {
	return func(s *system) {
		whole := s.authenticate
		s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
			i, err := whole(ctx, r)
			return change(s, r, i, err)
		}
	}
}

// proved changes the Identity.
func proved(change func(r *request, i *identity)) func(*system) {
	return after(func(_ *system, r *request, i *identity, err error) (*identity, error) {
		if err == nil {
			change(r, i)
		}
		return i, err
	})
}

// eachAnswer asks about one answer after the other, and believes the last.
func eachAnswer(s *system) {
	whole := s.authenticate
	s.authenticate = func(ctx context.Context, r *request) (i *identity, err error) {
		if len(r.Challenges) < 2 {
			return whole(ctx, r)
		}
		for _, c := range r.Challenges {
			one := *r
			one.Challenges = []authenticator.Challenge{c}
			i, err = whole(ctx, &one)
		}
		return i, err
	}
}

func answerFaults() []fault {
	return []fault{
		{"there are no factors", "Factors", func(s *system) { s.factors = func() factors { return nil } }},
		{"a factor is there twice", "Factors", func(s *system) { s.factors = func() factors { return factors{"pwd", "pwd"} } }},
		{"a right answer is refused", "RightAnswers", after(func(*system, *request, *identity, error) (*identity, error) {
			return nil, fail(authenticator.WrongCredentials, "no")
		})},
		{"the subject is empty", "RightAnswers", proved(func(_ *request, i *identity) { i.Subject = "" })},
		{"the subject is too long", "RightAnswers", proved(func(_ *request, i *identity) { i.Subject = strings.Repeat("x", 257) })},
		{"the subject is not UTF-8", "RightAnswers", proved(func(_ *request, i *identity) { i.Subject = "\xff" })},
		{"the state is too long", "RightAnswers", proved(func(_ *request, i *identity) { i.State = make([]byte, 8<<10+1) })},
		{"there is neither identity nor error", "RightAnswers", after(func(*system, *request, *identity, error) (*identity, error) { return nil, nil })},
		{"the subject is the login's", "SameSubject", proved(func(r *request, i *identity) { i.Subject += r.Transaction })},
		{"the subject is the client's", "SameSubject", proved(func(r *request, i *identity) { i.Subject += r.ClientID })},
		{"the last answer counts", "EveryAnswerCounts", eachAnswer},
		{"no answer is right", "SomethingIsAnswered", after(func(_ *system, r *request, i *identity, err error) (*identity, error) {
			if len(r.Challenges) == 0 {
				return &identity{Subject: "x"}, nil
			}
			return i, err
		})},
		{"a wrong answer is unasked", "WrongAnswers", after(func(_ *system, _ *request, i *identity, err error) (*identity, error) {
			if reason := reasonOf(err); reason == authenticator.WrongCredentials {
				return nil, &authenticator.Error{Reason: reason, Unasked: true}
			}
			return i, err
		})},
		{"a wrong answer is any error", "WrongAnswers", after(func(_ *system, _ *request, i *identity, err error) (*identity, error) {
			if reasonOf(err) == authenticator.WrongCredentials {
				return nil, errors.New("wrong")
			}
			return i, err
		})},
		{"any answer is right", "WrongAnswers", after(func(_ *system, _ *request, i *identity, err error) (*identity, error) {
			if reasonOf(err) == authenticator.WrongCredentials {
				return &identity{Subject: "x"}, nil
			}
			return i, err
		})},
		{"somebody unknown is said to be", "UnknownPerson", after(func(s *system, r *request, i *identity, err error) (*identity, error) {
			if err != nil && r.Identifier != s.person {
				return nil, fail(authenticator.Locked, "nobody")
			}
			return i, err
		})},
		{"only somebody known has to wait", "UnknownPerson", after(func(s *system, r *request, i *identity, err error) (*identity, error) {
			if err != nil && r.Identifier == s.person {
				return nil, &authenticator.Error{Reason: reasonOf(err), RetryAt: time.Unix(1_900_000_000, 0)}
			}
			return i, err
		})},
		{"an answer is taken apart", "StrangeAnswers", func(s *system) {
			whole := s.authenticate
			s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
				if len(r.Challenges) > 0 {
					_ = r.Challenges[0].Response[0] // panics when it is empty
				}
				return whole(ctx, r)
			}
		}},
		{"an identifier is part of a query", "StrangeIdentifiers", func(s *system) {
			whole := s.authenticate
			s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
				if before, found := strings.CutSuffix(r.Identifier.Value, "' --"); found {
					injected := *r
					injected.Identifier.Value, injected.Challenges = before, []authenticator.Challenge{{Factor: "pwd", Response: "right horse"}}
					return whole(ctx, &injected)
				}
				return whole(ctx, r)
			}
		}},
		{"an unknown factor is passed over", "UnsupportedFactor", func(s *system) {
			whole := s.authenticate
			s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
				known := *r
				known.Challenges = nil
				for _, c := range r.Challenges {
					if c.Factor != "authenticatortest" {
						known.Challenges = append(known.Challenges, c)
					}
				}
				return whole(ctx, &known)
			}
		}},
		{"an error quotes the identifier", "SilentErrors", after(func(_ *system, r *request, i *identity, err error) (*identity, error) {
			if err != nil {
				return nil, fail(reasonOf(err), "no "+r.Identifier.Value)
			}
			return i, nil
		})},
		{"an error quotes the answer", "SilentErrors", after(func(_ *system, r *request, i *identity, err error) (*identity, error) {
			if err != nil && len(r.Challenges) > 0 {
				return nil, fail(reasonOf(err), "not "+r.Challenges[0].Response)
			}
			return i, err
		})},
	}
}
