package mock

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

// Claims releases the claims that are named and that the persona has, and how those were verified for which this is asked.
func (m *Mock) Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	nonsense, err := m.faults.happen(ctx, Releasing)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, &authenticator.Error{Reason: authenticator.Unavailable, Err: err}
	}
	who := m.people.get(r.Identity.Subject)
	if who == nil {
		return nil, fail(authenticator.Unavailable, "the person is not there any more")
	}
	released := &authenticator.Claims{Values: make(map[string]json.RawMessage)}
	for _, name := range r.Names {
		if nonsense {
			released.Values[name] = json.RawMessage("{nonsense")
			continue
		}
		if err := who.release(released.Values, name, r.Locales, nil); err != nil {
			return nil, err
		}
	}
	released.Verified, err = who.releaseVerified(r)
	return released, err
}

// release puts the claim, and its values in the languages, among the values. Of an address only the parts are released
// that are named; nil means all.
func (p *person) release(values map[string]json.RawMessage, name string, locales []string, parts []string) error {
	for _, name := range append([]string{name}, p.variants(name, locales)...) {
		claim, ok := p.claims[name]
		if !ok {
			continue
		}
		if address, ok := claim.(map[string]any); ok && parts != nil {
			chosen := make(map[string]any)
			for _, part := range parts {
				if value, ok := address[part]; ok {
					chosen[part] = value
				}
			}
			claim = chosen
		}
		encoded, err := json.Marshal(claim)
		if err != nil {
			return fail(authenticator.Unavailable, "a claim cannot be encoded")
		}
		values[name] = encoded
	}
	return nil
}

// variants returns the claim in each of the languages that the person has it in, as OpenID Connect Core section 5.2 writes
// it: "name#km". A language that is not there is looked for with less detail (RFC 4647 section 3.4).
func (p *person) variants(name string, locales []string) []string {
	var found []string
	for _, locale := range locales {
		for tag := locale; tag != ""; tag = tag[:max(0, strings.LastIndexByte(tag, '-'))] {
			if variant := name + "#" + tag; p.claims[variant] != nil {
				found = append(found, variant)
				break
			}
		}
	}
	return found
}

// releaseVerified returns what was verified of the claims that are asked for, once per verification.
func (p *person) releaseVerified(r *authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
	var all []authenticator.VerifiedClaims
	done := make(map[string]bool)
	for _, v := range p.verified {
		if done[string(v.detail)] || !v.active {
			continue
		}
		done[string(v.detail)] = true
		verified := authenticator.VerifiedClaims{Verification: slices.Clone(v.detail), Values: make(map[string]json.RawMessage)}
		for _, name := range r.Verified {
			parts, ok := p.verifiedParts(name, string(v.detail))
			if !ok {
				continue
			}
			if err := p.release(verified.Values, name, r.Locales, parts); err != nil {
				return nil, err
			}
		}
		if len(verified.Values) > 0 {
			all = append(all, verified)
		}
	}
	return all, nil
}

// verifiedParts reports whether a claim was verified in this way, and which parts of it if it is an address; nil means all.
func (p *person) verifiedParts(claim, detail string) (parts []string, ok bool) {
	for _, v := range p.verified {
		if v.claim != claim || string(v.detail) != detail || !v.active {
			continue
		}
		ok = true
		f := fieldNamed(v.field)
		if claim != addressClaim || f == nil {
			return nil, true
		}
		parts = append(parts, f.part())
	}
	return parts, ok
}
