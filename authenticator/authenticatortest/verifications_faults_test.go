package authenticatortest_test

import (
	"context"
	"encoding/json"

	"github.com/gosignet/signet/authenticator"
)

type (
	verified = authenticator.VerifiedClaims
	assure   = func(context.Context, *claimsAsked) ([]verified, error)
)

// assuring says how claims are verified, of those that are released.
func assuring(claims func(context.Context, *claimsAsked) (*authenticator.Claims, error)) assure {
	return func(ctx context.Context, r *claimsAsked) ([]verified, error) {
		c, err := claims(ctx, r)
		if err != nil {
			return nil, err
		}
		all := append(c.Verified, verified{Values: c.Values})
		for _, v := range all {
			for name := range v.Values {
				v.Values[name] = json.RawMessage("null")
			}
		}
		return all, nil
	}
}

// assured changes what Verifications returns: the first is that of the name, the second what nobody verified.
func assured(change func(r *claimsAsked, all []verified) []verified) func(*system) {
	return func(s *system) {
		whole := s.verifications
		s.verifications = func(ctx context.Context, r *claimsAsked) ([]verified, error) {
			all, err := whole(ctx, r)
			if err != nil {
				return nil, err
			}
			return change(r, all), nil
		}
	}
}

// changed changes the verification of the name, where it was asked for.
func changed(change func(v *verified)) func(*system) {
	return assured(func(_ *claimsAsked, all []verified) []verified {
		if len(all) > 1 {
			change(&all[0])
		}
		return all
	})
}

func verificationFaults() []fault {
	other := verified{Verification: json.RawMessage(`{"trust_framework":"x"}`), Values: map[string]json.RawMessage{"email": json.RawMessage("null")}}
	return []fault{
		{"how a claim is verified is kept back", "Verifications", changed(func(v *verified) { v.Verification = nil })},
		{"a claim that nobody verified is not there", "Verifications", assured(func(_ *claimsAsked, all []verified) []verified { return all[:len(all)-1] })},
		{"how claims are verified is a text", "Verifications", changed(func(v *verified) { v.Verification = json.RawMessage(`"checked"`) })},
		{"how claims are verified has no trust framework", "Verifications", changed(func(v *verified) { v.Verification = json.RawMessage(`{}`) })},
		{"how claims are verified comes with an error", "Verifications", func(s *system) {
			whole := s.verifications
			s.verifications = func(ctx context.Context, r *claimsAsked) ([]verified, error) {
				all, _ := whole(ctx, r)
				return all, fail(authenticator.Unsupported, "no")
			}
		}},
		{"a verified value is given away", "VerificationsWithoutValues", changed(func(v *verified) { v.Values["name"] = json.RawMessage(`"Sok Dara"`) })},
		{"a value that nobody verified is given away", "VerificationsWithoutValues", assured(func(_ *claimsAsked, all []verified) []verified {
			all[len(all)-1].Values["phone_number"] = json.RawMessage(`"+855"`)
			return all
		})},
		{"how other claims are verified is told", "VerificationsAsked", assured(func(_ *claimsAsked, all []verified) []verified { return append(all, other) })},
		{"another framework is promised", "VerificationsKept", changed(func(v *verified) { v.Verification = json.RawMessage(`{"trust_framework":"gold"}`) })},
		{"more is verified than is said", "VerificationsKept", changed(func(v *verified) { v.Verification = nil })},
		{"nobody's claims are verified", "VerificationsOfNobody", func(s *system) {
			s.verifications = func(context.Context, *claimsAsked) ([]verified, error) { return []verified{other}, nil }
		}},
		{"who is not there is said to be locked", "VerificationsOfNobody", func(s *system) {
			s.verifications = func(context.Context, *claimsAsked) ([]verified, error) {
				return nil, fail(authenticator.Locked, "nobody")
			}
		}},
		{"an error quotes the subject", "VerificationsOfNobody", func(s *system) {
			s.verifications = func(_ context.Context, r *claimsAsked) ([]verified, error) {
				return nil, fail(authenticator.Unavailable, "no "+r.Identity.Subject)
			}
		}},
		{"how claims are verified is asked long after", "EndedContext", func(s *system) {
			whole := s.verifications
			s.verifications = func(ctx context.Context, r *claimsAsked) ([]verified, error) {
				return whole(context.WithoutCancel(ctx), r)
			}
		}},
	}
}
