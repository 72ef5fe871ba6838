package oidc

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
)

// Bounds of what an authenticator says about a person, from the contract of [authenticator.Identity].
const (
	maxIdentitySubject = 256
	maxIdentityState   = 8 << 10
)

// Authorization is what a person agreed to, on its way to the token endpoint: as JSON, it is the Data of an
// [oauth.Grant]. It is made by [Provider.Authorize].
type Authorization struct {
	Nonce string `json:"nonce,omitempty"`
	// SessionID is the sid of the session in which the person logs in, or empty. The caller of Authorize sets it.
	SessionID string                 `json:"sid,omitempty"`
	Identity  authenticator.Identity `json:"identity"`
	// Userinfo and IDToken are the claims that the person shares, by the way of their delivery.
	Userinfo []ConsentedClaim `json:"userinfo,omitempty"`
	IDToken  []ConsentedClaim `json:"id_token,omitempty"`
	// VerifiedUserinfo and VerifiedIDToken are the requests for verified claims, reduced to the claims that the person
	// shares, by the way of their delivery.
	VerifiedUserinfo []VerifiedRequest `json:"verified_userinfo,omitempty"`
	VerifiedIDToken  []VerifiedRequest `json:"verified_id_token,omitempty"`
	// ClaimsLocales are the languages that the client prefers for the values.
	ClaimsLocales []string `json:"claims_locales,omitempty"`
}

// forUserinfo returns the part that is delivered by userinfo.
func (a *Authorization) forUserinfo() *Authorization {
	part := *a
	part.IDToken, part.VerifiedIDToken = nil, nil
	return &part
}

// forIDToken returns the part that is delivered in the ID Token.
func (a *Authorization) forIDToken() *Authorization {
	part := *a
	part.Userinfo, part.VerifiedUserinfo = nil, nil
	return &part
}

// names returns the claims to fetch, each once, and those of them to fetch with how they were verified.
func (a *Authorization) names() (all, verified []string) {
	for _, element := range slices.Concat(a.VerifiedUserinfo, a.VerifiedIDToken) {
		for _, name := range slices.Sorted(maps.Keys(element.Claims)) {
			if !slices.Contains(verified, name) {
				verified = append(verified, name)
			}
		}
	}
	all = a.plain()
	for _, name := range verified {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all, verified
}

// plain returns the claims that the person shares as they are.
func (a *Authorization) plain() []string {
	names := make([]string, 0, len(a.Userinfo)+len(a.IDToken))
	for _, claim := range slices.Concat(a.Userinfo, a.IDToken) {
		if !slices.Contains(names, claim.Name) {
			names = append(names, claim.Name)
		}
	}
	return names
}

// ConsentedClaim is a claim that a person shares.
type ConsentedClaim struct {
	Name string `json:"name"`
	// Values are those that the client asked for. A claim with another value is not released. Nil means any.
	Values []json.RawMessage `json:"values,omitempty"`
}

// Authorize returns what the person authorizes: of the claims that [Provider.Asked] has for the request and the scope,
// those that are also among the consented names, whatever else these hold. A consented name releases the claim in every
// way in which it was asked for: as it is, with how it was verified, or both. Authorize refuses a person who is not one of the
// request's Subjects with login_required.
func (p *Provider) Authorize(
	c *oauth.Client, r *Request, scope []string, identity *authenticator.Identity, consented []string,
) (*Authorization, error) {
	if identity.Subject == "" || len(identity.Subject) > maxIdentitySubject || len(identity.State) > maxIdentityState {
		return nil, errors.New("oidc: the authenticator's identity is empty or too long")
	}
	if r.Subjects != nil && !r.AcceptsSubject(p.Subject(c, identity.Subject)) {
		return nil, &oauth.Error{
			Code:        oauth.LoginRequired,
			Description: "another person logged in than the request asks for",
		}
	}
	asked := p.Asked(c, r, scope)
	granted := only(consented, slices.Concat(asked.Essential, asked.Voluntary))
	isConsented := func(name string) bool {
		return slices.Contains(granted, name) || slices.Contains(granted, companions[name])
	}
	a := &Authorization{
		Nonce:         r.Nonce,
		Identity:      *identity,
		Userinfo:      consentedClaims(asked.Userinfo, r.Claims.Userinfo, isConsented),
		IDToken:       consentedClaims(asked.IDToken, r.Claims.IDToken, isConsented),
		ClaimsLocales: r.ClaimsLocales,
	}
	if asked.Verified != nil {
		a.VerifiedUserinfo = p.verifiable(c, r.Claims.VerifiedUserinfo, isConsented)
		a.VerifiedIDToken = p.verifiable(c, r.Claims.VerifiedIDToken, isConsented)
	}
	return a, nil
}

func consentedClaims(asked []string, requests map[string]ClaimRequest, isConsented func(string) bool) []ConsentedClaim {
	var claims []ConsentedClaim
	for _, name := range asked {
		if isConsented(name) {
			claims = append(claims, ConsentedClaim{Name: name, Values: requests[name].Values})
		}
	}
	return claims
}
