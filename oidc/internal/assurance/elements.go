// Package assurance is the verification element of OpenID Identity Assurance: how a client asks for it, what an identity
// system says in it, and what of that the client gets.
package assurance

import (
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/oidc/internal/document"
)

// form is what the specification has for an element.
type form uint8

const (
	custom  form = iota // of a trust framework, unknown to the specification
	text                // a string
	instant             // a date-time
	day                 // a date
	group               // an object
	list                // an array of objects
	files               // attachments, which are asked for as a whole
	claims              // an object of claims about the person
)

var forms = map[string]form{
	"trust_framework": text, "assurance_level": text, "verification_process": text, "time": instant,
	"assurance_process": group, "policy": text, "procedure": text,
	"assurance_details": list, "assurance_type": text, "assurance_classification": text,
	"evidence_ref": list, "evidence_metadata": group, "evidence_classification": text,
	"evidence": list, "type": text, "attachments": files, "derived_claims": claims,
	"check_details": list, "check_id": text, "check_method": text, "organization": text, "txn": text,
	"document_details": group, "document_number": text, "serial_number": text,
	"date_of_issuance": day, "date_of_expiry": day,
	"record": group, "source": group, "created_at": instant,
	"attestation": group, "voucher": group, "reference_number": text, "birthdate": day, "occupation": text,
	"signature_type": text,
	"name":           text, "country": text, "country_code": text, "formatted": text, "jurisdiction": text, "locality": text,
	"postal_code": text, "region": text, "street_address": text,
}

// required is what the objects in a list must have to be valid.
var required = map[string]string{"evidence": "type", "check_details": "check_method", "evidence_ref": "check_id"}

// EvidenceTypes are the types of evidence that the specification has.
var evidenceTypes = []string{"document", "electronic_record", "vouch", "electronic_signature"}

// IsEvidenceType says whether the specification has the type of evidence.
func IsEvidenceType(s string) bool { return slices.Contains(evidenceTypes, s) }

// formOf knows an element by its name and by that of the element around it.
func formOf(parent, name string) form {
	if name == "issuer" { // of a document, or of an electronic signature
		if parent == "document_details" {
			return group
		}
		return text
	}
	return forms[name]
}

// valid returns the value as an answer may have it: without what the specification's schema does not allow.
func valid(parent, name string, v *document.Value) (document.Value, bool) {
	switch formOf(parent, name) {
	case text:
		s, ok := v.Text()
		return *v, ok && s != ""
	case instant:
		return validInstant(v)
	case day:
		s, _ := v.Text()
		_, err := time.Parse(time.DateOnly, s)
		return *v, err == nil
	case group:
		return validObject(name, v)
	case claims:
		return validClaims(v)
	case list:
		return validList(name, v)
	case files:
		return *v, v.Kind == document.Array && len(v.Children) > 0
	}
	return *v, v.Kind != document.Null
}

func validObject(name string, v *document.Value) (document.Value, bool) {
	object := document.Value{Kind: document.Object, Children: make([]document.Value, 0, len(v.Children))}
	for i := range v.Children {
		m := &v.Children[i]
		if value, ok := valid(name, m.Name, m); ok {
			value.Name = m.Name
			object.Children = append(object.Children, value)
		}
	}
	return object, len(object.Children) > 0
}

func validClaims(v *document.Value) (document.Value, bool) {
	object := document.Value{Kind: document.Object}
	for i := range v.Children {
		if m := &v.Children[i]; ValidClaim(m.Name, m) {
			object.Children = append(object.Children, *m)
		}
	}
	return object, len(object.Children) > 0
}

func validList(name string, v *document.Value) (document.Value, bool) {
	array := document.Value{Kind: document.Array, Children: make([]document.Value, 0, len(v.Children))}
	for i := range v.Children {
		item, ok := validObject(name, &v.Children[i])
		if !ok || required[name] != "" && item.Member(required[name]) == nil {
			continue
		}
		if name == "evidence" {
			if s, _ := item.Member("type").Text(); !IsEvidenceType(s) {
				continue
			}
		}
		array.Children = append(array.Children, item)
	}
	return array, len(array.Children) > 0
}

// validInstant takes the times of ISO 8601 that identity systems write, and makes them those of RFC 3339 in UTC: another
// zone would say where the person was.
func validInstant(v *document.Value) (document.Value, bool) {
	s, _ := v.Text()
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			t = t.UTC()
			return document.TextValue(t.Format(time.RFC3339Nano)), t.Year() >= 0 && t.Year() <= 9999
		}
	}
	return *v, false
}

// elapsed returns how long ago a time or a date was, which counts from its last second.
func elapsed(v *document.Value, now time.Time) (time.Duration, bool) {
	s, _ := v.Text()
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		return now.Sub(t.AddDate(0, 0, 1).Add(-time.Second)), err == nil
	}
	t, err := time.Parse(time.RFC3339, s)
	return now.Sub(t), err == nil
}
