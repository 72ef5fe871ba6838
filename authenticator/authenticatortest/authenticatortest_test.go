package authenticatortest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/store/memory"
)

type (
	factors      = []authenticator.Factor
	request      = authenticator.Request
	identity     = authenticator.Identity
	claimsAsked  = authenticator.ClaimsRequest
	codeAsked    = authenticator.CodeRequest
	codeReceipt  = authenticator.CodeReceipt
	authenticate = func(context.Context, *request) (*identity, error)
)

// system is the mock, in which single methods can be broken.
type system struct {
	factors      func() factors
	authenticate authenticate
	claims       func(context.Context, *claimsAsked) (*authenticator.Claims, error)
	sendCode     func(context.Context, *codeAsked) (*codeReceipt, error)
	form         func(context.Context, authenticator.Factor) (*authenticator.Form, error)
	person       authenticator.Identifier
	advance      func(time.Duration)
}

func (s *system) Factors() factors { return s.factors() }
func (s *system) Authenticate(ctx context.Context, r *request) (*identity, error) {
	return s.authenticate(ctx, r)
}
func (s *system) Claims(ctx context.Context, r *claimsAsked) (*authenticator.Claims, error) {
	return s.claims(ctx, r)
}
func (s *system) SendCode(ctx context.Context, r *codeAsked) (*codeReceipt, error) {
	return s.sendCode(ctx, r)
}
func (s *system) Form(ctx context.Context, f authenticator.Factor) (*authenticator.Form, error) {
	return s.form(ctx, f)
}

func fail(reason authenticator.Reason, cause string) error {
	return &authenticator.Error{Reason: reason, Err: errors.New(cause)}
}

func correct(t testing.TB) *system {
	var mu sync.Mutex
	now := time.Unix(1_800_000_000, 0)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	codes, err := memory.New(memory.Config{Now: clock})
	require.NoError(t, err)
	m, err := mock.New(mock.Config{Password: "right horse", Store: codes, Now: clock})
	require.NoError(t, err)
	s := &system{
		factors: m.Factors, authenticate: m.Authenticate, claims: m.Claims, sendCode: m.SendCode,
		form: func(_ context.Context, f authenticator.Factor) (*authenticator.Form, error) {
			if f != authenticator.Password {
				return nil, fail(authenticator.Unsupported, "no form")
			}
			return &authenticator.Form{Fields: []authenticator.FormField{{Name: "password"}}}, nil
		},
		advance: func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) },
	}
	for _, p := range m.Personas() {
		if p.Claims["name#en"] != nil {
			s.person = authenticator.Identifier{Value: p.NationalID}
		}
	}
	return s
}

func subject(s *system) authenticatortest.Subject {
	return authenticatortest.Subject{
		Authenticator: s, Person: s.person, Unknown: authenticator.Identifier{Value: "1000000000"},
		Answers:   map[authenticator.Factor]authenticatortest.Answer{authenticator.Password: {Right: "right horse", Wrong: "other horse"}},
		Code:      func(context.Context, string) (string, error) { return mock.OTP, nil },
		Expire:    func() { s.advance(4 * time.Minute) },
		Claims:    []string{"name", "phone_number"},
		Languages: []string{"name#en"},
	}
}

func TestACorrectAuthenticatorBreaksNoRule(t *testing.T) {
	t.Parallel()
	authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject { return subject(correct(t)) })
}

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

// receipt changes what SendCode returns.
func receipt(change func(s *system, r *codeAsked, c *codeReceipt)) func(*system) {
	return func(s *system) {
		whole := s.sendCode
		s.sendCode = func(ctx context.Context, r *codeAsked) (*codeReceipt, error) {
			c, err := whole(ctx, r)
			if err == nil {
				change(s, r, c)
			}
			return c, err
		}
	}
}

// released changes what Claims returns.
func released(change func(r *claimsAsked, values map[string]json.RawMessage)) func(*system) {
	return func(s *system) {
		whole := s.claims
		s.claims = func(ctx context.Context, r *claimsAsked) (*authenticator.Claims, error) {
			c, err := whole(ctx, r)
			if err == nil {
				change(r, c.Values)
			}
			return c, err
		}
	}
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

// mixesUp keeps the request in a field, which calls at the same time overwrite.
func mixesUp(s *system) {
	whole := s.authenticate
	var mu sync.Mutex
	var last *request
	var under int
	s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
		mu.Lock()
		if under++; under == 1 {
			last = r
		}
		shared := last
		mu.Unlock()
		defer func() { mu.Lock(); under--; mu.Unlock() }()
		return whole(ctx, shared)
	}
}

