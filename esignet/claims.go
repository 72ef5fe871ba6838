package esignet

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// UnmarshalJSON drops the members that the API does not know, and those that are null, which is absence.
func (c *claims) UnmarshalJSON(data []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	maps.DeleteFunc(members, func(name string, value json.RawMessage) bool {
		return name != "userinfo" && name != "id_token" || string(value) == "null"
	})
	*c = members
	return nil
}

// valid reports whether the parameter obeys the schema of the API, which is narrower than that of OpenID Connect.
func (c claims) valid() bool {
	return validClaims(c["userinfo"], claimMember) && validClaims(c["id_token"], func(json.RawMessage) bool { return true })
}

// checkClaims says what is wrong with the claims of a request that obey the schema, once the client is known.
func checkClaims(req *oauth.AuthorizationRequest) error {
	if req.Parameters["claims"] == "" {
		return nil
	}
	var c claims
	if err := json.Unmarshal([]byte(req.Parameters["claims"]), &c); err != nil {
		return fail("invalid_claim", err)
	}
	switch userinfo, _ := object(c["userinfo"]); {
	case c["userinfo"] != nil && !slices.Contains(req.Scope, oidc.ScopeOpenID):
		return fail("invalid_scope", nil)
	case slices.ContainsFunc(elements(userinfo["verified_claims"]), func(element json.RawMessage) bool {
		o, ok := object(element)
		return ok && isNull(o["claims"])
	}):
		return fail("invalid_verified_claims", nil)
	}
	return nil
}

// validClaims looks at one of the two targets.
func validClaims(data json.RawMessage, member func(json.RawMessage) bool) bool {
	o, ok := object(data)
	if !ok {
		return false
	}
	for name, value := range o {
		if name == "verified_claims" {
			if !validVerified(value) {
				return false
			}
		} else if !member(value) {
			return false
		}
	}
	return true
}

func isNull(data json.RawMessage) bool { return len(data) == 0 || string(data) == "null" }

// object is a JSON object; null is an empty one.
func object(data json.RawMessage) (map[string]json.RawMessage, bool) {
	if isNull(data) {
		return nil, true
	}
	var o map[string]json.RawMessage
	return o, json.Unmarshal(data, &o) == nil
}

// claimMember is null, or an object with a boolean essential and a purpose of 3 to 300 characters.
func claimMember(data json.RawMessage) bool {
	o, ok := object(data)
	return ok && validEssential(o["essential"]) && validPurpose(o["purpose"])
}

func validEssential(data json.RawMessage) bool {
	return len(data) == 0 || string(data) == "true" || string(data) == "false"
}

func validPurpose(data json.RawMessage) bool {
	s, ok := str(data)
	n := utf8.RuneCountInString(s)
	return ok && (len(data) == 0 || n >= 3 && n <= 300)
}

// str is a JSON string; nothing is an empty one.
func str(data json.RawMessage) (s string, ok bool) {
	if len(data) == 0 {
		return "", true
	}
	err := json.Unmarshal(data, &s)
	return s, data[0] == '"' && err == nil
}

// validValue is a string of at least three characters, one of them visible.
func validValue(data json.RawMessage) bool {
	s, ok := str(data)
	return ok && (len(data) == 0 || utf8.RuneCountInString(s) >= 3 && strings.TrimSpace(s) != "")
}

func validValues(data json.RawMessage) bool {
	var values []string
	return len(data) == 0 || json.Unmarshal(data, &values) == nil && len(values) > 0
}

// constrainable is a member to which a value, or one of several, can be demanded.
func constrainable(data json.RawMessage) bool {
	o, ok := object(data)
	return ok && claimMember(data) && validValue(o["value"]) && validValues(o["values"])
}

// validVerified is one object, or several, of a verification and claims, and nothing else.
func validVerified(data json.RawMessage) bool {
	all := elements(data)
	for _, element := range all {
		o, ok := object(element)
		verification, has := o["verification"]
		names, hasClaims := o["claims"]
		if !ok || len(o) != 2 || !has || !hasClaims || !validVerification(verification) || !validNames(names) {
			return false
		}
	}
	return len(all) > 0
}

// elements are those of verified_claims, which is one of them or a list, or nothing.
func elements(data json.RawMessage) (all []json.RawMessage) {
	if len(data) > 0 && json.Unmarshal(data, &all) != nil {
		all = []json.RawMessage{data}
	}
	return all
}

func validNames(data json.RawMessage) bool {
	o, ok := object(data)
	if !ok || !isNull(data) && len(o) == 0 {
		return false
	}
	for _, value := range o {
		if !constrainable(value) {
			return false
		}
	}
	return true
}

func validVerification(data json.RawMessage) bool {
	o, ok := object(data)
	framework, has := o["trust_framework"]
	if !ok || !has || !constrainable(framework) || !constrainable(o["assurance_level"]) {
		return false
	}
	for _, name := range []string{"time", "verification_process"} {
		if !claimMember(o[name]) {
			return false
		}
	}
	if evidence, ok := o["evidence"]; ok {
		return validEvidence(evidence)
	}
	return true
}

func validEvidence(data json.RawMessage) bool {
	var elements []map[string]json.RawMessage
	if json.Unmarshal(data, &elements) != nil || len(elements) == 0 {
		return false
	}
	for _, e := range elements {
		kind, ok := object(e["type"])
		if !ok || e["type"] == nil {
			return false
		}
		if v, ok := kind["value"]; ok {
			switch s, _ := str(v); s {
			case "document", "electronic_record", "vouch", "electronic_signature":
			default:
				return false
			}
		}
	}
	return true
}

// essentialVerified are the claims that a claims parameter calls essential together with their verification.
func essentialVerified(parameter string) (names []string) {
	var c struct {
		Userinfo struct {
			Verified json.RawMessage `json:"verified_claims"`
		} `json:"userinfo"`
	}
	if json.Unmarshal([]byte(parameter), &c) != nil {
		return nil
	}
	type element struct {
		Claims map[string]struct {
			Essential bool `json:"essential"`
		} `json:"claims"`
	}
	elements := make([]element, 1)
	if json.Unmarshal(c.Userinfo.Verified, &elements[0]) != nil && json.Unmarshal(c.Userinfo.Verified, &elements) != nil {
		return nil
	}
	for _, e := range elements {
		for name, claim := range e.Claims {
			if claim.Essential {
				names = append(names, name)
			}
		}
	}
	return names
}
