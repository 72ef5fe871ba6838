package authenticatortest_test

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/gosignet/signet/authenticator"
)

// answered changes what Claims returns.
func answered(change func(r *claimsAsked, c *authenticator.Claims)) func(*system) {
	return func(s *system) {
		whole := s.claims
		s.claims = func(ctx context.Context, r *claimsAsked) (*authenticator.Claims, error) {
			c, err := whole(ctx, r)
			if err == nil {
				change(r, c)
			}
			return c, err
		}
	}
}

// released changes the values that Claims returns.
func released(change func(r *claimsAsked, values map[string]json.RawMessage)) func(*system) {
	return answered(func(r *claimsAsked, c *authenticator.Claims) { change(r, c.Values) })
}

// verification is one of the name.
func verification(how string) authenticator.VerifiedClaims {
	return authenticator.VerifiedClaims{
		Verification: json.RawMessage(how), Values: map[string]json.RawMessage{"name": json.RawMessage(`"Sok Dara"`)},
	}
}

func claimFaults() []fault {
	var calls sync.Map
	nth := func(key any) int {
		n, _ := calls.LoadOrStore(key, new(int))
		*n.(*int)++
		return *n.(*int)
	}
	return []fault{
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
	}
}

func signedFaults() []fault {
	return []fault{
		{"how all claims were verified is released", "VerifiedClaims", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Verified = []authenticator.VerifiedClaims{verification(`{"trust_framework":"x"}`)}
		})},
		{"how claims were verified is kept back", "VerifiedClaims", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Verified = nil
		})},
		{"a verification is a text", "VerifiedClaims", answered(func(r *claimsAsked, c *authenticator.Claims) {
			if len(r.Verified) > 0 {
				c.Verified = []authenticator.VerifiedClaims{verification(`"checked"`)}
			}
		})},
		{"a verification has no trust framework", "VerifiedClaims", answered(func(r *claimsAsked, c *authenticator.Claims) {
			if len(r.Verified) > 0 {
				c.Verified = []authenticator.VerifiedClaims{verification(`{"time":"2026-01-01T00:00Z"}`)}
			}
		})},
		{"a verification is of nothing", "VerifiedClaims", answered(func(r *claimsAsked, c *authenticator.Claims) {
			if len(r.Verified) > 0 {
				c.Verified = append(c.Verified, authenticator.VerifiedClaims{Verification: json.RawMessage(`{"trust_framework":"x"}`)})
			}
		})},
		{"a source has other claims", "ClaimSources", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Sources = []authenticator.ClaimSource{{Names: []string{"email"}, JWT: jws(`{"alg":"ES256"}`)}}
		})},
		{"a source is nowhere", "ClaimSources", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Sources = []authenticator.ClaimSource{{Names: r.Names}}
		})},
		{"a source is in the clear", "ClaimSources", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Sources = []authenticator.ClaimSource{{Names: r.Names, Endpoint: "http://university.example.org"}}
		})},
		{"a source is not signed", "ClaimSources", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Sources = []authenticator.ClaimSource{{Names: r.Names, JWT: jws(`{"alg":"none"}`)}}
		})},
		{"the original is JSON", "Original", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Original = `{"name":"Sok Dara"}`
		})},
		{"the original is not signed", "Original", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Original = jws(`{"alg":"none"}`)
		})},
		{"the original is signed with a shared secret", "Original", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Original = jws(`{"alg":"HS256"}`)
		})},
		{"the key of the original is not published", "Original", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Original = jws(`{"alg":"ES256","kid":"2"}`)
		})},
		{"the original is no JWE", "Original", answered(func(r *claimsAsked, c *authenticator.Claims) {
			c.Original = "e30.AA.AA.?.AA"
		})},
		{"the keys are none", "PublicKeys", func(s *system) {
			s.keys = func(context.Context) (json.RawMessage, error) { return json.RawMessage(`{}`), nil }
		}},
		{"a private key is published", "PublicKeys", func(s *system) {
			s.keys = func(context.Context) (json.RawMessage, error) {
				return json.RawMessage(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}]}`), nil
			}
		}},
		{"a shared secret is published", "PublicKeys", func(s *system) {
			s.keys = func(context.Context) (json.RawMessage, error) {
				return json.RawMessage(`{"keys":[{"kty":"oct","k":"AA"}]}`), nil
			}
		}},
	}
}
