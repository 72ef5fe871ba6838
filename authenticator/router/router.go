// Package router is an [authenticator.Authenticator] over several identity systems: it chooses who is asked by the
// identifier, the client or a function of them, and keeps a system that fails or hangs from harming the others.
//
// # Whose a login is
//
// A fallback is asked only if the system before it is Unavailable: a wrong answer at one system is not tried at the
// next. Once a system has proved something in a login, that login is asked of no other; a code is verified by the system
// that sent it. The Store remembers this, by the transaction alone.
//
// # Subjects
//
// The subject of a person is "register:subject", so people of two systems are never one, unless the configuration says
// that both know the same people by the same subjects ([System.Register]). The State says which system answered: it is
// asked for the claims.
//
// # Factors and forms
//
// Factors are those of all systems. A system that does not verify what was answered is passed over. The form of a
// factor is that of the first system that has one: systems whose forms differ need factors of different names.
package router

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// Router is an Authenticator over several. It is safe for concurrent use.
type Router struct {
	systems  map[string]*system
	names    []string
	choose   func(Choice) []string
	store    store.Ephemeral
	lifetime time.Duration
}

var (
	_ authenticator.Authenticator = (*Router)(nil)
	_ authenticator.CodeSender    = (*Router)(nil)
	_ authenticator.FormProvider  = (*Router)(nil)
)

// New returns a Router, or everything that is wrong with the configuration. It asks each system for its factors.
func New(c Config) (*Router, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	r := &Router{systems: make(map[string]*system), choose: c.Choose, store: c.Store, lifetime: c.Lifetime}
	for _, s := range c.Systems {
		r.systems[s.Name] = newSystem(c, s)
		r.names = append(r.names, s.Name)
	}
	if r.choose == nil {
		r.choose = func(Choice) []string { return r.names }
	}
	return r, nil
}

// Factors returns those of all systems, in their order.
func (r *Router) Factors() []authenticator.Factor {
	var factors []authenticator.Factor
	for _, name := range r.names {
		for _, f := range r.systems[name].factors {
			if !slices.Contains(factors, f) {
				factors = append(factors, f)
			}
		}
	}
	return factors
}

// Authenticate asks the system that the login belongs to, or the first that is available.
func (r *Router) Authenticate(ctx context.Context, req *authenticator.Request) (*authenticator.Identity, error) {
	b, err := r.binding(ctx, req.Transaction, Choice{ClientID: req.ClientID, Identifier: req.Identifier})
	if err != nil {
		return nil, err
	}
	systems := b.systems
	answersCode := slices.ContainsFunc(req.Challenges, func(c authenticator.Challenge) bool { return c.Factor == authenticator.OTP })
	if b.proved || answersCode && b.system != nil {
		systems = []*system{b.system}
	}
	if systems, err = fit(systems, func(s *system) bool { return s.supports(req.Challenges) }); err != nil {
		return nil, err
	}
	s, identity, err := first(systems, func(s *system) (*authenticator.Identity, error) {
		return ask(ctx, s, func(ctx context.Context) (*authenticator.Identity, error) {
			identity, err := s.authenticator.Authenticate(ctx, req)
			if err != nil || identity == nil {
				return nil, err
			}
			return s.own(identity)
		})
	})
	if err != nil || b.proved {
		return identity, err
	}
	if err := r.bind(ctx, req.Transaction, b, s, proved); err != nil {
		return nil, err
	}
	return identity, nil
}

// SendCode asks the system that the login belongs to, or the first that is available and sends codes.
func (r *Router) SendCode(ctx context.Context, req *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	b, err := r.binding(ctx, req.Transaction, Choice{ClientID: req.ClientID, Identifier: req.Identifier})
	if err != nil {
		return nil, err
	}
	systems := b.systems
	if b.proved {
		systems = []*system{b.system}
	}
	if systems, err = fit(systems, (*system).sendsCodes); err != nil {
		return nil, err
	}
	s, receipt, err := first(systems, func(s *system) (*authenticator.CodeReceipt, error) {
		return ask(ctx, s, func(ctx context.Context) (*authenticator.CodeReceipt, error) { return s.codes.SendCode(ctx, req) })
	})
	if err != nil || b.proved {
		return receipt, err
	}
	if err := r.bind(ctx, req.Transaction, b, s, sent); err != nil {
		return nil, err
	}
	return receipt, nil
}

// Claims asks the system that said who the person is.
func (r *Router) Claims(ctx context.Context, req *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	name, state, _ := strings.Cut(string(req.Identity.State), ":")
	s := r.systems[name]
	if s == nil {
		return nil, fail(authenticator.Unavailable, errors.New("router: the identity is of no system"))
	}
	subject, ok := strings.CutPrefix(req.Identity.Subject, s.register+":")
	if !ok {
		return nil, fail(authenticator.Unavailable, errors.New("router: the subject is of another register"))
	}
	inner := *req
	inner.Identity = authenticator.Identity{Subject: subject}
	if state != "" {
		inner.Identity.State = []byte(state)
	}
	return ask(ctx, s, func(ctx context.Context) (*authenticator.Claims, error) { return s.authenticator.Claims(ctx, &inner) })
}

// Form returns the form of the first system that has one for the factor.
func (r *Router) Form(ctx context.Context, factor authenticator.Factor) (*authenticator.Form, error) {
	for _, name := range r.names {
		s := r.systems[name]
		if s.forms == nil || !slices.Contains(s.factors, factor) {
			continue
		}
		form, err := ask(ctx, s, func(ctx context.Context) (*authenticator.Form, error) { return s.forms.Form(ctx, factor) })
		if e, ok := errors.AsType[*authenticator.Error](err); !ok || e.Reason != authenticator.Unsupported {
			return form, err
		}
	}
	return nil, fail(authenticator.Unsupported, errors.New("router: no system has a form for the factor"))
}

// fit returns the systems that can do what is asked, at least one.
func fit(systems []*system, can func(*system) bool) ([]*system, error) {
	var able []*system
	for _, s := range systems {
		if can(s) {
			able = append(able, s)
		}
	}
	if able == nil {
		return nil, fail(authenticator.Unsupported, errors.New("router: no system that was chosen does that"))
	}
	return able, nil
}

// first asks one system after the other until one is available.
func first[T any](systems []*system, ask func(*system) (*T, error)) (s *system, value *T, err error) {
	for _, s = range systems {
		if value, err = ask(s); !unavailable(err) {
			break
		}
	}
	return s, value, err
}
