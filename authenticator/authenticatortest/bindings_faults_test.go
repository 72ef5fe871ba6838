package authenticatortest_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"sync"

	"github.com/gosignet/signet/authenticator"
)

type (
	binding      = authenticator.KeyBinding
	bindingAsked = authenticator.KeyBindingRequest
	bindKey      = func(context.Context, *bindingAsked) (*binding, error)
)

// bound changes what BindKey returns.
func bound(change func(s *system, r *bindingAsked, b *binding, err error) (*binding, error)) func(*system) {
	return func(s *system) {
		whole := s.bindKey
		s.bindKey = func(ctx context.Context, r *bindingAsked) (*binding, error) {
			b, err := whole(ctx, r)
			return change(s, r, b, err)
		}
	}
}

// given changes the binding.
func given(change func(b *binding)) func(*system) {
	return bound(func(_ *system, _ *bindingAsked, b *binding, err error) (*binding, error) {
		if err == nil {
			change(b)
		}
		return b, err
	})
}

// asks changes the request.
func asks(change func(s *system, r *bindingAsked)) func(*system) {
	return func(s *system) {
		whole := s.bindKey
		s.bindKey = func(ctx context.Context, r *bindingAsked) (*binding, error) {
			changed := *r
			change(s, &changed)
			return whole(ctx, &changed)
		}
	}
}

// swapsKeys certifies, of the first two keys, the second for both.
func swapsKeys(s *system) {
	whole := s.bindKey
	var mu sync.Mutex
	var second json.RawMessage
	calls, asked := 0, make(chan struct{})
	s.bindKey = func(ctx context.Context, r *bindingAsked) (*binding, error) {
		mu.Lock()
		calls++
		call := calls
		if call == 2 {
			second = r.Key
			close(asked)
		}
		mu.Unlock()
		if call > 1 {
			return whole(ctx, r)
		}
		<-asked
		swapped := *r
		swapped.Key = second
		return whole(ctx, &swapped)
	}
}

func bindingFaults() []fault {
	return []fault{
		{"who binds a key is somebody else", "BindKey", given(func(b *binding) { b.Identity.Subject += "x" })},
		{"who binds a key is nobody", "BindKey", given(func(b *binding) { b.Identity = identity{} })},
		{"who binds a key has too much state", "BindKey", given(func(b *binding) { b.Identity.State = make([]byte, 8<<10+1) })},
		{"who binds a key has no claims", "BindKey", func(s *system) {
			given(func(b *binding) { b.Identity.State = []byte("bound") })(s)
			whole := s.claims
			s.claims = func(ctx context.Context, r *claimsAsked) (*authenticator.Claims, error) {
				if string(r.Identity.State) == "bound" {
					return nil, fail(authenticator.Unavailable, "no such state")
				}
				return whole(ctx, r)
			}
		}},
		{"no key is bound by a right answer", "BindKey", bound(func(*system, *bindingAsked, *binding, error) (*binding, error) {
			return nil, fail(authenticator.WrongCredentials, "no")
		})},
		{"there is neither binding nor error", "BindKey", bound(func(*system, *bindingAsked, *binding, error) (*binding, error) { return nil, nil })},
		{"any answer binds a key", "BindKeyProves", bound(func(_ *system, _ *bindingAsked, b *binding, err error) (*binding, error) {
			if reasonOf(err) == authenticator.WrongCredentials {
				return &binding{Identity: identity{Subject: "x"}}, nil
			}
			return b, err
		})},
		{"no answer binds a key", "BindKeyProves", bound(func(_ *system, r *bindingAsked, b *binding, err error) (*binding, error) {
			if len(r.Challenges) == 0 {
				return &binding{Identity: identity{Subject: "x"}}, nil
			}
			return b, err
		})},
		{"a factor that nobody knows is passed over for a key", "BindKeyProves", asks(func(_ *system, r *bindingAsked) {
			if len(r.Challenges) > 1 {
				r.Challenges = r.Challenges[:1]
			}
		})},
		{"somebody unknown is said to be when a key is bound", "BindKeyProves", bound(func(s *system, r *bindingAsked, b *binding, err error) (*binding, error) {
			if err != nil && r.Identifier != s.person {
				return nil, fail(authenticator.Locked, "nobody")
			}
			return b, err
		})},
		{"a code binds one key after the other", "BindKeyCode", func(s *system) {
			whole := s.bindKey
			var first *binding
			s.bindKey = func(ctx context.Context, r *bindingAsked) (*binding, error) {
				b, err := whole(ctx, r)
				if err != nil && first != nil {
					return first, nil
				}
				first = b
				return b, err
			}
		}},
		{"a code that bound a key logs in", "BindKeyCode", after(func(_ *system, _ *request, i *identity, err error) (*identity, error) {
			if err != nil {
				return &identity{Subject: "x"}, nil
			}
			return i, err
		})},
		{"every certificate is the first", "CertifiedKey", func(s *system) {
			whole := s.bindKey
			var first []byte
			s.bindKey = func(ctx context.Context, r *bindingAsked) (*binding, error) {
				b, err := whole(ctx, r)
				if err == nil {
					if first == nil {
						first = b.Certificate
					}
					b.Certificate = first
				}
				return b, err
			}
		}},
		{"a second key is refused", "CertifiedKey", func(s *system) {
			whole, n := s.bindKey, 0
			s.bindKey = func(ctx context.Context, r *bindingAsked) (*binding, error) {
				if n++; n > 1 {
					return nil, fail(authenticator.Locked, "there is one")
				}
				return whole(ctx, r)
			}
		}},
		{"a certificate is PEM", "CertifiedKey", given(func(b *binding) {
			b.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.Certificate})
		})},
		{"a key is taken apart", "StrangeKeys", asks(func(_ *system, r *bindingAsked) {
			_ = r.Key[0] // panics when it is empty
		})},
		{"what is no key is certified", "StrangeKeys", bound(func(_ *system, _ *bindingAsked, b *binding, err error) (*binding, error) {
			if err != nil {
				return &binding{Identity: identity{Subject: "x"}, Certificate: []byte("x")}, nil
			}
			return b, err
		})},
		{"an error of a binding quotes the identifier", "SilentBindings", bound(func(_ *system, r *bindingAsked, b *binding, err error) (*binding, error) {
			if err != nil {
				return nil, fail(reasonOf(err), "no "+r.Identifier.Value)
			}
			return b, nil
		})},
		{"an error of a binding quotes the answer", "SilentBindings", bound(func(_ *system, r *bindingAsked, b *binding, err error) (*binding, error) {
			if err != nil {
				return nil, errors.New("not " + r.Challenges[0].Response)
			}
			return b, nil
		})},
		{"keys are mixed up", "ConcurrentBindings", swapsKeys},
		{"who binds a key hung up long ago", "EndedContext", func(s *system) {
			whole := s.bindKey
			s.bindKey = func(ctx context.Context, r *bindingAsked) (*binding, error) {
				return whole(context.WithoutCancel(ctx), r)
			}
		}},
	}
}
