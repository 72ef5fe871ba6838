package conformance_test

import (
	"slices"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

const (
	ida  = "identity-assurance"
	ekyc = "ekyc-server-"
)

// said changes an element of verified_claims.
func said(name string, change func(verification, claims map[string]any), checks ...string) []defect {
	tamper := model.Tamper{Verified: func(element map[string]any) {
		change(element["verification"].(map[string]any), element["claims"].(map[string]any))
	}}
	return tampers(ida, name, tamper, conformance.Failed, checks...)
}

func assuranceDefects() []defect {
	const failed, warned = conformance.Failed, conformance.Warned
	put := func(name string, value any) func(verification, _ map[string]any) {
		return func(verification, _ map[string]any) { verification[name] = value }
	}
	evidence := func(entry map[string]any) func(verification, _ map[string]any) {
		return put("evidence", []any{entry})
	}
	claim := func(name string, value any) func(_, claims map[string]any) {
		return func(_, claims map[string]any) { claims[name] = value }
	}
	everyAnswer := []string{ekyc + "happypath", "verified-claims-schema"}
	return slices.Concat(
		member(ida, "verified_claims_supported", false, failed, "discovery-verified-claims"),
		member(ida, "claims_parameter_supported", nil, failed, "discovery-verified-claims"),
		member(ida, "claims_supported", nil, failed, "discovery-verified-claims"),
		member(ida, "trust_frameworks_supported", []any{}, failed, "discovery-trust-frameworks"),
		member(ida, "claims_in_verified_claims_supported", nil, failed, "discovery-claims-in-verified-claims"),
		member(ida, "evidence_supported", []any{"bill"}, failed, "discovery-evidence"),
		member(ida, "documents_supported", nil, failed, "discovery-evidence"),
		member(ida, "electronic_records_supported", []any{}, failed, "discovery-evidence"),
		member(ida, "documents_check_methods_supported", "vpip", failed, "discovery-evidence"),

		breaks(ida, model.VerifiedUserinfo, failed, everyAnswer...),
		breaks(ida, model.VerifiedIDToken, failed, ekyc+"happypath", ekyc+"request-only-in-idtoken"),
		breaks(ida, model.VerifiedPlain, failed, ekyc+"happypath-emptyobject", ekyc+"happypath-essentialfalse", "verified-claim-essential"),
		breaks(ida, model.VerifiedUnknown, failed, ekyc+"unknown-claim-omitted", ekyc+"unknown-claim-specialchars-omitted"),
		breaks(ida, model.VerifiedEssential, failed, ekyc+"unknown-essential-claim-omitted", "verified-claims-essential-verification"),
		breaks(ida, model.VerifiedNotWeakened, failed, "verified-claims-essential-verification"),
		breaks(ida, model.VerifiedValue, failed, ekyc+"one-claim-with-random-value-omitted", "verified-claim-value"),
		breaks(ida, model.VerifiedFound, failed, "verified-claim-value"),
		breaks(ida, model.VerifiedOnlyThere, failed, ekyc+"request-only-in-idtoken", ekyc+"request-only-in-userinfo"),
		breaks(ida, model.VerifiedUserinfo, failed, ekyc+"testuserprovidedrequest", ekyc+"request-only-in-userinfo"),
		breaks(ida, model.VerifiedMinimum, failed, ekyc+"testuserprovidedrequest", "verified-claims-minimum", ekyc+"happypath"),
		breaks(ida, model.VerifiedFramework, failed, ekyc+"test-userinfo-notfoundinop", "verified-claims-trust-framework", "verified-claims-list"),
		breaks(ida, model.VerifiedEvidence, failed, "verified-claims-evidence"),
		breaks(ida, model.VerifiedList, failed, "verified-claims-list"),
		breaks(ida, model.VerifiedLevel, failed, "verified-claims-assurance-level"),
		breaks(ida, model.VerifiedAge, failed, "verified-claims-max-age"),
		breaks(ida, model.VerifiedForm, failed, "verified-claims-malformed"),
		breaks(ida, model.VerifiedLocales, failed, "verified-claims-locales"),
		breaks(ida, model.VerifiedPurpose, failed, "verified-claims-purpose"),
		member(ida, "evidence_supported", []any{"vouch"}, failed, "verified-claims-evidence"),

		said("a birthdate that is none", claim("birthdate", "10.12.1915"), ekyc+"testbasedonuserinfo-defaults", "verified-claims-schema"),
		said("a claim that nobody asked for", claim("gender", "female"), ekyc+"happypath"),
		said("a claim of another language that is none", claim("given_name#not a tag", "Ada"), ekyc+"happypath"),
		said("an unknown framework", put("trust_framework", "urn:example:unknown"), everyAnswer...),
		said("no framework", func(v, _ map[string]any) { delete(v, "trust_framework") }, everyAnswer...),
		said("a time without seconds", put("time", "1999-05-04T09:30Z"), "verified-claims-schema"),
		said("empty evidence", put("evidence", []any{}), "verified-claims-schema"),
		said("unknown evidence", evidence(map[string]any{"type": "bill"}), "verified-claims-schema"),
		said("evidence that is not announced", evidence(map[string]any{"type": "vouch"}), "verified-claims-evidence"),
		said("a check without a method", evidence(map[string]any{"type": "document", "check_details": []any{map[string]any{"txn": "1"}}}), "verified-claims-schema"),
		said("a document that is not announced", evidence(map[string]any{"type": "document", "document_details": map[string]any{"type": "passport"}}), "verified-claims-schema"),
		tampers(ida, "verified_claims without claims", userinfo(func(m map[string]any) {
			if e, ok := m["verified_claims"].(map[string]any); ok {
				delete(e, "claims")
			}
		}), failed, everyAnswer...),
		tampers(ida, "verified_claims as text", userinfo(func(m map[string]any) { m["verified_claims"] = "yes" }), failed, everyAnswer...),
		tampers(ida, "a level on and off", model.Tamper{Verified: toggles("assurance_level")}, warned, "verified-claims-minimum"),
	)
}

// toggles leaves a member out of every element but those in which everything was asked for.
func toggles(name string) func(map[string]any) {
	return func(element map[string]any) {
		if verification := element["verification"].(map[string]any); verification["time"] == nil {
			delete(verification, name)
		}
	}
}

func encryptionDefects() []defect {
	var all []defect
	for _, c := range encrypted(ida) {
		check := "userinfo-encrypted-" + string(c.UserinfoEncryptionAlg) + "-" + string(c.UserinfoEncryptionEnc)
		for _, rule := range []model.Rule{
			model.UserinfoEncrypted, model.UserinfoEncryptionKey, model.UserinfoEncryptionAs, model.UserinfoSignedInside,
			model.UserinfoContentType, model.VerifiedUserinfo,
		} {
			all = append(all, breaks(ida, rule, conformance.Failed, check)...)
		}
		another := userinfo(func(m map[string]any) { m["sub"] = "another" })
		all = append(all, tampers(ida, "another sub in it", another, conformance.Failed, check)...)
	}
	return all
}
