package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosignet/signet/oauth"
)

// Bounds of the claims parameter.
const (
	maxClaimsBytes = 16 << 10
	maxClaimsDepth = 8
	maxClaims      = 100
	maxClaimValues = 100
)

// ClaimsParameter is the claims parameter of an authorization request (OpenID Connect Core section 5.5): what is asked
// for by name, and where it is to be delivered. A name with a language tag, such as name#km, is read as a request for
// the name, with the language added to the preferred ones.
type ClaimsParameter struct {
	Userinfo map[string]ClaimRequest `json:"userinfo,omitempty"`
	IDToken  map[string]ClaimRequest `json:"id_token,omitempty"`
}

// ClaimRequest is the request for one claim. The zero value asks for a voluntary claim of any value.
type ClaimRequest struct {
	Essential bool `json:"essential,omitempty"`
	// Values are the JSON values that the client wants the claim to have one of, from value or values. Nil means any.
	Values []json.RawMessage `json:"values,omitempty"`
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

// parseClaims returns the claims parameter and the languages in its names.
func parseClaims(s string) (*ClaimsParameter, []string, error) {
	if len(s) > maxClaimsBytes {
		return nil, nil, invalidClaims("it is too long")
	}
	if !utf8.ValidString(s) {
		return nil, nil, invalidClaims("it is not UTF-8")
	}
	if err := checkJSON([]byte(s)); err != nil {
		return nil, nil, invalidClaims(err.Error())
	}
	targets, ok := object([]byte(s))
	if !ok {
		return nil, nil, invalidClaims("it is not an object")
	}
	userinfo, userinfoLocales, err := parseTarget(targets["userinfo"])
	if err != nil {
		return nil, nil, err
	}
	idToken, idTokenLocales, err := parseTarget(targets["id_token"])
	if err != nil {
		return nil, nil, err
	}
	if len(userinfo)+len(idToken) > maxClaims {
		return nil, nil, invalidClaims("it asks for too many claims")
	}
	return &ClaimsParameter{Userinfo: userinfo, IDToken: idToken}, append(userinfoLocales, idTokenLocales...), nil
}

// parseTarget reads the requests of userinfo or of id_token, which may be absent.
func parseTarget(raw json.RawMessage) (map[string]ClaimRequest, []string, error) {
	if raw == nil || isNull(raw) {
		return nil, nil, nil
	}
	members, ok := object(raw)
	if !ok {
		return nil, nil, invalidClaims("userinfo or id_token is not an object")
	}
	delete(members, "verified_claims") // an Identity Assurance request has a form of its own
	if len(members) == 0 {
		return nil, nil, nil
	}
	requests := make(map[string]ClaimRequest, len(members))
	var locales []string
	// In order, name comes before name#km.
	for _, member := range slices.Sorted(maps.Keys(members)) {
		request, err := parseClaimRequest(members[member])
		if err != nil {
			return nil, nil, err
		}
		name, locale, tagged := strings.Cut(member, "#")
		if tagged {
			request.Values = requests[name].Values
			request.Essential = request.Essential || requests[name].Essential
			if isLanguageTag(locale) {
				locales = append(locales, locale)
			}
		}
		requests[name] = request
	}
	return requests, locales, nil
}

func parseClaimRequest(raw json.RawMessage) (ClaimRequest, error) {
	var request ClaimRequest
	if isNull(raw) {
		return request, nil
	}
	members, ok := object(raw)
	if !ok {
		return request, invalidClaims("the request for a claim is neither null nor an object")
	}
	if essential, ok := members["essential"]; ok {
		switch string(essential) {
		case "true":
			request.Essential = true
		case "false":
		default:
			return request, invalidClaims("essential is not a boolean")
		}
	}
	value, hasValue := members["value"]
	values, hasValues := members["values"]
	switch {
	case hasValue && hasValues:
		return request, invalidClaims("a claim has both value and values")
	case hasValue:
		request.Values = []json.RawMessage{value}
	case hasValues:
		if values[0] != '[' || json.Unmarshal(values, &request.Values) != nil {
			return request, invalidClaims("values is not an array")
		}
		if len(request.Values) == 0 || len(request.Values) > maxClaimValues {
			return request, invalidClaims("values is empty or too long")
		}
	}
	return request, nil
}

// checkJSON refuses text that is not exactly one JSON value, that is nested too deeply, or that has an object with two
// members of one name, of which readers would choose differently.
func checkJSON(text []byte) error {
	type level struct {
		names map[string]bool // nil in an array
		value bool            // the next token in an object is a value
	}
	var levels []level
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for values := 0; ; {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && values == 1 && len(levels) == 0:
			return nil
		case err != nil, values == 1 && len(levels) == 0:
			return errors.New("it is not JSON")
		}
		if len(levels) == 0 {
			values++
		} else if top := &levels[len(levels)-1]; top.names != nil && token != json.Delim('}') {
			if name, ok := token.(string); ok && !top.value {
				if top.names[name] {
					return errors.New("an object has two members of one name")
				}
				top.names[name] = true
			}
			top.value = !top.value
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{names: map[string]bool{}})
		case json.Delim('['):
			levels = append(levels, level{})
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:len(levels)-1]
		}
		if len(levels) > maxClaimsDepth {
			return errors.New("it is nested too deeply")
		}
	}
}

func object(raw []byte) (map[string]json.RawMessage, bool) {
	var members map[string]json.RawMessage
	err := json.Unmarshal(raw, &members)
	return members, err == nil && members != nil
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

func invalidClaims(problem string) *oauth.Error {
	return invalidRequest("the claims parameter is not valid: " + problem)
}
