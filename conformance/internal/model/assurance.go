package model

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

type object = map[string]any

var assuranceMetadata = object{
	"verified_claims_supported":                true,
	"trust_frameworks_supported":               []any{"urn:example:register", "urn:example:post"},
	"claims_in_verified_claims_supported":      []any{"given_name", "family_name", "birthdate", "email"},
	"evidence_supported":                       []any{"document", "electronic_record"},
	"documents_supported":                      []any{"idcard"},
	"documents_check_methods_supported":        []any{"vpip"},
	"electronic_records_supported":             []any{"birth_registration"},
	"claims_locales_supported":                 []any{"en", "fr-CA"},
	"userinfo_encryption_alg_values_supported": []any{"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"},
	"userinfo_encryption_enc_values_supported": []any{"A128GCM", "A256GCM"},
}

// verified is how claims of the one person were verified.
var verified = []struct {
	verification object
	claims       []string
}{
	{object{
		"trust_framework": "urn:example:register", "assurance_level": "high", "time": "1999-05-04T09:30:00Z",
		"evidence": []any{
			object{"type": "document", "document_details": object{"type": "idcard", "date_of_expiry": "2009-05-04"}, "check_details": []any{object{"check_method": "vpip"}}},
			object{"type": "electronic_record", "record": object{"type": "birth_registration"}},
		},
	}, []string{"given_name", "family_name", "birthdate"}},
	{object{"trust_framework": "urn:example:post", "time": "1999-06-01T12:00:00Z"}, []string{"email"}},
}

var constraints = []string{"value", "values", "max_age", "essential", "purpose"}

// verifiedRequests returns the elements that are asked for in a place, and whether they are well-formed.
func verifiedRequests(parameter, place string) (elements []object, good bool) {
	var places map[string]object
	json.Unmarshal([]byte(parameter), &places)
	request, asked := places[place]["verified_claims"]
	if !asked {
		return nil, true
	}
	list, isArray := request.([]any)
	if !isArray {
		list = []any{request}
	}
	for _, item := range list {
		element, _ := item.(object)
		verification, _ := element["verification"].(object)
		claims, _ := element["claims"].(object)
		if _, ok := verification["trust_framework"]; !ok || len(claims) == 0 {
			return nil, false
		}
		if evidence, ok := verification["evidence"].([]any); ok && len(evidence) == 0 {
			return nil, false
		}
		if t, ok := verification["time"].(object); ok && t["max_age"] != nil && t["max_age"].(float64) < 0 {
			return nil, false
		}
		elements = append(elements, element)
	}
	return elements, len(elements) > 0
}

func (p *Provider) validateVerified(parameter string) *refused {
	for _, place := range []string{"id_token", "userinfo"} {
		elements, good := verifiedRequests(parameter, place)
		if !good && p.keeps(VerifiedForm) {
			return refuse("invalid_request", "verified_claims is malformed")
		}
		for _, element := range elements {
			for name, asked := range element["claims"].(object) {
				known := slices.Contains(assuranceMetadata["claims_in_verified_claims_supported"].([]any), any(name)) || strings.Contains(name, "#")
				wanted, _ := asked.(object)
				framework, _ := element["verification"].(object)["trust_framework"].(object)
				switch {
				case !known && !p.keeps(VerifiedUnknown):
					return refuse("server_error", "unknown claim")
				case !known && wanted["essential"] == true && !p.keeps(VerifiedEssential),
					framework["essential"] == true && !meets(framework, "urn:example:register") && !p.keeps(VerifiedEssential):
					return refuse("access_denied", "an essential claim is missing")
				case wanted["purpose"] != nil && !p.keeps(VerifiedPurpose):
					return refuse("invalid_request", "unknown member")
				}
			}
		}
	}
	return nil
}

