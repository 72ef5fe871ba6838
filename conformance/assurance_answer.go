package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// verifiedIn returns the verified claims of an answer, after checking them against the schema, against what is announced
// and against the request: whatever is there must have been asked for, and be as it was asked for.
func (t *trial) verifiedIn(where string, claims object, request any) []element {
	value, ok := claims[verifiedClaims]
	if !ok {
		return nil
	}
	for _, problem := range schemaProblems(value) {
		t.fail("verified_claims of %s are not as the schema says: %s", where, problem)
	}
	list, isArray := value.([]any)
	if !isArray {
		list = []any{value}
	}
	var elements []element
	for _, item := range list {
		m, _ := item.(object)
		e := element{}
		e.verification, _ = m["verification"].(object)
		e.claims, _ = m["claims"].(object)
		if e.verification == nil || e.claims == nil {
			t.fail("an element of verified_claims of %s is not a verification and claims: %s", where, compact(item))
			continue
		}
		t.announced(where, e)
		if request == nil && len(e.claims) > 0 {
			t.fail("%s has verified claims, which nobody asked for there: %s", where, compact(e.claims))
		}
		if problem := e.fits(request); request != nil && problem != "" {
			t.fail("verified_claims of %s are not as they were asked for: %s", where, problem)
		}
		if len(e.claims) > 0 {
			elements = append(elements, e)
		}
	}
	return elements
}

// announced checks that the values are those of the discovery document.
func (t *trial) announced(where string, e element) {
	m := t.metadata()
	known := func(member string, value any) {
		if text, ok := value.(string); ok && !slices.Contains(m.list(member), text) {
			t.fail("%s has %q, which is not in %s", where, text, member)
		}
	}
	known("trust_frameworks_supported", e.verification["trust_framework"])
	for name := range e.claims {
		base, tag, tagged := strings.Cut(name, "#")
		known("claims_in_verified_claims_supported", base)
		if _, err := language.Parse(tag); tagged && err != nil {
			t.fail("the verified claim %s of %s has no language tag behind the #", name, where)
		}
	}
	evidence, _ := e.verification["evidence"].([]any)
	for _, item := range evidence {
		entry, _ := item.(object)
		known("evidence_supported", entry["type"])
		known("documents_supported", member(entry["document_details"], "type"))
		known("electronic_records_supported", member(entry["record"], "type"))
		checks, _ := entry["check_details"].([]any)
		for _, check := range checks {
			known("documents_check_methods_supported", member(check, "check_method"))
		}
	}
}

func member(v any, name string) any {
	m, _ := v.(object)
	return m[name]
}

// fits returns why the element answers none of the requests, or nothing if it does answer one.
func (e element) fits(request any) string {
	requests, isArray := request.([]any)
	if !isArray {
		requests = []any{request}
	}
	problem := "nothing was asked for"
	for _, r := range requests {
		if problem = fits(member(r, "verification"), e.verification, "verification"); problem != "" {
			continue
		}
		if problem = fitsClaims(member(r, "claims"), e.claims); problem == "" {
			return ""
		}
	}
	return problem
}

func fitsClaims(request any, claims object) string {
	asked, _ := request.(object)
	for name, value := range claims {
		wanted, ok := asked[name]
		if base, _, tagged := strings.Cut(name, "#"); !ok && tagged {
			wanted, ok = asked[base]
		}
		if !ok && !slices.ContainsFunc(sortedNames(asked), func(n string) bool { return strings.HasPrefix(n, name+"#") }) {
			return "nobody asked for the claim " + name
		}
		constraints, _ := wanted.(object)
		if problem := meets(constraints, value, name); problem != "" {
			return problem
		}
	}
	return ""
}

// constraintNames are the members of a request that are not about members of the answer.
var constraintNames = []string{"value", "values", "max_age", "essential", "purpose"}

// fits says why a part of a verification, nil if it is absent, is not as the request wants it.
func fits(request, got any, name string) string {
	switch wanted := request.(type) {
	case object:
		if problem := meets(wanted, got, name); problem != "" {
			return problem
		}
		members, isObject := got.(object)
		for _, m := range sortedNames(members) {
			if _, ok := wanted[m]; !ok {
				return fmt.Sprintf("nobody asked for %s in %s", m, name)
			}
		}
		for _, m := range sortedNames(wanted) {
			if slices.Contains(constraintNames, m) || got != nil && !isObject {
				continue
			}
			if problem := fits(wanted[m], members[m], m); problem != "" {
				return problem
			}
		}
	case []any:
		return fitsList(wanted, got, name)
	}
	return ""
}

// fitsList wants each item to be as one of the entries, and an item for a list that has constraints.
func fitsList(entries []any, got any, name string) string {
	items, _ := got.([]any)
	problem := ""
	for _, entry := range entries {
		if problem = fits(entry, nil, name); problem == "" {
			break
		}
	}
	for _, item := range items {
		for _, entry := range entries {
			if problem = fits(entry, item, name); problem == "" {
				break
			}
		}
		if problem != "" {
			return problem
		}
	}
	return problem
}

// meets says why a value, nil if it is absent, does not meet the constraints.
func meets(constraints object, got any, name string) string {
	if want, ok := constraints["value"]; ok && compact(want) != compact(got) {
		return fmt.Sprintf("%s is %s and should be %s", name, compact(got), compact(want))
	}
	if wanted, ok := constraints["values"].([]any); ok && !slices.ContainsFunc(wanted, func(want any) bool { return compact(want) == compact(got) }) {
		return fmt.Sprintf("%s is %s and should be one of %s", name, compact(got), compact(wanted))
	}
	if most, ok := number(constraints["max_age"]); ok {
		text, _ := got.(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, text)
		}
		if err != nil || time.Since(at).Seconds() > most+time.Minute.Seconds() {
			return fmt.Sprintf("%s is %s and should be no older than %v seconds", name, compact(got), most)
		}
	}
	return ""
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	}
	return 0, false
}
