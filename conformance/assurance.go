package conformance

import (
	"encoding/json"
	"maps"
	"slices"
)

const (
	assuranceClause  = "OpenID Identity Assurance 1.0, 5"
	responseClause   = "OpenID Identity Assurance 1.0, 6"
	assuredMetadata  = "OpenID Identity Assurance 1.0, 7"
	verifiedClaims   = "verified_claims"
	ekyc             = "ekyc-server-"
	inventedPrefix   = "urn:example:invented:"
	inventedClaim    = "an_invented_claim"
	specialCharClaim = "https://example.com/a%20claim&of,characters"
)

// assuranceChecks are skipped as long as discovery says nothing of verified claims.
var assuranceChecks = []Check{
	{ID: ekyc + "happypath", Title: "A verified claim that is asked for with null is delivered", Clause: assuranceClause, run: assured(oneClaim(nil))},
	{ID: ekyc + "happypath-emptyobject", Title: "A verified claim that is asked for with {} is delivered", Clause: assuranceClause, run: assured(oneClaim(object{}))},
	{ID: ekyc + "happypath-essentialfalse", Title: "A verified claim that is not essential is delivered", Clause: assuranceClause, run: assured(oneClaim(object{"essential": false}))},
	{ID: "verified-claim-essential", Title: "A verified claim that is essential is delivered", Clause: assuranceClause, run: assured(oneClaim(object{"essential": true}))},
	{ID: ekyc + "unknown-claim-omitted", Title: "A claim that nobody knows is left out", Clause: responseClause, run: assured(unknownClaim(inventedClaim, nil))},
	{ID: ekyc + "unknown-essential-claim-omitted", Title: "A claim that nobody knows is left out, even if it is essential", Clause: responseClause, run: assured(unknownClaim(inventedClaim, object{"essential": true}))},
	{ID: ekyc + "unknown-claim-specialchars-omitted", Title: "A claim with odd characters that nobody knows is left out", Clause: responseClause, run: assured(unknownClaim(specialCharClaim, nil))},
	{ID: ekyc + "one-claim-with-random-value-omitted", Title: "A claim that has not the wanted value is left out", Clause: responseClause, run: assured(randomValue)},
	{ID: "verified-claim-value", Title: "A claim that has the wanted value, or one of the wanted values, is delivered", Clause: assuranceClause, run: assured(wantedValue)},
	{ID: ekyc + "request-only-in-idtoken", Title: "What is asked for in the ID Token is there, and not at userinfo", Clause: assuranceClause, run: assured(onlyIn(true))},
	{ID: ekyc + "request-only-in-userinfo", Title: "What is asked for at userinfo is there, and not in the ID Token", Clause: assuranceClause, run: assured(onlyIn(false))},
	{ID: ekyc + "testuserprovidedrequest", Title: "The configured requests are answered as they ask", Clause: assuranceClause, run: assured(configuredRequests)},
	{ID: ekyc + "testbasedonuserinfo-defaults", Title: "What the provider said of a verification, it says again to who wants just that", Clause: assuranceClause, run: assured(sampleAgain)},
	{ID: ekyc + "test-userinfo-notfoundinop", Title: "Frameworks, evidence and claims that are not announced are left out, or refused", Clause: responseClause, run: assured(notAnnounced)},
	{ID: "verified-claims-list", Title: "Of a list of requests each is answered by itself", Clause: assuranceClause, run: assured(listOfRequests)},
	{ID: "verified-claims-trust-framework", Title: "value and values of trust_framework choose among the verifications", Clause: assuranceClause, run: assured(trustFramework)},
	{ID: "verified-claims-assurance-level", Title: "value and values of assurance_level choose among the verifications", Clause: assuranceClause, run: assured(assuranceLevel)},
	{ID: "verified-claims-max-age", Title: "max_age leaves verifications out that are too old", Clause: assuranceClause, run: assured(maxVerificationAge)},
	{ID: "verified-claims-evidence", Title: "The type of the evidence chooses among the verifications", Clause: assuranceClause, run: assured(evidenceType)},
	{ID: "verified-claims-essential-verification", Title: "An essential demand that cannot be met is no error, and is not weakened", Clause: responseClause, run: assured(essentialVerification)},
	{ID: "verified-claims-minimum", Title: "Nothing is said of a verification but what was asked for", Clause: responseClause, run: assured(minimum)},
	{ID: "verified-claims-schema", Title: "Answers are as the schema says, at userinfo and in the ID Token", Clause: "OpenID Identity Assurance Schema Definition 1.0, 5", run: assured(answerSchema)},
	{ID: "verified-claims-locales", Title: "Verified claims come with language tags or without, whatever languages are preferred", Clause: "OpenID Connect Core 1.0, 5.2", run: assured(verifiedLocales)},
	{ID: "verified-claims-purpose", Title: "A purpose does no harm", Clause: assuranceClause, run: assured(oneClaim(object{"purpose": "to check the conformance of the provider"}))},
	{ID: "verified-claims-malformed", Title: "Malformed requests for verified claims are refused with invalid_request", Clause: assuranceClause, run: assured(malformed)},
}

