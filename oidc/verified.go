package oidc

import (
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
		elements = v.Items
	}
	if len(elements) == 0 || len(elements) > maxVerified {
		return nil, invalidClaims("verified_claims is empty or too long")
	}
	requests := make([]VerifiedRequest, 0, len(elements))
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
	if verification == nil || claims == nil || len(v.Members) != 2 {
		return VerifiedRequest{}, invalidClaims("an element of verified_claims is not verification and claims")
	}
	if _, err := assurance.NewRequest(verification); err != nil {
		return VerifiedRequest{}, invalidClaims(err.Error())
	}
	if claims.Kind == document.Null { // asks for nothing
		return VerifiedRequest{}, nil
	}
	if len(claims.Members) == 0 {
		return VerifiedRequest{}, invalidClaims("claims in verified_claims is not an object with members")
	}
	requests, err := p.requests(claims.Members)
	p.verifiedClaims += len(requests)
	return VerifiedRequest{Verification: verification.Raw, Claims: requests}, err
}

// read returns the requested verification, which was read before.
func (r *VerifiedRequest) read() (assurance.Request, error) {
	v, err := document.Parse(r.Verification, maxClaimsDepth)
	if err != nil {
		return assurance.Request{}, err
	}
	return assurance.NewRequest(v)
}

// assured says whether there are verified claims at all.
func (p *Provider) assured() bool { return len(p.config.Assurance.Claims) > 0 }

// verifiable returns the elements, reduced to the claims that keep is true for and that the client may have verified.
func (p *Provider) verifiable(
	c *oauth.Client, elements []VerifiedRequest, keep func(name string) bool,
) []VerifiedRequest {
	var reduced []VerifiedRequest
	for _, element := range elements {
		var claims map[string]ClaimRequest
		for name, request := range element.Claims {
			if !p.isReleasable(c, name) || !slices.Contains(p.config.Assurance.Claims, name) || !keep(name) {
				continue
			}
			if claims == nil {
				claims = make(map[string]ClaimRequest, len(element.Claims))
			}
			claims[name] = request
		}
		if claims != nil {
			reduced = append(reduced, VerifiedRequest{Verification: element.Verification, Claims: claims})
		}
	}
	return reduced
}

// verifiedItems returns what the elements ask for. A claim that only says whether another one is verified is asked for
// under the name of that one, if this is among the asked.
func (p *Provider) verifiedItems(elements []VerifiedRequest, plain, asked []string) []VerifiedItem {
	items := map[string]*VerifiedItem{}
	anyFramework := map[string]bool{}
	for i := range elements {
		request, err := elements[i].read()
		if err != nil { // it was read when it came
			continue
		}
		frameworks, evidence := request.TrustFrameworks(), request.Evidence()
		for _, claim := range p.namesOf(elements[i].Claims) {
			name := claim
			if slices.Contains(asked, companions[claim]) {
				name = companions[claim]
			}
			item := items[name]
			if item == nil {
				item = &VerifiedItem{Name: name, Plain: slices.Contains(plain, name)}
				items[name] = item
			}
			if purpose := elements[i].Claims[claim].Purpose; item.Purpose == "" || claim == name && purpose != "" {
				item.Purpose = purpose
			}
			item.Evidence = item.Evidence || evidence
			anyFramework[name] = anyFramework[name] || frameworks == nil
			item.TrustFrameworks = append(item.TrustFrameworks, frameworks...)
		}
	}
	var all []VerifiedItem
	for _, name := range asked {
		if item := items[name]; item != nil {
			item.TrustFrameworks = only(item.TrustFrameworks, item.TrustFrameworks)
			if anyFramework[name] {
				item.TrustFrameworks = nil
			}
			all = append(all, *item)
		}
	}
	return all
}
