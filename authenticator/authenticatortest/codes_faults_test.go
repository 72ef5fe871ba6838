package authenticatortest_test

import (
	"context"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
)

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

func codeFaults() []fault {
	return []fault{
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
		{"a channel is there twice", "Channels", func(s *system) {
			s.channels = func() []authenticator.Channel { return []authenticator.Channel{"phone", "phone"} }
		}},
		{"a channel is no name", "Channels", func(s *system) {
			s.channels = func() []authenticator.Channel { return []authenticator.Channel{"Text message"} }
		}},
		{"there are channels without codes", "Channels", func(s *system) { s.factors = func() factors { return factors{"pwd"} } }},
		{"the choice of a channel is ignored", "ChosenChannels", func(s *system) {
			whole := s.sendCode
			s.sendCode = func(ctx context.Context, r *codeAsked) (*codeReceipt, error) {
				all := *r
				all.Channels = nil
				return whole(ctx, &all)
			}
		}},
		{"somebody unknown has no e-mail", "ChosenChannels", receipt(func(s *system, r *codeAsked, c *codeReceipt) {
			if r.Identifier != s.person && slices.Equal(r.Channels, []authenticator.Channel{authenticator.Email}) {
				c.Destinations = nil
			}
		})},
		{"somebody unknown cannot choose", "ChosenChannels", func(s *system) {
			whole := s.sendCode
			s.sendCode = func(ctx context.Context, r *codeAsked) (*codeReceipt, error) {
				if r.Identifier != s.person && len(r.Channels) == 1 {
					return nil, fail(authenticator.WrongCredentials, "nobody")
				}
				return whole(ctx, r)
			}
		}},
	}
}
