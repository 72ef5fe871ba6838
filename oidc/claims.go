package oidc

import (
	"cmp"
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
	places := make([]place, len(p.places))
	for at, ok := range p.allowed(c) {
		places[at].allowed = ok
	}
	for _, s := range scope {
		claims, ok := p.config.Scopes[s]
		if !ok && s != ScopeOpenID {
			set.Scopes = append(set.Scopes, s)
		}
		for _, name := range claims {
			if at, ok := p.order[name]; ok {
				places[at].userinfo = true
			}
		}
	}
	for name, request := range r.Claims.Userinfo {
		if at, ok := p.order[name]; ok {
			places[at].userinfo = true
			places[at].essential = request.Essential
		}
	}
	for name, request := range r.Claims.IDToken {
		if at, ok := p.order[name]; ok {
			places[at].idToken = true
			places[at].essential = places[at].essential || request.Essential
		}
	}
	p.askVerified(places, r.Claims.VerifiedUserinfo)
	p.askVerified(places, r.Claims.VerifiedIDToken)
	p.collect(&set, places)
	return set
}

// place is what is asked for of one claim.
type place struct {
	allowed, userinfo, idToken, essential bool
	companion                             bool // of another claim that is asked for
	plain                                 bool // its companion is
	verified                              *VerifiedItem
}

// isPlain says whether the claim is asked for as it is.
func (pl *place) isPlain() bool { return pl.allowed && (pl.userinfo || pl.idToken) }

// isAsked says whether the claim is asked for at all.
func (pl *place) isAsked() bool { return pl.isPlain() || pl.verified != nil }

// collect turns the places of all claims, in order, into a set.
func (p *Provider) collect(set *ClaimSet, places []place) {
	for name, main := range companions { // one question for a claim and what says whether it is verified
		at, known := p.order[name]
		of, ok := p.order[main]
		if !known || !ok || !places[at].isAsked() || !places[of].isAsked() {
			continue
		}
		places[at].companion = true
		places[of].plain = places[of].plain || places[at].isPlain()
		switch item := places[at].verified; {
		case item == nil:
		case places[of].verified != nil:
			places[of].verified.add(item)
		default:
			named := *item
			named.Name = p.places[of]
			places[of].verified = &named
		}
	}
	for at := range places {
		pl, name, left := &places[at], p.places[at], len(places)-at
		if !pl.isAsked() {
			continue
		}
		if pl.allowed && pl.userinfo {
			set.Userinfo = append(slices.Grow(set.Userinfo, left), name)
		}
		if pl.allowed && pl.idToken {
			set.IDToken = append(slices.Grow(set.IDToken, left), name)
		}
		switch {
		case pl.companion:
			continue
		case pl.essential:
			set.Essential = append(slices.Grow(set.Essential, left), name)
		default:
			set.Voluntary = append(slices.Grow(set.Voluntary, left), name)
		}
		if pl.verified != nil {
			pl.verified.Plain = pl.plain || pl.isPlain()
			set.Verified = append(slices.Grow(set.Verified, left), *pl.verified)
		}
	}
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

// allowed says for each place whether the provider can release its claim to the client.
func (p *Provider) allowed(c *oauth.Client) []bool {
	allowed := make([]bool, len(p.places))
	if c.Claims == nil {
		for at := range allowed {
			allowed[at] = true
		}
	}
	for _, name := range c.Claims {
		if at, ok := p.order[name]; ok {
			allowed[at] = true
		}
	}
	return allowed
}

// sort sorts known claims in place and drops duplicates.
func (p *Provider) sort(names []string) []string {
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(p.order[a], p.order[b]) })
	return slices.Compact(names)
}

// claimPlaces returns the claims in the order in which people are asked.
func claimPlaces(names []string) []string {
	var places []string
	for _, name := range standardOrder {
		if slices.Contains(names, name) {
			places = append(places, name)
		}
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if !slices.Contains(places, name) {
			places = append(places, name)
		}
	}
	return places
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
