package conformance

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// oneClaim asks for the first claim, and for nothing of its verification but the framework.
func oneClaim(asked any) func(*trial) {
	return func(t *trial) {
		name, _ := t.first()
		t.ask(wanting(anyFramework(), asked, name)).delivered(name)
	}
}

func unknownClaim(unknown string, asked any) func(*trial) {
	return func(t *trial) {
		name, _ := t.first()
		request := wanting(anyFramework(), nil, name)
		request["claims"].(object)[unknown] = asked
		t.ask(request).delivered(name)
	}
}

// randomValue notes what version 5.2.4 of the suite stops at with a fault of its own, and the specification allows:
// userinfo without verified_claims.
func randomValue(t *trial) {
	name, _ := t.first()
	f := t.ask(wanting(anyFramework(), object{"value": newUUID()}, name))
	tokens := f.tokens()
	a := f.get(tokens.access)
	if _, ok := a.object()[verifiedClaims]; !ok {
		t.note("userinfo has no verified_claims; the suite wants them there, with empty claims")
	}
	idToken, userinfo := f.judged(tokens, a)
	for where, place := range f.places(idToken, userinfo) {
		if has(place.elements, name) {
			t.fail("%s has the claim %s with another value than the one that was asked for", where, name)
		}
	}
}

func wantedValue(t *trial) {
	name, e := t.first()
	t.ask(wanting(anyFramework(), object{"value": e.claims[name]}, name)).delivered(name)
	t.ask(wanting(anyFramework(), object{"values": []any{newUUID(), e.claims[name]}}, name)).delivered(name)
	t.ask(wanting(anyFramework(), object{"values": []any{newUUID(), newUUID()}}, name)).omitted()
}

// onlyIn asks in one of the two places. That nothing is in the other is part of judging every answer.
func onlyIn(idToken bool) func(*trial) {
	return func(t *trial) {
		name, _ := t.first()
		request := wanting(anyFramework(), nil, name)
		if idToken {
			t.askIn(request, nil).delivered(name)
		} else {
			t.askIn(nil, request).delivered(name)
		}
	}
}

func configuredRequests(t *trial) {
	if len(t.profile.ClaimsRequests) == 0 {
		t.skip("the profile has no claims_requests")
	}
	for _, text := range t.profile.ClaimsRequests {
		var parameter map[string]object
		if err := json.Unmarshal(text, &parameter); err != nil {
			t.fatal("claims_requests has an element that is not a claims parameter: %v", err)
		}
		f := t.askIn(parameter["id_token"][verifiedClaims], parameter["userinfo"][verifiedClaims])
		f.params.Set("claims", string(text))
		idToken, userinfo := f.answers()
		for where, place := range f.places(idToken, userinfo) {
			if place.request != nil && !slices.ContainsFunc(place.elements, func(e element) bool { return len(e.claims) > 0 }) {
				t.fail("%s does not have the verified claims of the configured request %s", where, short(string(text)))
			}
		}
	}
}

// sampleAgain asks for what the provider said before, with each of its values as the wanted one.
func sampleAgain(t *trial) {
	for _, e := range t.sample() {
		verification := object{}
		for name, value := range e.verification {
			verification[name] = object{"value": value}
		}
		names := slices.DeleteFunc(sortedNames(e.claims), func(name string) bool { return strings.Contains(name, "#") })
		_, again := t.ask(wanting(verification, nil, names...)).answers()
		for _, name := range names {
			if !slices.ContainsFunc(again, func(other element) bool { return compact(other.claims[name]) == compact(e.claims[name]) }) {
				t.fail("userinfo has not the %s again that it had before, verified in the same way", name)
			}
		}
	}
}

func notAnnounced(t *trial) {
	name, _ := t.first()
	evidence := anyFramework()
	evidence["evidence"] = []any{object{"type": object{"value": "document"}, "document_details": object{"type": object{"value": inventedPrefix + "document"}}}}
	for _, request := range []object{
		wanting(object{"trust_framework": object{"value": inventedPrefix + "framework"}}, nil, name),
		wanting(evidence, nil, name),
		wanting(anyFramework(), nil, inventedClaim),
	} {
		t.ask(request).omittedOrRefused()
	}
}