// object is a JSON object.
type object = map[string]any

// assured returns a check that is skipped unless verified claims are announced.
func assured(run func(*trial)) func(*trial) {
	return func(t *trial) {
		if m := t.metadata(); !m.has("verified_claims_supported") && !m.has("trust_frameworks_supported") {
			t.skip("the discovery document has no verified_claims_supported")
		}
		run(t)
	}
}

// element is one verification and the claims that were verified so.
type element struct {
	verification, claims object
}

// assuredFlow is a flow that asks for verified claims in one place or in both. Nil asks for none.
type assuredFlow struct {
	*flow
	idToken, userinfo any
}

// ask returns a flow of the first client that asks for the same in both places.
func (t *trial) ask(request any) *assuredFlow {
	return t.askIn(request, request)
}

func (t *trial) askIn(idToken, userinfo any) *assuredFlow {
	f := &assuredFlow{t.flow(1), idToken, userinfo}
	f.params.Set("claims", t.claimsParameter(idToken, userinfo))
	return f
}

// claimsParameter asks for verified claims in one place or in both.
func (t *trial) claimsParameter(idToken, userinfo any) string {
	parameter := object{}
	for place, request := range map[string]any{"id_token": idToken, "userinfo": userinfo} {
		if request != nil {
			parameter[place] = object{verifiedClaims: request}
		}
	}
	text, err := json.Marshal(parameter)
	if err != nil {
		t.fatal("%v", err)
	}
	return string(text)
}

func wanting(verification object, asked any, names ...string) object {
	claims := object{}
	for _, name := range names {
		claims[name] = asked
	}
	return object{"verification": verification, "claims": claims}
}

func anyFramework() object { return object{"trust_framework": nil} }

// answers runs the flow and returns what is delivered in each place, after checking it against the request.
func (f *assuredFlow) answers() (idToken, userinfo []element) {
	tokens := f.tokens()
	return f.judged(tokens, f.get(tokens.access))
}

func (f *assuredFlow) judged(tokens *tokens, a *answer) (idToken, userinfo []element) {
	return f.t.verifiedIn("the ID Token", tokens.id, f.idToken), f.t.verifiedIn("userinfo", f.goodUserinfo(a, tokens), f.userinfo)
}

// delivered runs the flow and demands the claim in each place that it was asked for in.
func (f *assuredFlow) delivered(name string) (idToken, userinfo []element) {
	idToken, userinfo = f.answers()
	for where, place := range f.places(idToken, userinfo) {
		if place.request != nil && !has(place.elements, name) {
			f.t.fail("%s does not have the verified claim %s: %s", where, name, f.params.Get("claims"))
		}
	}
	return idToken, userinfo
}

// omitted runs the flow and demands that there is no verified claim in any place.
func (f *assuredFlow) omitted() {
	idToken, userinfo := f.answers()
	for where, place := range f.places(idToken, userinfo) {
		for _, e := range place.elements {
			if len(e.claims) > 0 {
				f.t.fail("%s should have no verified claims, and has %s", where, compact(e.claims))
			}
		}
	}
}

type place struct {
	request  any
	elements []element
}

func (f *assuredFlow) places(idToken, userinfo []element) map[string]place {
	return map[string]place{"the ID Token": {f.idToken, idToken}, "userinfo": {f.userinfo, userinfo}}
}

func has(elements []element, name string) bool {
	return slices.ContainsFunc(elements, func(e element) bool { _, ok := e.claims[name]; return ok })
}

// sample asks for all claims and for everything that every verification may have, and returns what the provider says at
// userinfo. The person must have something.
func (t *trial) sample() []element {
	verification := anyFramework()
	for _, name := range []string{"assurance_level", "time", "verification_process"} {
		verification[name] = nil
	}
	f := t.askIn(nil, wanting(verification, nil, t.assuredClaims()...))
	_, elements := f.answers()
	if len(elements) == 0 {
		t.fatal("userinfo has no verified_claims, though all were asked for: the person must have some")
	}
	return elements
}

// first returns the first of the announced claims that the person has, and how it was verified.
func (t *trial) first() (name string, e element) {
	sample := t.sample()
	for _, name := range t.assuredClaims() {
		for _, e := range sample {
			if _, ok := e.claims[name]; ok {
				return name, e
			}
		}
	}
	t.fatal("userinfo has none of the announced claims in verified_claims")
	return "", element{}
}

// assuredClaims are the announced claims.
func (t *trial) assuredClaims() []string {
	names := t.metadata().list("claims_in_verified_claims_supported")
	if len(names) == 0 {
		t.fatal("claims_in_verified_claims_supported is not an array of names")
	}
	return names
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return short(string(text))
}

func sortedNames(m object) []string { return slices.Sorted(maps.Keys(m)) }
