package oidc

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gosignet/signet/oauth"
)

// StandardScopes returns the scopes of OpenID Connect Core section 5.4 with the claims that they ask for.
func StandardScopes() map[string][]string {
	return map[string][]string{
		"profile": {
			"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
			"website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
		},
		"email":   {"email", "email_verified"},
		"phone":   {"phone_number", "phone_number_verified"},
		"address": {"address"},
	}
}

// standardOrder is the order of OpenID Connect Core section 5.1, in which people are asked.
var standardOrder = [...]string{
	"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
	"website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number",
	"phone_number_verified", "address", "updated_at",
}

// protocolClaims are what ID Tokens and userinfo say by themselves. Nobody is asked for them, and no identity system
// can set them.
var protocolClaims = map[string]bool{
	"iss": true, "sub": true, "aud": true, "exp": true, "nbf": true, "iat": true, "jti": true, "auth_time": true,
	"nonce": true, "acr": true, "amr": true, "azp": true, "at_hash": true, "c_hash": true, "s_hash": true, "sid": true,
	"cnf": true, "events": true, "sub_jwk": true, "_claim_names": true, "_claim_sources": true, "client_id": true,
	"scope": true,
}

// companions say something about another claim and nothing of their own: who shares the one shares the other.
var companions = map[string]string{
	"email_verified":        "email",
	"phone_number_verified": "phone_number",
}

// ClaimSet is what a client asks a person to share. Names are in the order of OpenID Connect Core section 5.1, then
// alphabetical.
type ClaimSet struct {
	// Essential and Voluntary are the claims to ask the person for, each in one of the two. A claim that only says whether
	// another one is verified goes with that one.
	Essential, Voluntary []string
	// Userinfo and IDToken say where the same claims are to be delivered: in one of the two, or in both.
	// Claims that are only asked for as verified ones are in neither.
	Userinfo, IDToken []string
	// Verified are the claims to be delivered with how they were verified, in the same order: each of them is among
	// Essential or Voluntary too. A person who shares its name shares it in every way in which it is asked for, and must
	// be shown them.
	Verified []VerifiedItem
	// Scopes are the scopes that ask for something else than claims, in the order of the request. The person is asked
	// for them too.
	Scopes []string
}

// Asked resolves the scopes and the claims parameter to the claims that the client asks for. Claims that the provider
// does not know or that are not in the client's registration are left out, and so are those of the protocol, such as
// sub and acr. The claims of scopes are voluntary and delivered by userinfo. A request without the scope openid asks for
// no claims, and its scopes are all taken for others than those of OpenID Connect.
func (p *Provider) Asked(c *oauth.Client, r *Request, scope []string) ClaimSet {
	var set ClaimSet
	if !r.OpenID || !slices.Contains(scope, ScopeOpenID) {
		set.Scopes = scope
		return set
	}
	userinfo := slices.Collect(maps.Keys(r.Claims.Userinfo))
	for _, s := range scope {
		claims, ok := p.config.Scopes[s]
		if !ok && s != ScopeOpenID {
			set.Scopes = append(set.Scopes, s)
		}
		userinfo = append(userinfo, claims...)
	}
	set.Userinfo = p.releasable(c, userinfo)
	set.IDToken = p.releasable(c, slices.Collect(maps.Keys(r.Claims.IDToken)))
	plain := p.sort(slices.Concat(set.Userinfo, set.IDToken))
	verified := p.verifiable(c, slices.Concat(r.Claims.VerifiedUserinfo, r.Claims.VerifiedIDToken), anyName)
	names, essential := slices.Clone(plain), make(map[string]bool)
	for _, name := range plain {
		essential[name] = r.Claims.Userinfo[name].Essential || r.Claims.IDToken[name].Essential
	}
	for i := range verified {
		for name, request := range verified[i].Claims {
			names = append(names, name)
			essential[name] = essential[name] || request.Essential
		}
	}
	names = p.sort(names)
	for _, name := range names {
		switch {
		case slices.Contains(names, companions[name]): // one question for both
		case essential[name]:
			set.Essential = append(set.Essential, name)
		default:
			set.Voluntary = append(set.Voluntary, name)
		}
	}
	set.Verified = p.verifiedItems(verified, plain, names)
	return set
}

func anyName(string) bool { return true }

// ACRs returns the authentication contexts that a login for the request may aim at, in order of preference: those that
// the request asks for and the client may have, or, if there is none and none is essential, all that the client may have.
// The result is empty only if that is none. A request whose essential contexts cannot be had is refused with
// unmet_authentication_requirements.
func (p *Provider) ACRs(c *oauth.Client, r *Request) ([]string, error) {
	known := only(p.config.ACRValues, p.config.ACRValues)
	if c.ACRValues != nil {
		known = only(c.ACRValues, p.config.ACRValues)
	}
	asked := only(r.ACRValues, known)
	switch {
	case len(asked) > 0:
		return asked, nil
	case r.ACREssential:
		return nil, &oauth.Error{
			Code:        oauth.UnmetAuthenticationRequirements,
			Description: "none of the requested authentication contexts is available to the client",
		}
	}
	return known, nil
}

// releasable returns those of the names, which it changes, that the provider can release to the client, in order.
func (p *Provider) releasable(c *oauth.Client, names []string) []string {
	names = slices.DeleteFunc(names, func(name string) bool { return !p.isReleasable(c, name) })
	if len(names) == 0 {
		return nil
	}
	return p.sort(names)
}

// isReleasable says whether the provider can release the claim to the client.
func (p *Provider) isReleasable(c *oauth.Client, name string) bool {
	_, known := p.order[name]
	return known && (c.Claims == nil || slices.Contains(c.Claims, name))
}

// namesOf returns the names of requests for known claims, in order.
func (p *Provider) namesOf(requests map[string]ClaimRequest) []string {
	return p.sort(slices.Collect(maps.Keys(requests)))
}

// sort sorts known claims in place and drops duplicates.
func (p *Provider) sort(names []string) []string {
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(p.order[a], p.order[b]) })
	return slices.Compact(names)
}

// claimOrder gives each claim its place.
func claimOrder(names []string) map[string]int {
	order := make(map[string]int, len(names))
	for i, name := range standardOrder {
		if slices.Contains(names, name) {
			order[name] = i
		}
	}
	for i, name := range slices.Sorted(slices.Values(names)) {
		if _, ok := order[name]; !ok {
			order[name] = len(standardOrder) + i
		}
	}
	return order
}

// claimsOf returns all claims that the scopes ask for.
func claimsOf(scopes map[string][]string) []string {
	var names []string
	for _, claims := range scopes {
		names = append(names, claims...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// only returns the names that are allowed, each once, in their order.
func only(names, allowed []string) []string {
	var kept []string
	for _, name := range names {
		if slices.Contains(allowed, name) && !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept
}
