package oidc

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc/internal/assurance"
	"github.com/gosignet/signet/oidc/internal/document"
)

// Bounds of the claims parameter.
const (
	maxClaimsBytes = 16 << 10
	maxClaimsDepth = 16 // the details of an assurance process reach 13
	maxClaims      = 100
	maxClaimValues = 100
	// maxVerified bounds the elements of verified_claims, maxVerifiedClaims the claims in all of them.
	maxVerified       = 32
	maxVerifiedClaims = 200
)

// ClaimsParameter is the claims parameter of an authorization request (OpenID Connect Core section 5.5): what is asked
// for by name, and where it is to be delivered. A name with a language tag, such as name#km, is read as a request for
// the name, with the language added to the preferred ones.
type ClaimsParameter struct {
	Userinfo map[string]ClaimRequest `json:"userinfo,omitempty"`
	IDToken  map[string]ClaimRequest `json:"id_token,omitempty"`
	// VerifiedUserinfo and VerifiedIDToken are the elements of verified_claims (OpenID Identity Assurance), of which each
	// stands for itself. They are nil if the provider has no [Config.Assurance].
	VerifiedUserinfo []VerifiedRequest `json:"verified_userinfo,omitempty"`
	VerifiedIDToken  []VerifiedRequest `json:"verified_id_token,omitempty"`
}

// ClaimRequest is the request for one claim. The zero value asks for a voluntary claim of any value.
type ClaimRequest struct {
	Essential bool `json:"essential,omitempty"`
	// Values are the JSON values that the client wants the claim to have one of, from value or values. Nil means any.
	Values []json.RawMessage `json:"values,omitempty"`
	// Purpose is why the client asks, in words for the person: 3 to 300 characters, or empty.
	Purpose string `json:"purpose,omitempty"`
}

// strings returns the values as strings, which for the named claim they must be.
func (c ClaimRequest) strings(name string) ([]string, error) {
	var values []string
	for _, raw := range c.Values {
		var s *string
		if json.Unmarshal(raw, &s) != nil || s == nil || *s == "" {
			return nil, invalidClaims("a requested value of " + name + " is not a string")
		}
		values = append(values, *s)
	}
	return values, nil
}

// parseClaims returns the claims parameter and the languages in its names. Without assurance, verified_claims is passed
// over, like everything else that is not known.
func parseClaims(s string, assured bool) (*ClaimsParameter, []string, error) {
	if len(s) > maxClaimsBytes {
		return nil, nil, invalidClaims("it is too long")
	}
	root, err := document.Parse(s, maxClaimsDepth)
	if err != nil {
		return nil, nil, invalidClaims(err.Error())
	}
	if root.Kind != document.Object {
		return nil, nil, invalidClaims("it is not an object")
	}
	p := claimsParser{assured: assured}
	var c ClaimsParameter
	if c.Userinfo, c.VerifiedUserinfo, err = p.target(root.Member("userinfo")); err != nil {
		return nil, nil, err
	}
	if c.IDToken, c.VerifiedIDToken, err = p.target(root.Member("id_token")); err != nil {
		return nil, nil, err
	}
	if len(c.Userinfo)+len(c.IDToken) > maxClaims || p.verifiedClaims > maxVerifiedClaims {
		return nil, nil, invalidClaims("it asks for too many claims")
	}
	if len(c.VerifiedUserinfo)+len(c.VerifiedIDToken) > maxVerified {
		return nil, nil, invalidClaims("it has too many elements of verified_claims")
	}
	return &c, p.locales, nil
}

type claimsParser struct {
	assured        bool
	verifiedClaims int
	locales        []string
}

// target reads the requests of userinfo or of id_token, which may be absent.
func (p *claimsParser) target(v *document.Value) (map[string]ClaimRequest, []VerifiedRequest, error) {
	if v == nil || v.Kind == document.Null {
		return nil, nil, nil
	}
	if v.Kind != document.Object {
		return nil, nil, invalidClaims("userinfo or id_token is not an object")
	}
	var verified []VerifiedRequest
	if element := v.Member(verifiedClaims); element != nil && p.assured {
		var err error
		if verified, err = p.verified(element); err != nil {
			return nil, nil, err
		}
	}
	requests, err := p.requests(v.Children)
	return requests, verified, err
}

// requests reads the requests for claims, all but the one that has a form of its own.
func (p *claimsParser) requests(members []document.Value) (map[string]ClaimRequest, error) {
	var requests map[string]ClaimRequest
	var tagged []string
	for i := range members {
		m := &members[i]
		if m.Name == verifiedClaims {
			continue
		}
		request, err := parseClaimRequest(m)
		if err != nil {
			return nil, err
		}
		if requests == nil {
			requests = make(map[string]ClaimRequest, len(members))
		}
		if strings.Contains(m.Name, "#") {
			tagged = append(tagged, m.Name)
		}
		requests[m.Name] = request
	}
	for _, member := range tagged {
		name, locale, _ := strings.Cut(member, "#")
		request := requests[member]
		delete(requests, member)
		plain, ok := requests[name]
		if ok {
			request.Values = plain.Values
		}
		request.Essential = request.Essential || plain.Essential
		request.Purpose = cmp.Or(plain.Purpose, request.Purpose)
		requests[name] = request
		if isLanguageTag(locale) {
			p.locales = append(p.locales, locale)
		}
	}
	return requests, nil
}

func parseClaimRequest(v *document.Value) (ClaimRequest, error) {
	var request ClaimRequest
	if v.Kind == document.Null {
		return request, nil
	}
	if v.Kind != document.Object {
		return request, invalidClaims("the request for a claim is neither null nor an object")
	}
	var value, values *document.Value
	for i := range v.Children {
		m := &v.Children[i]
		switch m.Name {
		case "essential":
			if m.Kind != document.Bool {
				return request, invalidClaims("essential is not a boolean")
			}
			request.Essential = m.Raw == "true"
		case "purpose":
			var err error
			if request.Purpose, err = assurance.Purpose(m); err != nil {
				return request, invalidClaims(err.Error())
			}
		case "value":
			value = m
		case "values":
			values = m
		}
	}
	switch {
	case value != nil && values != nil:
		return request, invalidClaims("a claim has both value and values")
	case value != nil:
		request.Values = []json.RawMessage{json.RawMessage(value.Raw)}
	case values != nil:
		if values.Kind != document.Array || len(values.Children) == 0 || len(values.Children) > maxClaimValues {
			return request, invalidClaims("values is no array, empty or too long")
		}
		request.Values = make([]json.RawMessage, len(values.Children))
		for i := range values.Children {
			request.Values[i] = json.RawMessage(values.Children[i].Raw)
		}
	}
	return request, nil
}

func invalidClaims(problem string) *oauth.Error {
	e := invalidRequest("the claims parameter is not valid: " + problem)
	e.Parameter = "claims"
	return e
}
