package authenticatortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

// verificationRules are for Authenticators that are Assurers. One that answers Unsupported is none for this Person.
var verificationRules = []rule{
	{
		name: "Verifications",
		rule: "Verifications says of each claim that the person has how it is verified, or that nobody verified it.",
		why:  "Whoever lacks a verification is sent to have the claim verified, and who lacks the claim itself is not.",
		check: func(ctx context.Context, s *subject) error {
			said, err := s.assure(ctx, s.Claims)
			if said == nil || err != nil {
				return err
			}
			for _, name := range s.Claims {
				if _, ok := said[name]; !ok {
					return fmt.Errorf("it says nothing of %q", name)
				}
			}
			for _, name := range s.Verified {
				if len(said[name]) == 0 {
					return fmt.Errorf("it does not say how %q is verified", name)
				}
			}
			return nil
		},
	},
	{
		name: "VerificationsWithoutValues",
		rule: "Verifications gives no values away: each is null.",
		why:  "Nobody has consented to share them yet.",
		check: func(ctx context.Context, s *subject) error {
			_, err := s.verifications(ctx, s.Claims, func(v authenticator.VerifiedClaims) error {
				for name, value := range v.Values {
					if string(value) != "null" {
						return fmt.Errorf("the value of %q is not null", name)
					}
				}
				return nil
			})
			return err
		},
	},
	{
		name: "VerificationsAsked",
		rule: "Verifications says nothing of claims whose names were not asked for.",
		why:  "How somebody was verified tells more than the claim, and is nobody's business who did not ask.",
		check: func(ctx context.Context, s *subject) error {
			asked := [][]string{nil, {"authenticatortest_unknown"}}
			for _, name := range s.Claims {
				asked = append(asked, []string{name})
			}
			for _, names := range asked {
				said, err := s.assure(ctx, names)
				if err != nil {
					return err
				}
				for name := range said {
					if !slices.Contains(names, name) {
						return fmt.Errorf("asked how %q are verified, it spoke of %q", names, name)
					}
				}
			}
			return nil
		},
	},
	{
		name: "VerificationsKept",
		rule: "Claims releases how claims were verified under the trust frameworks that Verifications named, and no others.",
		why:  "A login that needed no further verification would end without the claim, or people would be sent for nothing.",
		check: func(ctx context.Context, s *subject) error {
			said, err := s.assure(ctx, s.Claims)
			if said == nil || err != nil {
				return err
			}
			claims, err := s.releaseVerified(ctx, s.Claims)
			if err != nil {
				return err
			}
			released, err := frameworks(claims.Verified)
			if err != nil {
				return err
			}
			for _, name := range s.Claims {
				if !maps.Equal(said[name], released[name]) {
					return fmt.Errorf("%q is verified by %q, and released by %q", name,
						slices.Sorted(maps.Keys(said[name])), slices.Sorted(maps.Keys(released[name])))
				}
			}
			return nil
		},
	},
	{
		name: "VerificationsOfNobody",
		rule: "Of an Identity that nobody has Verifications says nothing, in an error that does not contain it or without.",
		why:  "A person may have left; what is said then is somebody else's. And errors are logged.",
		check: func(ctx context.Context, s *subject) error {
			identity, err := s.login(ctx)
			if err != nil {
				return err
			}
			nobody := authenticator.Identity{Subject: otherCode(identity.Subject), State: identity.State}
			all, err := s.ask(ctx, verificationRequest(nobody, s.Claims))
			if err != nil {
				if err := silent(err, nobody.Subject); err != nil {
					return err
				}
				return expectReason("the identity of nobody", err, authenticator.WrongCredentials, authenticator.Unavailable)
			}
			if all == nil {
				return nil
			}
			said, err := frameworks(*all)
			if len(said) > 0 {
				return errors.New("it said something of somebody whom nobody knows")
			}
			return err
		},
	},
}

// verificationRequest asks as a login does, of names that the relying party wants.
func verificationRequest(identity authenticator.Identity, names []string) *authenticator.ClaimsRequest {
	r := claimsRequest(identity, names, nil)
	r.Verified = slices.Clone(names)
	return r
}

// assure logs the Person in and returns by what trust frameworks claims are verified, none if a claim is there and nobody
// verified it. It is nil if nothing can be said.
func (s *subject) assure(ctx context.Context, names []string) (map[string]map[string]bool, error) {
	all, err := s.verifications(ctx, names, func(authenticator.VerifiedClaims) error { return nil })
	if all == nil || err != nil {
		return nil, err
	}
	return frameworks(*all)
}

// verifications logs the Person in and checks each of the Verifications. It is nil if nothing can be said.
func (s *subject) verifications(
	ctx context.Context, names []string, check func(authenticator.VerifiedClaims) error,
) (*[]authenticator.VerifiedClaims, error) {
	if authenticator.AssurerOf(s.Authenticator) == nil {
		return nil, nil
	}
	identity, err := s.login(ctx)
	if err != nil {
		return nil, fmt.Errorf("the person could not log in: %w", err)
	}
	all, err := s.ask(ctx, verificationRequest(*identity, names))
	if all == nil || err != nil {
		return nil, err
	}
	for _, v := range *all {
		if err := check(v); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ask returns neither verifications nor an error if nothing can be said of the person.
func (s *subject) ask(ctx context.Context, r *authenticator.ClaimsRequest) (*[]authenticator.VerifiedClaims, error) {
	assurer := authenticator.AssurerOf(s.Authenticator)
	if assurer == nil {
		return nil, nil
	}
	all, err := call(s.patience, "Verifications", func() (*[]authenticator.VerifiedClaims, error) {
		all, err := assurer.Verifications(ctx, r)
		if err != nil && all == nil {
			return nil, err
		}
		return &all, err
	})
	if e, ok := errors.AsType[*authenticator.Error](err); ok && e.Reason == authenticator.Unsupported {
		return nil, nil
	}
	return all, err
}

// frameworks returns the trust frameworks that claims were verified under, by name without language.
func frameworks(all []authenticator.VerifiedClaims) (map[string]map[string]bool, error) {
	said := map[string]map[string]bool{}
	for _, v := range all {
		var framework string
		if len(v.Verification) > 0 {
			var err error
			if framework, err = frameworkOf(v.Verification); err != nil {
				return nil, err
			}
		}
		for name := range v.Values {
			base, _, _ := strings.Cut(name, "#")
			if said[base] == nil {
				said[base] = map[string]bool{}
			}
			if framework != "" {
				said[base][framework] = true
			}
		}
	}
	return said, nil
}
