package authenticatortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

// claimRules are for Subjects with Claims.
var claimRules = []rule{
	{
		name: "ClaimsReleased",
		rule: "Claims releases what was asked for and the person has, each as one JSON value.",
		why:  "A value that is no JSON spoils the whole answer, and the person's consent was for nothing.",
		check: func(ctx context.Context, s *subject) error {
			if len(s.Claims) == 0 {
				return nil
			}
			values, err := s.release(ctx, s.Claims, nil)
			if err != nil {
				return err
			}
			for _, name := range s.Claims {
				if len(values[name]) == 0 {
					return fmt.Errorf("%q is not released", name)
				}
			}
			for name, value := range values {
				if !json.Valid(value) {
					return fmt.Errorf("the value of %q is not JSON", name)
				}
			}
			return nil
		},
	},
	{
		name: "OnlyWhatWasAsked",
		rule: "Claims releases nothing but the names that were asked for, and these in languages that were asked for.",
		why:  "The person consented to these and no others.",
		check: func(ctx context.Context, s *subject) error {
			if len(s.Claims) == 0 {
				return nil
			}
			asked := [][]string{nil, {"authenticatortest_unknown"}}
			for _, name := range s.Claims {
				asked = append(asked, []string{name})
			}
			for _, names := range asked {
				values, err := s.release(ctx, names, []string{"en"})
				if err != nil {
					return err
				}
				for name := range values {
					base, language, tagged := strings.Cut(name, "#")
					if !slices.Contains(names, name) && (!slices.Contains(names, base) || !tagged || !covers("en", language)) {
						return fmt.Errorf("asked for %q in en, it released %q", names, name)
					}
				}
			}
			return nil
		},
	},
	{
		name: "ClaimsAgain",
		rule: "Claims releases the same again for the same Identity, from a copy of it that has been stored.",
		why:  "A client whose connection broke redeems its code again, perhaps at another instance of the provider.",
		check: func(ctx context.Context, s *subject) error {
			if len(s.Claims) == 0 {
				return nil
			}
			identity, err := s.login(ctx)
			if err != nil {
				return err
			}
			r := claimsRequest(*identity, s.Claims, nil)
			first, err := s.claims(ctx, r)
			if err != nil {
				return err
			}
			before := copyOf(first.Values)
			r.Identity.Subject, r.Identity.State = strings.Clone(r.Identity.Subject), bytes.Clone(r.Identity.State)
			clear(first.Values) // what was returned is the caller's
			second, err := s.claims(ctx, r)
			if err != nil {
				return fmt.Errorf("the second time: %w", err)
			}
			for _, name := range s.Claims {
				if !bytes.Equal(before[name], second.Values[name]) {
					return fmt.Errorf("%q has another value the second time", name)
				}
			}
			return nil
		},
	},
	{
		name: "ClaimLanguages",
		rule: "A claim in a language that was asked for is released as its name, '#' and the language.",
		why:  "That is where OpenID Connect Core, section 5.2, makes relying parties look.",
		check: func(ctx context.Context, s *subject) error {
			for _, tagged := range s.Languages {
				name, language, ok := strings.Cut(tagged, "#")
				if !ok {
					return fmt.Errorf("authenticatortest: Languages has %q, which is no name with a language", tagged)
				}
				values, err := s.release(ctx, []string{name}, []string{language})
				if err != nil {
					return err
				}
				if !json.Valid(values[tagged]) {
					return fmt.Errorf("asked for %q in %q, it did not release %q, or not as JSON", name, language, tagged)
				}
			}
			return nil
		},
	},
}

func claimsRequest(identity authenticator.Identity, names, locales []string) *authenticator.ClaimsRequest {
	return &authenticator.ClaimsRequest{
		Transaction: transaction(), ClientID: client, Identity: identity, Names: names, Locales: locales,
	}
}

// release logs the Person in and asks for claims.
func (s *subject) release(ctx context.Context, names, locales []string) (map[string]json.RawMessage, error) {
	identity, err := s.login(ctx)
	if err != nil {
		return nil, fmt.Errorf("the person could not log in: %w", err)
	}
	claims, err := s.claims(ctx, claimsRequest(*identity, names, locales))
	if err != nil {
		if _, ok := errors.AsType[brokenError](err); ok {
			return nil, err
		}
		return nil, fmt.Errorf("the call of Claims failed: %w", err)
	}
	return claims.Values, nil
}

func copyOf(values map[string]json.RawMessage) map[string][]byte {
	c := make(map[string][]byte, len(values))
	for name, value := range values {
		c[name] = bytes.Clone(value)
	}
	return c
}

// covers reports whether a language that was asked for covers one that was released, with more or less detail.
func covers(asked, released string) bool {
	a, r := strings.ToLower(asked), strings.ToLower(released)
	return a == r || strings.HasPrefix(a, r+"-") || strings.HasPrefix(r, a+"-")
}
