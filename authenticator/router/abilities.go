package router

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"github.com/gosignet/signet/authenticator"
)

// Channels returns those that all systems that send codes share.
func (r *Router) Channels() []authenticator.Channel { return slices.Clone(r.channels) }

func (r *Router) sharedChannels() []authenticator.Channel {
	var shared []authenticator.Channel
	first := true
	for _, name := range r.names {
		s := r.systems[name]
		if !s.sendsCodes() {
			continue
		}
		var channels []authenticator.Channel
		if sender, ok := s.codes.(authenticator.ChannelSender); ok {
			channels = sender.Channels()
		}
		if first {
			shared, first = slices.Clone(channels), false
			continue
		}
		shared = slices.DeleteFunc(shared, func(c authenticator.Channel) bool { return !slices.Contains(channels, c) })
	}
	return shared
}

// Traits returns what the systems that verify the factor make of it together.
func (r *Router) Traits(f authenticator.Factor) authenticator.Traits {
	traits := authenticator.Traits{Identifies: true}
	known := false
	for _, name := range r.names {
		s := r.systems[name]
		if slices.Contains(s.factors, f) {
			own := authenticator.TraitsOf(s.authenticator, f)
			traits.Identifies = traits.Identifies && own.Identifies
			traits.MaxResponse = max(traits.MaxResponse, own.MaxResponse)
			known = true
		}
	}
	if !known {
		return authenticator.TraitsOf(nil, f)
	}
	return traits
}

// Challenge asks the system that the login belongs to, or the first that is available and gives devices something to
// answer.
func (r *Router) Challenge(ctx context.Context, req *authenticator.DeviceRequest) (*authenticator.Device, error) {
	b, err := r.binding(ctx, req.Transaction, Choice{ClientID: req.ClientID, Identifier: req.Identifier, ACRs: req.ACRs})
	if err != nil {
		return nil, err
	}
	systems := b.systems
	if b.proved {
		systems = []*system{b.system}
	}
	able := func(s *system) bool { return s.challenger != nil && slices.Contains(s.factors, req.Factor) }
	if systems, err = fit(systems, able); err != nil {
		return nil, err
	}
	_, device, err := first(systems, func(s *system) (*authenticator.Device, error) {
		return ask(ctx, s, func(ctx context.Context) (*authenticator.Device, error) {
			device, err := s.challenger.Challenge(ctx, req)
			if err != nil || device == nil {
				return nil, err
			}
			return s.lend(device)
		})
	})
	return device, err
}

// stripStates returns the request as systems know it, and whether it was a system that gave devices what they answered.
func stripStates(r *authenticator.Request) (inner *authenticator.Request, gave func(*system) bool) {
	stripped := *r
	stripped.Challenges = slices.Clone(r.Challenges)
	var names []string
	for i, c := range r.Challenges {
		if len(c.State) > 0 {
			name, state := cut(c.State)
			stripped.Challenges[i].State = state
			names = append(names, name)
		}
	}
	return &stripped, func(s *system) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return name != s.name })
	}
}

// BindKey asks like Authenticate, and none but the systems that certify keys if there are any among those that it would ask.
// If there are none, the person is proved to be who they are, and nothing is certified.
func (r *Router) BindKey(ctx context.Context, req *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	certify := func(systems []*system) []*system {
		if able, err := fit(systems, func(s *system) bool { return s.binder != nil }); err == nil {
			return able
		}
		return systems
	}
	return r.prove(ctx, &req.Request, certify,
		func(ctx context.Context, s *system, inner *authenticator.Request) (*authenticator.KeyBinding, error) {
			if s.binder == nil {
				return s.authenticate(ctx, inner)
			}
			stripped := *req
			stripped.Request = *inner
			return s.binder.BindKey(ctx, &stripped)
		})
}

// Recall asks the system that said who the person is.
func (r *Router) Recall(ctx context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	s, inner, err := r.owner(earlier)
	if err != nil {
		return nil, err
	}
	if s.recaller == nil {
		return nil, fail(authenticator.Unsupported, errors.New("router: the system recalls nobody"))
	}
	return ask(ctx, s, func(ctx context.Context) (*authenticator.Identity, error) {
		today, err := s.recaller.Recall(ctx, inner)
		switch {
		case err != nil || today == nil:
			return nil, err
		case today.Subject != inner.Subject:
			return nil, errSomebody
		}
		return s.own(today)
	})
}

// Assures reports whether any system says how claims are verified.
func (r *Router) Assures() bool {
	return slices.ContainsFunc(r.names, func(name string) bool { return r.systems[name].assurer != nil })
}

// Verifications asks the system that said who the person is. The error is Unsupported if it does not say how claims are
// verified.
func (r *Router) Verifications(ctx context.Context, req *authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
	s, identity, err := r.owner(&req.Identity)
	if err != nil {
		return nil, err
	}
	if s.assurer == nil {
		return nil, fail(authenticator.Unsupported, errors.New("router: the system does not say how claims are verified"))
	}
	inner := *req
	inner.Identity = *identity
	verified, err := ask(ctx, s, func(ctx context.Context) (*[]authenticator.VerifiedClaims, error) {
		verified, err := s.assurer.Verifications(ctx, &inner)
		return &verified, err
	})
	if err != nil {
		return nil, err
	}
	return *verified, nil
}

// PublicKeys returns the keys of all systems that publish any. One that is not available is left out, unless none is.
func (r *Router) PublicKeys(ctx context.Context) (json.RawMessage, error) {
	type set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	sets, errs := make([]*set, len(r.names)), make([]error, len(r.names))
	var wg sync.WaitGroup
	for i, name := range r.names {
		s := r.systems[name]
		if s.keys == nil {
			continue
		}
		wg.Go(func() {
			sets[i], errs[i] = ask(ctx, s, func(ctx context.Context) (*set, error) {
				data, err := s.keys.PublicKeys(ctx)
				if err != nil {
					return nil, err
				}
				var v *set
				if json.Unmarshal(data, &v) != nil || v == nil {
					return nil, errKeys
				}
				return v, nil
			})
		})
	}
	wg.Wait()
	merged, answered := set{Keys: []json.RawMessage{}}, false
	for _, s := range sets {
		if s == nil {
			continue
		}
		answered = true
		for _, key := range s.Keys {
			same := func(other json.RawMessage) bool { return string(other) == string(key) }
			if !slices.ContainsFunc(merged.Keys, same) { // replicas have the same
				merged.Keys = append(merged.Keys, key)
			}
		}
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 && !answered {
		return nil, errs[i]
	}
	return json.Marshal(merged)
}