// listOfRequests asks once for what there is and once for what there is not, and then for every framework.
func listOfRequests(t *trial) {
	name, e := t.first()
	known := wanting(object{"trust_framework": object{"value": e.verification["trust_framework"]}}, nil, name)
	unknown := wanting(object{"trust_framework": object{"value": inventedPrefix + "framework"}}, nil, name)
	t.ask([]any{unknown, known}).delivered(name)
	t.ask([]any{known}).delivered(name)
	t.ask([]any{unknown, unknown}).omitted()

	sample := t.sample()
	var all []any
	for _, e := range sample {
		all = append(all, wanting(object{"trust_framework": object{"value": e.verification["trust_framework"]}}, nil, sortedNames(e.claims)[:1]...))
	}
	idToken, userinfo := t.ask(all).answers()
	for where, elements := range map[string][]element{"the ID Token": idToken, "userinfo": userinfo} {
		for _, e := range sample {
			if !has(elements, sortedNames(e.claims)[0]) {
				t.fail("%s answers not each request of a list: %s is missing", where, sortedNames(e.claims)[0])
			}
		}
	}
}

func trustFramework(t *trial) {
	name, e := t.first()
	t.chooses(name, "trust_framework", e.verification["trust_framework"])
}

func assuranceLevel(t *trial) {
	name, e := t.first()
	if e.verification["assurance_level"] == nil {
		t.skip("the verification of the claim %s has no assurance_level", name)
	}
	t.chooses(name, "assurance_level", e.verification["assurance_level"])
}

// chooses asks with constraints that a member of the verification meets, and with others.
func (t *trial) chooses(name, member string, value any) {
	other := inventedPrefix + randomText(8, alphanumeric)
	with := func(constraint object) *assuredFlow {
		verification := anyFramework()
		verification[member] = constraint
		return t.ask(wanting(verification, nil, name))
	}
	with(object{"value": value}).delivered(name)
	with(object{"values": []any{other, value}}).delivered(name)
	with(object{"value": other}).omitted()
	with(object{"values": []any{other, other + "2"}}).omitted()
}

// maxVerificationAge takes any verification for older than a second, and none for older than two centuries.
func maxVerificationAge(t *trial) {
	name, e := t.first()
	if e.verification["time"] == nil {
		t.skip("the verification of the claim %s has no time", name)
	}
	with := func(seconds int) *assuredFlow {
		return t.ask(wanting(object{"trust_framework": nil, "time": object{"max_age": seconds}}, nil, name))
	}
	with(200 * 365 * 24 * 60 * 60).delivered(name)
	with(1).omitted()
}

// evidenceType asks for each announced type of evidence. At least one of them must be there.
func evidenceType(t *trial) {
	supported := t.metadata().list("evidence_supported")
	if len(supported) == 0 {
		t.skip("evidence_supported is not announced")
	}
	found := false
	for _, kind := range supported {
		_, userinfo := t.ask(wanting(withEvidence(kind), nil, t.assuredClaims()...)).answers()
		found = found || len(userinfo) > 0
	}
	if !found {
		t.fail("no verified claims come with evidence of the announced types %s", strings.Join(supported, ", "))
	}
	name, _ := t.first()
	t.ask(wanting(withEvidence(inventedPrefix+"evidence"), nil, name)).omittedOrRefused()
}

// withEvidence asks for all that is known of evidence of the type.
func withEvidence(kind string) object {
	entry := object{"type": object{"value": kind}}
	details := map[string]string{"document": "document_details", "electronic_record": "record", "vouch": "attestation"}
	if member := details[kind]; member != "" {
		entry[member] = object{"type": nil}
	}
	if kind == "document" {
		entry["check_details"] = []any{object{"check_method": nil}}
	}
	return object{"trust_framework": nil, "evidence": []any{entry}}
}

