package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// evidenceTypes are those of OpenID Identity Assurance Schema Definition 1.0.
var evidenceTypes = []string{"document", "electronic_record", "vouch", "electronic_signature"}

// shape is what the schema says of the members of an object: each has a format, the name of another shape, or the name
// of a shape in brackets for a non-empty array of it. Members that are not named may be anything.
type shape struct {
	required []string
	members  map[string]string
	// closed allows no other members, and filled wants one at least.
	closed, filled bool
}

func shapeOf(members string, required ...string) shape {
	s := shape{required: required, members: map[string]string{}}
	for line := range strings.Lines(members) {
		format, names, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for name := range strings.FieldsSeq(names) {
			s.members[name] = format
		}
	}
	return s
}

func (s shape) with(change func(*shape)) shape { change(&s); return s }

// shapes are the constraints that the JSON schema of the specification puts on verified_claims in an answer.
var shapes = map[string]shape{
	"element": shapeOf(`verification: verification
		claims: claims`, "verification", "claims").with(func(s *shape) { s.closed = true }),
	"verification": shapeOf(`string: trust_framework assurance_level verification_process
		date-time: time
		process: assurance_process
		[evidence]: evidence`, "trust_framework"),
	"process": shapeOf(`string: policy procedure
		[detail]: assurance_details`),
	"detail": shapeOf(`string: assurance_type assurance_classification
		[reference]: evidence_ref`),
	"reference": shapeOf(`string: check_id
		reference metadata: evidence_metadata`, "check_id"),
	"reference metadata": shapeOf(`string: evidence_classification`),
	"evidence": shapeOf(`evidence type: type
		date-time: created_at
		string: issuer serial_number signature_type
		[any]: attachments
		[check]: check_details
		claims: derived_claims
		document: document_details
		record: record
		attestation: attestation`, "type"),
	"any": {},
	"check": shapeOf(`string: check_id check_method organization
		date-time: time`, "check_method"),
	"document": shapeOf(`string: type document_number serial_number
		date: date_of_issuance date_of_expiry
		organization: issuer`),
	"record": shapeOf(`string: type
		date-time: created_at
		date: date_of_expiry
		organization: source`),
	"attestation": shapeOf(`string: type reference_number
		date: date_of_issuance date_of_expiry
		voucher: voucher`),
	"organization": shapeOf(organization),
	"voucher": shapeOf(organization + `
		date: birthdate
		string: occupation organization`),
	"claims": shapeOf(`string: also_known_as birth_family_name birth_given_name birth_middle_name family_name gender given_name
		string: middle_name name picture preferred_username profile salutation sub title website zoneinfo
		birthdate: birthdate
		email: email
		locale: locale
		phone: phone_number
		msisdn: msisdn
		boolean: email_verified phone_number_verified
		number: updated_at
		countries: nationalities
		address: address
		place: place_of_birth`),
	"address": shapeOf(`string: formatted street_address locality region postal_code country
		country code: country_code`).with(func(s *shape) { s.filled = true }),
	"place": shapeOf(`string: region locality
		country code: country`).with(func(s *shape) { s.filled = true }),
}

const organization = `string: name formatted street_address locality region postal_code country country_code jurisdiction`

// formats are those of strings.
var formats = map[string]*regexp.Regexp{
	"birthdate":    regexp.MustCompile(`^[0-9]{4}-[01][0-9]-[0-3][0-9]$`),
	"email":        regexp.MustCompile(`^[^@]+@[^@.]+([.][^@]+)+$`),
	"locale":       regexp.MustCompile(`^[a-zA-Z]{2}[-_][A-Z]{2}[a-zA-Z]?$`),
	"phone":        regexp.MustCompile(`^[+]?[0-9]{5,15}(;ext[0-9]{0,9})?$`),
	"msisdn":       regexp.MustCompile(`^[+]?[0-9]{5,15}$`),
	"country code": regexp.MustCompile(`^[a-zA-Z]{2}[a-zA-Z]?$`),
}

// schemaProblems says what is wrong with verified_claims: an object, or an array of objects.
func schemaProblems(v any) []string {
	if list, ok := v.([]any); ok {
		var problems []string
		for _, e := range list {
			problems = append(problems, shapeProblems("element", e, verifiedClaims)...)
		}
		return problems
	}
	return shapeProblems("element", v, verifiedClaims)
}

func shapeProblems(name string, v any, at string) []string {
	s := shapes[name]
	m, ok := v.(object)
	if !ok {
		if name == "any" {
			return nil
		}
		return []string{fmt.Sprintf("%s is not an object", at)}
	}
	var problems []string
	for _, required := range s.required {
		if _, ok := m[required]; !ok {
			problems = append(problems, fmt.Sprintf("%s has no %s", at, required))
		}
	}
	if s.filled && len(m) == 0 {
		problems = append(problems, at+" is empty")
	}
	for _, member := range sortedNames(m) {
		base := member
		if name == "claims" {
			base, _, _ = strings.Cut(member, "#")
		}
		format, known := s.members[base]
		switch {
		case known:
			problems = append(problems, valueProblems(format, m[member], at+"."+member)...)
		case s.closed:
			problems = append(problems, fmt.Sprintf("%s has the unknown member %s", at, member))
		}
	}
	return problems
}

func valueProblems(format string, v any, at string) []string {
	if inner, isArray := strings.CutPrefix(format, "["); isArray {
		list, ok := v.([]any)
		if !ok || len(list) == 0 && format != "[reference]" {
			return []string{at + " is not a non-empty array"}
		}
		var problems []string
		for _, item := range list {
			problems = append(problems, shapeProblems(strings.TrimSuffix(inner, "]"), item, at)...)
		}
		return problems
	}
	if _, ok := shapes[format]; ok {
		return shapeProblems(format, v, at)
	}
	if !hasFormat(format, v) {
		return []string{fmt.Sprintf("%s is no %s: %s", at, format, compact(v))}
	}
	return nil
}

func hasFormat(format string, v any) bool {
	switch format {
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "number":
		_, ok := v.(float64)
		return ok
	case "countries":
		return areCountries(v)
	}
	text, ok := v.(string)
	if !ok {
		return false
	}
	switch format {
	case "date-time":
		_, err := time.Parse(time.RFC3339, strings.ToUpper(text))
		return err == nil
	case "date":
		_, err := time.Parse(time.DateOnly, text)
		return err == nil
	case "evidence type":
		return slices.Contains(evidenceTypes, text)
	case "string":
		return true
	}
	return formats[format].MatchString(text)
}

// areCountries takes a non-empty array of codes of which none is there twice.
func areCountries(v any) bool {
	list, _ := v.([]any)
	codes := stringsOf(v)
	slices.Sort(codes)
	return len(list) > 0 && len(codes) == len(list) && len(slices.Compact(codes)) == len(list) &&
		!slices.ContainsFunc(codes, func(code string) bool { return !formats["country code"].MatchString(code) })
}
