package authenticatortest_test

import (
	"context"
	"errors"
	"sync"

	"github.com/gosignet/signet/authenticator"
)

// recalled changes what Recall returns.
func recalled(change func(*identity)) func(*system) {
	return func(s *system) {
		whole := s.recall
		s.recall = func(ctx context.Context, earlier *identity) (*identity, error) {
			today, err := whole(ctx, earlier)
			if err == nil {
				change(today)
			}
			return today, err
		}
	}
}

// mixesUp answers the person after the first login as whoever else asked.
func mixesUp(s *system) {
	whole := s.authenticate
	var mu sync.Mutex
	var other *request
	asked := make(chan struct{})
	logins := 0
	s.authenticate = func(ctx context.Context, r *request) (*identity, error) {
		mu.Lock()
		switch {
		case r.Identifier == s.person:
			logins++
		case other == nil:
			other = r
			close(asked)
		}
		first := logins < 2
		mu.Unlock()
		if first || r.Identifier != s.person {
			return whole(ctx, r)
		}
		<-asked
		return whole(ctx, other)
	}
}

func callFaults() []fault {
	return []fault{
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
					<-s.end
				}
				return whole(ctx, r)
			}
		}},
		{"calls are mixed up", "ConcurrentCalls", mixesUp},
		{"traits change", "Traits", func(s *system) {
			n := 0
			s.traits = func(authenticator.Factor) authenticator.Traits { n++; return authenticator.Traits{MaxResponse: n} }
		}},
		{"a right answer is too long", "Traits", func(s *system) {
			s.traits = func(authenticator.Factor) authenticator.Traits { return authenticator.Traits{MaxResponse: 3} }
		}},
		{"answers have no bound", "Traits", func(s *system) {
			s.traits = func(authenticator.Factor) authenticator.Traits { return authenticator.Traits{MaxResponse: 1 << 30} }
		}},
		{"a password is to say who one is", "Identifies", func(s *system) {
			s.traits = func(f authenticator.Factor) authenticator.Traits {
				return authenticator.Traits{Identifies: f == authenticator.Password}
			}
		}},
		{"a code is to say who one is", "Identifies", func(s *system) {
			s.traits = func(f authenticator.Factor) authenticator.Traits {
				return authenticator.Traits{Identifies: f == authenticator.OTP}
			}
		}},
		{"somebody else is recalled", "Recall", recalled(func(i *identity) { i.Subject += "x" })},
		{"who is recalled has no claims", "Recall", func(s *system) {
			recalled(func(i *identity) { i.State = []byte("recalled") })(s)
			whole := s.claims
			s.claims = func(ctx context.Context, r *claimsAsked) (*authenticator.Claims, error) {
				if string(r.Identity.State) == "recalled" {
					return nil, fail(authenticator.Unavailable, "no such state")
				}
				return whole(ctx, r)
			}
		}},
		{"people can be recalled once", "Recall", func(s *system) {
			whole, n := s.recall, 0
			s.recall = func(ctx context.Context, earlier *identity) (*identity, error) {
				if n++; n > 1 {
					return nil, fail(authenticator.WrongCredentials, "gone")
				}
				return whole(ctx, earlier)
			}
		}},
		{"anybody is recalled", "RecallNobody", func(s *system) {
			s.recall = func(_ context.Context, earlier *identity) (*identity, error) { return earlier, nil }
		}},
		{"nobody has an error of its own", "RecallNobody", func(s *system) {
			whole := s.recall
			s.recall = func(ctx context.Context, earlier *identity) (*identity, error) {
				if _, err := whole(ctx, earlier); err != nil {
					return nil, errors.New("no rows")
				}
				return earlier, nil
			}
		}},
		{"who is recalled hung up long ago", "EndedContext", func(s *system) {
			whole := s.recall
			s.recall = func(ctx context.Context, earlier *identity) (*identity, error) {
				return whole(context.WithoutCancel(ctx), earlier)
			}
		}},
	}
}