// addVerified adds the verified claims that are asked for in the place.
func (p *Provider) addVerified(claims object, g *grant, place string) {
	if !p.Assurance || place == "id_token" && !p.keeps(VerifiedIDToken) || place == "userinfo" && !p.keeps(VerifiedUserinfo) {
		return
	}
	if g.request.params.Has("claims_locales") && !p.keeps(VerifiedLocales) {
		return
	}
	requests, _ := verifiedRequests(g.request.params.Get("claims"), place)
	if len(requests) == 0 && !p.keeps(VerifiedOnlyThere) {
		other := map[string]string{"id_token": "userinfo", "userinfo": "id_token"}[place]
		requests, _ = verifiedRequests(g.request.params.Get("claims"), other)
	}
	if !p.keeps(VerifiedList) {
		requests = requests[:min(1, len(requests))]
	}
	var elements []any
	for _, request := range requests {
		for _, v := range verified {
			if element := p.deliver(request, v.verification, v.claims); element != nil {
				elements = append(elements, element)
			}
		}
	}
	switch len(elements) {
	case 0:
	case 1:
		claims["verified_claims"] = elements[0]
	default:
		claims["verified_claims"] = elements
	}
}

// deliver returns what a verification gives to a request, or nil.
func (p *Provider) deliver(request, verification object, names []string) object {
	wanted := request["verification"].(object)
	said, ok := p.reduce(wanted, verification, "").(object)
	if !ok {
		return nil
	}
	claims := object{}
	for name, asked := range request["claims"].(object) {
		constraint, _ := asked.(object)
		name, _, _ = strings.Cut(name, "#")
		value, known := person[name]
		if !known || !slices.Contains(names, name) || !p.keeps(VerifiedPlain) && asked != nil {
			continue
		}
		fits := meets(constraint, value)
		if _, several := constraint["values"]; several && !p.keeps(VerifiedFound) {
			fits = false
		}
		if fits || !p.keeps(VerifiedValue) {
			claims[name] = value
		}
	}
	if len(claims) == 0 {
		return nil
	}
	if !p.keeps(VerifiedMinimum) {
		said = maps.Clone(verification)
	}
	element := object{"verification": said, "claims": claims}
	if p.Tamper.Verified != nil {
		p.Tamper.Verified(element)
	}
	return element
}

// ruleOf are the rules that members of a verification are filtered by.
var ruleOf = map[string]Rule{
	"trust_framework": VerifiedFramework, "assurance_level": VerifiedLevel, "time": VerifiedAge, "type": VerifiedEvidence,
}

// reduce returns of a value what the request asks for, or nil if it is not as the request wants it.
func (p *Provider) reduce(request, value any, name string) any {
	switch wanted := request.(type) {
	case nil:
		return value
	case []any:
		return p.reduceList(wanted, value, name)
	case object:
		weakened := wanted["essential"] == true && !p.keeps(VerifiedNotWeakened)
		if !meets(wanted, value) && !weakened && (ruleOf[name] == "" || p.keeps(ruleOf[name])) {
			return nil
		}
		members, ok := value.(object)
		if !ok {
			return value
		}
		reduced := object{}
		for member, asked := range wanted {
			if slices.Contains(constraints, member) {
				continue
			}
			part := p.reduce(asked, members[member], member)
			if part != nil {
				reduced[member] = part
			} else if demands(asked) {
				return nil
			}
		}
		return reduced
	}
	return nil
}

func (p *Provider) reduceList(entries []any, value any, name string) any {
	items, _ := value.([]any)
	var reduced []any
	for _, item := range items {
		for _, entry := range entries {
			if part := p.reduce(entry, item, name); part != nil {
				reduced = append(reduced, part)
				break
			}
		}
	}
	if reduced == nil {
		return nil
	}
	return reduced
}

// demands says whether a request is not met by what is absent.
func demands(request any) bool {
	switch wanted := request.(type) {
	case object:
		for name, asked := range wanted {
			if name == "value" || name == "values" || name == "max_age" || demands(asked) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(wanted, demands)
	}
	return false
}

func meets(constraint object, value any) bool {
	if want, ok := constraint["value"]; ok && !reflect.DeepEqual(want, value) {
		return false
	}
	if wanted, ok := constraint["values"].([]any); ok && !slices.ContainsFunc(wanted, func(want any) bool { return reflect.DeepEqual(want, value) }) {
		return false
	}
	if most, ok := constraint["max_age"].(float64); ok {
		text, _ := value.(string)
		at, err := time.Parse(time.RFC3339, text)
		return err == nil && time.Since(at).Seconds() <= most
	}
	return true
}