// TestABrokenAuthenticatorIsCaught breaks a correct Authenticator in one way after the other.
func TestABrokenAuthenticatorIsCaught(t *testing.T) {
	t.Parallel()
	var calls sync.Map
	nth := func(key any) int {
		n, _ := calls.LoadOrStore(key, new(int))
		*n.(*int)++
		return *n.(*int)
	}
	tests := []struct {
		fault, rule string
		breakIt     func(*system)
	}{
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
		{"somebody unknown gets no code", "ReceiptOfUnknownPerson", func(s *system) {
			whole := s.sendCode
			s.sendCode = func(ctx context.Context, r *codeAsked) (*codeReceipt, error) {
				if r.Identifier != s.person {
					return nil, fail(authenticator.WrongCredentials, "nobody")
				}
				return whole(ctx, r)
			}
		}},
		{"somebody unknown has no destination", "ReceiptOfUnknownPerson", receipt(func(s *system, r *codeAsked, c *codeReceipt) {
			if r.Identifier != s.person {
				c.Destinations = nil
			}
		})},
		{"decoys change", "ReceiptOfUnknownPerson", receipt(func(s *system, r *codeAsked, c *codeReceipt) {
			if r.Identifier != s.person {
				c.Destinations = []string{"*** " + r.Transaction}
			}
		})},
		{"a destination is not masked", "MaskedDestinations", receipt(func(_ *system, _ *codeAsked, c *codeReceipt) {
			c.Destinations = []string{"+855 12 000 321"}
		})},
		{"a code works again", "CodeOnce", after(func(_ *system, r *request, i *identity, err error) (*identity, error) {
			if err != nil && len(r.Challenges) == 1 && r.Challenges[0].Response == mock.OTP {
				return &identity{Subject: "x"}, nil
			}
			return i, err
		})},
		{"a code is anybody's", "CodeOfItsLogin", func(s *system) {
			send, whole := s.sendCode, s.authenticate
			s.sendCode = func(ctx context.Context, r *codeAsked) (*codeReceipt, error) {
				shared := *r
				shared.Transaction = "1"
				return send(ctx, &shared)
			}
			s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
				shared := *r
				shared.Transaction = "1"
				return whole(ctx, &shared)
			}
		}},
		{"an expired code is wrong", "CodeExpires", after(func(_ *system, _ *request, i *identity, err error) (*identity, error) {
			if reasonOf(err) == authenticator.CodeExpired {
				return nil, fail(authenticator.WrongCredentials, "late")
			}
			return i, err
		})},
		{"a claim is no JSON", "ClaimsReleased", released(func(_ *claimsAsked, v map[string]json.RawMessage) { v["name"] = []byte("Sok Dara") })},
		{"a claim is left out", "ClaimsReleased", released(func(_ *claimsAsked, v map[string]json.RawMessage) { delete(v, "phone_number") })},
		{"all claims are released", "OnlyWhatWasAsked", released(func(_ *claimsAsked, v map[string]json.RawMessage) { v["email"] = []byte(`"a@example.org"`) })},
		{"all languages are released", "OnlyWhatWasAsked", released(func(_ *claimsAsked, v map[string]json.RawMessage) { v["name#xx"] = []byte(`"X"`) })},
		{"claims can be had once", "ClaimsAgain", func(s *system) {
			whole := s.claims
			s.claims = func(ctx context.Context, r *claimsAsked) (*authenticator.Claims, error) {
				if nth(r.Transaction) > 1 {
					return nil, fail(authenticator.Unavailable, "gone")
				}
				return whole(ctx, r)
			}
		}},
		{"values are another every time", "ClaimsAgain", released(func(r *claimsAsked, v map[string]json.RawMessage) {
			v["name"], _ = json.Marshal(nth(r.Transaction + "!"))
		})},
		{"languages are asked for in vain", "ClaimLanguages", released(func(_ *claimsAsked, v map[string]json.RawMessage) { delete(v, "name#en") })},
		{"a form has no fields", "Forms", func(s *system) {
			s.form = func(context.Context, authenticator.Factor) (*authenticator.Form, error) {
				return &authenticator.Form{}, nil
			}
		}},
		{"every factor has a form", "NoSuchForm", func(s *system) {
			s.form = func(context.Context, authenticator.Factor) (*authenticator.Form, error) {
				return &authenticator.Form{Fields: []authenticator.FormField{{Name: "x"}}}, nil
			}
		}},
		{"who hung up is refused", "EndedContext", func(s *system) {
			whole := s.authenticate
			s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
				if ctx.Err() != nil {
					return nil, fail(authenticator.WrongCredentials, "no")
				}
				return whole(ctx, r)
			}
		}},
		{"the context is ignored", "EndedContext", func(s *system) {
			whole := s.authenticate
			s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
				return whole(context.WithoutCancel(ctx), r)
			}
		}},
		{"a call hangs when its context has ended", "EndedContext", func(s *system) {
			whole := s.authenticate
			s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
				if ctx.Err() != nil {
					<-t.Context().Done()
				}
				return whole(ctx, r)
			}
		}},
		{"calls are mixed up", "ConcurrentCalls", mixesUp},
	}
	caught := map[string]bool{}
	for _, tt := range tests {
		caught[tt.rule] = true
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			s := correct(t)
			tt.breakIt(s)
			err := authenticatortest.Check(t.Context(), tt.rule, 2*time.Second, subject(s))
			require.Error(t, err)
			t.Log(err)
		})
	}
	for _, rule := range authenticatortest.Rules() {
		assert.True(t, caught[rule], "no fault is planted for %s", rule)
	}
}
