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
// asked for the claims, and who the person is in a later login.
//
// # Factors and forms
//
// Factors are those of all systems. A system that does not verify what was answered is passed over. The form of a
// factor is that of the first system that has one: systems whose forms differ need factors of different names. The
// channels by which codes can come are those that all systems that send codes share, because people choose one before it
// is known who will send: a system without a choice leaves none to anybody. A factor identifies if it does so in all
// systems that verify it, and its answers may be as long as in any of them. The keys of wallets are certified by those of the
// systems that do, and by the provider where none of those that are asked does. How claims are verified is said of the people of
// those systems that say it.
package router

import (
	"bytes"
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
	channels []authenticator.Channel
	choose   func(Choice) []string
	store    store.Ephemeral
	lifetime time.Duration
}

var (
	_ authenticator.Authenticator = (*Router)(nil)
	_ authenticator.ChannelSender = (*Router)(nil)
	_ authenticator.FormProvider  = (*Router)(nil)
	_ authenticator.Describer     = (*Router)(nil)
	_ authenticator.Challenger    = (*Router)(nil)
	_ authenticator.Recaller      = (*Router)(nil)
	_ authenticator.KeyPublisher  = (*Router)(nil)
	_ authenticator.KeyBinder     = (*Router)(nil)
	_ authenticator.MaybeAssurer  = (*Router)(nil)
)

// New returns a Router, or everything that is wrong with the configuration. It asks each system for its factors
// and channels.
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
	r.channels = r.sharedChannels()
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
	proof, err := r.prove(ctx, req, func(systems []*system) []*system { return systems },
		func(ctx context.Context, s *system, req *authenticator.Request) (*authenticator.KeyBinding, error) {
			return s.authenticate(ctx, req)
		})
	if err != nil {
		return nil, err
	}
	return &proof.Identity, nil
}

// prove has one of the systems prove who the person is: of those that can, the ones that are preferred.
func (r *Router) prove(
	ctx context.Context, req *authenticator.Request, prefer func([]*system) []*system,
	call func(context.Context, *system, *authenticator.Request) (*authenticator.KeyBinding, error),
) (*authenticator.KeyBinding, error) {
	b, err := r.binding(ctx, req.Transaction, Choice{req.ClientID, req.Identifier, req.ACRs})
	if err != nil {
		return nil, err
	}
	systems := b.systems
	answersCode := slices.ContainsFunc(req.Challenges, func(c authenticator.Challenge) bool { return c.Factor == authenticator.OTP })
	if b.proved || answersCode && b.system != nil {
		systems = []*system{b.system}
	}
	req, gave := stripStates(req)
	if systems, err = fit(systems, func(s *system) bool { return gave(s) && s.supports(req.Challenges) }); err != nil {
		return nil, err
	}
	s, proof, err := first(prefer(systems), func(s *system) (*authenticator.KeyBinding, error) {
		return ask(ctx, s, func(ctx context.Context) (*authenticator.KeyBinding, error) {
			proof, err := call(ctx, s, req)
			if err != nil || proof == nil {
				return nil, err
			}
			identity, err := s.own(&proof.Identity)
			if err != nil {
				return nil, err
			}
			return &authenticator.KeyBinding{Identity: *identity, Certificate: proof.Certificate}, nil
		})
	})
	if err != nil || b.proved {
		return proof, err
	}
	if err := r.bind(ctx, req.Transaction, b, s, proved); err != nil {
		return nil, err
	}
	return proof, nil
}

// SendCode asks the system that the login belongs to, or the first that is available and sends codes.
func (r *Router) SendCode(ctx context.Context, req *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	b, err := r.binding(ctx, req.Transaction, Choice{req.ClientID, req.Identifier, req.ACRs})
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
	s, identity, err := r.owner(&req.Identity)
	if err != nil {
		return nil, err
	}
	inner := *req
	inner.Identity = *identity
	return ask(ctx, s, func(ctx context.Context) (*authenticator.Claims, error) { return s.authenticator.Claims(ctx, &inner) })
}

// owner returns the system that said who the person is, and what it said.
func (r *Router) owner(i *authenticator.Identity) (*system, *authenticator.Identity, error) {
	name, state := cut(i.State)
	s := r.systems[name]
	if s == nil {
		return nil, nil, fail(authenticator.Unavailable, errors.New("router: the identity is of no system"))
	}
	subject, ok := strings.CutPrefix(i.Subject, s.register+":")
	if !ok {
		return nil, nil, fail(authenticator.Unavailable, errors.New("router: the subject is of another register"))
	}
	return s, &authenticator.Identity{Subject: subject, State: state}, nil
}

// cut separates the name of a system from its state, which is nil if it is empty.
func cut(named []byte) (name string, state []byte) {
	before, after, _ := bytes.Cut(named, []byte(":"))
	if len(after) > 0 {
		state = bytes.Clone(after)
	}
	return string(before), state
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

// first asks one system after the other until one is available. If none is, the answers are Unasked only if no system may
// have looked at them.
func first[T any](systems []*system, ask func(*system) (*T, error)) (s *system, value *T, err error) {
	unasked := true
	for _, s = range systems {
		value, err = ask(s)
		e, ok := errors.AsType[*authenticator.Error](err)
		if !ok || e.Reason != authenticator.Unavailable {
			return s, value, err
		}
		if unasked = unasked && e.Unasked; !unasked && e.Unasked {
			asked := *e
			asked.Unasked, err = false, &asked
		}
	}
	return s, value, err
}
