package oidc

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc/internal/assurance"
	"github.com/gosignet/signet/oidc/internal/document"
)

// verifiedClaims is the member in which verified claims are asked for and delivered.
const verifiedClaims = "verified_claims"

// VerifiedRequest is one element of verified_claims in a request (OpenID Identity Assurance): claims that are asked for
// together with how they were verified.
type VerifiedRequest struct {
	// Verification is the JSON object that says what the client wants to know of the verification, and what it must have
	// been like. A verification that is not as it says, or of which that cannot be told, does not count.
	Verification json.RawMessage `json:"verification"`
	// Claims are at least one.
	Claims map[string]ClaimRequest `json:"claims"`

	parsed *assurance.Request // nil after storage
}

// VerifiedItem is a claim that a client wants to have with how it was verified, as it is shown to a person.
type VerifiedItem struct {
	Name string `json:"name"`
	// Purpose is why the client asks, in its own words; perhaps empty.
	Purpose string `json:"purpose,omitempty"`
	// TrustFrameworks are those of which the client wants one. Nil means any.
	TrustFrameworks []string `json:"trust_frameworks,omitempty"`
	// Evidence says that the client is told about the evidence, such as the number of an identity card.
	Evidence bool `json:"evidence,omitempty"`
	// Plain says that the client also takes the claim as it is, without a word about its verification.
	Plain bool `json:"plain,omitempty"`
}

// verified reads the elements of verified_claims: an object or an array of them.
func (p *claimsParser) verified(v *document.Value) ([]VerifiedRequest, error) {
	elements := []document.Value{*v}
	if v.Kind == document.Array {
		elements = v.Children
	}
	if len(elements) == 0 || len(elements) > maxVerified {
		return nil, invalidClaims("verified_claims is empty or too long")
	}
	var requests []VerifiedRequest
	for i := range elements {
		request, err := p.verifiedElement(&elements[i])
		if err != nil {
			return nil, err
		}
		if len(request.Claims) > 0 {
			requests = append(requests, request)
		}
	}
	return requests, nil
}

func (p *claimsParser) verifiedElement(v *document.Value) (VerifiedRequest, error) {
	verification, claims := v.Member("verification"), v.Member("claims")
	if verification == nil || claims == nil || len(v.Children) != 2 {
		return VerifiedRequest{}, invalidClaims("an element of verified_claims is not verification and claims")
	}
	request, err := assurance.NewRequest(verification)
	if err != nil {
		return VerifiedRequest{}, invalidClaims(err.Error())
	}
	if claims.Kind == document.Null { // asks for nothing
		return VerifiedRequest{}, nil
	}
	if len(claims.Children) == 0 {
		return VerifiedRequest{}, invalidClaims("claims in verified_claims is not an object with members")
	}
	requests, err := p.requests(claims.Children)
	p.verifiedClaims += len(requests)
	return VerifiedRequest{Verification: json.RawMessage(verification.Raw), Claims: requests, parsed: &request}, err
}

// read returns the requested verification.
func (r *VerifiedRequest) read() (*assurance.Request, error) {
	if r.parsed != nil {
		return r.parsed, nil
	}
	v, err := document.Parse(string(r.Verification), maxClaimsDepth)
	if err != nil {
		return nil, err
	}
	request, err := assurance.NewRequest(v)
	return &request, err
}

// assured says whether there are verified claims at all.
func (p *Provider) assured() bool { return len(p.config.Assurance.Claims) > 0 }

// verifiable returns the elements, reduced to the claims that the client may have verified and that keep is true for.
func (p *Provider) verifiable(
	c *oauth.Client, elements []VerifiedRequest, keep func(name string) bool,
) []VerifiedRequest {
	allowed := p.allowed(c)
	var reduced []VerifiedRequest
	for _, element := range elements {
		claims := make(map[string]ClaimRequest, len(element.Claims))
		for name, request := range element.Claims {
			if place, ok := p.order[name]; ok && allowed[place] && p.verified[place] && keep(name) {
				claims[name] = request
			}
		}
		if len(claims) > 0 {
			element.Claims = claims
			reduced = append(reduced, element)
		}
	}
	return reduced
}

// askVerified adds to what is asked for in the places of the claims.
func (p *Provider) askVerified(places []place, elements []VerifiedRequest) {
	for i := range elements {
		request, err := elements[i].read()
		if err != nil { // it was read when it came
			continue
		}
		frameworks, evidence := request.TrustFrameworks(), request.Evidence()
		for name, claim := range elements[i].Claims {
			at, ok := p.order[name]
			if !ok || !places[at].allowed || !p.verified[at] {
				continue
			}
			pl := &places[at]
			pl.essential = pl.essential || claim.Essential
			item := &VerifiedItem{Name: name, TrustFrameworks: frameworks, Evidence: evidence, Purpose: claim.Purpose}
			if pl.verified != nil {
				pl.verified.add(item)
				continue
			}
			pl.verified = item
		}
	}
}

// add adds what is asked for with another claim or in another element.
func (i *VerifiedItem) add(other *VerifiedItem) {
	if i.TrustFrameworks != nil && other.TrustFrameworks != nil {
		all := slices.Concat(i.TrustFrameworks, other.TrustFrameworks)
		i.TrustFrameworks = only(all, all)
	} else {
		i.TrustFrameworks = nil
	}
	i.Evidence = i.Evidence || other.Evidence
	i.Purpose = cmp.Or(i.Purpose, other.Purpose)
}