// omittedOrRefused is omitted for requests that may also be answered with invalid_request.
func (f *assuredFlow) omittedOrRefused() {
	f.judge(f.login(), refusal{redirect: []string{"invalid_request"}, page: true, success: func(code string) {
		tokens := f.goodTokens(f.redeem(code))
		idToken, userinfo := f.judged(tokens, f.get(tokens.access))
		if len(idToken)+len(userinfo) > 0 {
			f.t.fail("verified claims were delivered for %s", f.params.Get("claims"))
		}
	}})
}

func essentialVerification(t *trial) {
	name, e := t.first()
	t.ask(wanting(object{"trust_framework": object{"value": e.verification["trust_framework"], "essential": true}}, nil, name)).delivered(name)
	t.ask(wanting(object{"trust_framework": object{"value": inventedPrefix + "framework", "essential": true}}, object{"essential": true}, name)).omitted()
}

// minimum asks for one member of the verification after the other. That there is nothing else is part of judging every
// answer; here what was asked for must be there, too.
func minimum(t *trial) {
	name, e := t.first()
	for _, member := range sortedNames(e.verification) {
		verification := anyFramework()
		verification[member] = nil
		idToken, userinfo := t.ask(wanting(verification, nil, name)).delivered(name)
		for _, e := range slices.Concat(idToken, userinfo) {
			if _, ok := e.claims[name]; ok && e.verification[member] == nil {
				t.warn("the verification does not have %s, which was asked for and is known", member)
			}
		}
	}
}

// answerSchema asks for all claims, with and without evidence. That answers are as the schema says is part of judging
// every answer.
func answerSchema(t *trial) {
	verification := anyFramework()
	for _, name := range []string{"assurance_level", "time", "verification_process"} {
		verification[name] = nil
	}
	verification["assurance_process"] = object{"policy": nil, "procedure": nil, "assurance_details": nil}
	idToken, userinfo := t.ask(wanting(verification, nil, t.assuredClaims()...)).answers()
	if len(idToken) == 0 || len(userinfo) == 0 {
		t.fail("userinfo or the ID Token has no verified claims, though all were asked for")
	}
	for _, kind := range t.metadata().list("evidence_supported") {
		request := withEvidence(kind)
		maps.Copy(request, verification)
		t.ask(wanting(request, nil, t.assuredClaims()...)).answers()
	}
}

// verifiedLocales asks with preferred languages and with names that have a language. Judging the answer sees that the
// names have good language tags.
func verifiedLocales(t *trial) {
	name, _ := t.first()
	locales := t.metadata().list("claims_locales_supported")
	if len(locales) == 0 {
		locales = []string{"en", "fr-CA"}
	}
	f := t.ask(wanting(anyFramework(), nil, name))
	f.params.Set("claims_locales", strings.Join(locales, " "))
	for range 2 {
		idToken, userinfo := f.answers()
		for where, elements := range map[string][]element{"the ID Token": idToken, "userinfo": userinfo} {
			if !slices.ContainsFunc(elements, func(e element) bool { return hasInSomeLanguage(e.claims, name) }) {
				t.fail("%s does not have the verified claim %s in any language", where, name)
			}
		}
		f = t.ask(wanting(anyFramework(), nil, name, name+"#"+locales[0]))
	}
}

func hasInSomeLanguage(claims object, name string) bool {
	return slices.ContainsFunc(sortedNames(claims), func(other string) bool {
		base, _, _ := strings.Cut(other, "#")
		return base == name
	})
}

func malformed(t *trial) {
	name := t.assuredClaims()[0]
	claims := object{name: nil}
	for _, request := range []any{
		"everything",
		[]any{},
		object{"claims": claims},
		object{"verification": anyFramework()},
		object{"verification": object{}, "claims": claims},
		object{"verification": "urn:example:framework", "claims": claims},
		object{"verification": anyFramework(), "claims": object{}},
		object{"verification": anyFramework(), "claims": []any{name}},
		object{"verification": object{"trust_framework": nil, "evidence": []any{}}, "claims": claims},
		object{"verification": object{"trust_framework": nil, "time": object{"max_age": -1}}, "claims": claims},
	} {
		t.note("verified_claims: %s", compact(request))
		f := t.ask(request)
		f.judge(f.login(), refusal{redirect: []string{"invalid_request"}, page: true})
	}
}
