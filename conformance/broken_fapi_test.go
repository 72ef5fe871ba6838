package conformance_test

import (
	"net/http"
	"slices"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

func fapiDefects() []defect {
	const g, failed, warned = "fapi2-security", conformance.Failed, conformance.Warned
	shortNonce := idToken(func(m map[string]any) {
		if nonce, ok := m["nonce"].(string); ok && len(nonce) > 32 {
			m["nonce"] = nonce[:32]
		}
	})
	inventedNonce := idToken(func(m map[string]any) { m["nonce"] = "invented" })
	wrongDate := model.Tamper{Header: func(path string, h http.Header) {
		if path == "/userinfo" {
			h.Set("Date", "Thu, 01 Jan 1970 00:00:00 GMT")
		}
	}}
	return slices.Concat(
		breaks(g, model.TokenBound, failed, sp+"happy-flow", "token-is-bound-to-its-key"),
		breaks(g, model.DuplicatesTolerated, failed, sp+"happy-flow"),
		breaks(g, model.IssuerReturned, failed, sp+"happy-flow", "authorization-response-issuer"),
		breaks(g, model.Cancel, failed, sp+"user-rejects-authentication"),
		breaks(g, model.NoInventedState, failed, sp+"ensure-authorization-request-without-state-success"),
		tampers(g, "an invented nonce", inventedNonce, failed, sp+"ensure-authorization-request-without-nonce-success"),
		tampers(g, "a nonce cut short", shortNonce, failed, sp+"ensure-authorization-request-with-64-char-nonce-success", sp+"ensure-authorization-request-with-long-nonce"),
		breaks(g, model.LongState, warned, sp+"ensure-authorization-request-with-long-state"),
		breaks(g, model.ScopeOrder, failed, sp+"ensure-other-scope-order-succeeds"),
		tampers(g, "no birthdate", userinfo(func(m map[string]any) { delete(m, "birthdate") }), warned, sp+"test-claims-parameter-identity-claims"),
		breaks(g, model.SchemeCase, failed, sp+"access-token-type-header-case-sensitivity"),
		breaks(g, model.DuplicatesOptional, failed, sp+"par-without-duplicate-parameters"),
		breaks(g, model.OutsideIgnored, failed, "parameters-outside-the-pushed-request-are-not-used",
			sp+"ensure-different-state-inside-and-outside-request-object", sp+"ensure-different-nonce-inside-and-outside-request-object",
			sp+"state-only-outside-request-object-not-used"),
		breaks(g, model.RedirectErrorCode, failed, sp+"plain-fapi-tolerate-unregistered-redirect-uri", sp+"ensure-redirect-uri-in-authorization-request"),
		breaks(g, model.RequestURIReopens, warned, sp+"par-ensure-reused-request-uri-prior-to-auth-completion-succeeds"),
		breaks(g, model.ProofAtPAR, failed, sp+"ensure-dpopproof-at-par-endpoint-binding-success", sp+"ensure-dpop-auth-code-binding-success"),
		breaks(g, model.ProofExpiry, failed, sp+"check-dpop-proof-nbf-exp"),
		breaks(g, model.ProofSkew, failed, sp+"ensure-dpopproof-with-iat-10seconds-before-succeeds", sp+"ensure-dpopproof-with-iat-10seconds-after-succeeds"),
		breaks(g, model.AssertionSkew, warned, sp+"par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted"),

		breaks(g, model.RequestURIUnguessable, failed, "par-response"),
		breaks(g, model.PARCreated, failed, "par-response"),
		tampers(g, "expires_in of an instant", model.Tamper{Push: func(m map[string]any) { m["expires_in"] = 1 }}, failed, "par-response"),
		breaks(g, model.ResponseTypeCode, failed, "par-error-response", sp+"ensure-response-type-code-idtoken-fails", sp+"ensure-response-type-token-fails"),
		breaks(g, model.PARPostOnly, failed, sp+"par-attempt-invalid-http-method"),
		breaks(g, model.NoRequestURIAtPAR, failed, sp+"par-authorization-request-containing-request_uri-form-param"),
		breaks(g, model.RequestURIOnce, warned, sp+"par-attempt-reuse-request_uri"),
		breaks(g, model.RequestURIExpires, failed, sp+"par-attempt-to-use-expired-request_uri"),
		breaks(g, model.RequestURIBoundToClient, failed, sp+"par-attempt-to-use-request_uri-for-different-client"),
		breaks(g, model.MismatchRefused, failed, sp+"ensure-mismatched-dpop-jkt-fails"),

		breaks(g, model.CodeBoundToClient, failed, sp+"ensure-authorization-code-is-bound-to-client"),
		breaks(g, model.CodeOnce, failed, sp+"attempt-reuse-authorization-code-after-one-second"),
		breaks(g, model.CodeReplayRevokes, warned, sp+"attempt-reuse-authorization-code-after-one-second"),
		breaks(g, model.CodeExpires, failed, sp+"ensure-token-endpoint-fails-with-expired-auth-code"),
		breaks(g, model.PKCEVerifierRequired, failed, sp+"ensure-pkce-code-verifier-required"),
		breaks(g, model.PKCEErrorCode, failed, sp+"ensure-pkce-code-verifier-required"),
		breaks(g, model.PKCEVerifier, failed, sp+"incorrect-pkce-code-verifier-rejected"),
		breaks(g, model.CodeSurvivesMistakes, warned, "refused-token-requests-do-not-burn-the-code"),
		breaks(g, model.CodeBoundToRedirectURI, failed, "code-redirect-uri-mismatch-fails"),

		breaks(g, model.PARRequired, failed, sp+"ensure-unsigned-authorization-request-without-using-par-fails"),
		breaks(g, model.PKCERequired, failed, sp+"par-ensure-pkce-required"),
		breaks(g, model.PKCES256, failed, sp+"par-plain-pkce-rejected"),
		breaks(g, model.RedirectURIRequired, failed, sp+"ensure-request-object-without-redirect-uri-fails"),

		breaks(g, model.AssertionAudienceString, failed, sp+"par-test-array-as-audience-fails"),
		breaks(g, model.AssertionAudienceIssuer, failed, sp+"par-test-par-endpoint-url-as-audience-fails", sp+"par-test-token-endpoint-url-as-audience-fails"),
		breaks(g, model.AssertionNotBefore, failed, sp+"par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails"),
		breaks(g, model.AssertionRequired, failed, "par-client-assertion-is-required", sp+"ensure-client-assertion-in-token-endpoint"),
		breaks(g, model.AssertionSignature, failed, "par-client-assertion-signature", "client-assertion-with-alg-none-fails"),
		breaks(g, model.AssertionExpiry, failed, "par-client-assertion-claims", sp+"ensure-client-assertion-with-exp-is-5-minutes-in-past-fails"),
		breaks(g, model.AssertionIssuer, failed, "par-client-assertion-claims"),
		breaks(g, model.AssertionOnce, failed, "par-client-assertion-is-used-once", "client-assertion-is-used-once"),
		breaks(g, model.ClientIDMatches, failed, sp+"ensure-client-id-in-token-endpoint"),
		breaks(g, model.AssertionAudience, failed, sp+"ensure-client-assertion-with-wrong-aud-fails"),
		breaks(g, model.AssertionSubject, failed, sp+"ensure-client-assertion-with-no-sub-fails"),
		breaks(g, model.AssertionAlgorithm, failed, sp+"ensure-signed-client-assertion-with-RS256-fails"),

		breaks(g, model.InteractionIDEcho, failed, "resource-answer"),
		tampers(g, "a wrong Date", wrongDate, failed, "resource-answer"),
		breaks(g, model.NoQueryToken, failed, "resource-refuses-token-in-query"),
	)
}

// withNonces breaks a rule of a provider that demands nonces.
func withNonces(rule model.Rule, want conformance.Status, checks ...string) []defect {
	all := breaks("fapi2-security", rule, want, checks...)
	for i := range all {
		all[i].config.Nonces = true
	}
	return all
}

func dpopDefects() []defect {
	const g, failed, warned = "fapi2-security", conformance.Failed, conformance.Warned
	const proofs = sp + "dpop-negative-tests/"
	return slices.Concat(
		breaks(g, model.ProofRequired, failed, sp+"ensure-holder-of-key-required"),
		breaks(g, model.CodeBoundToProof, failed, sp+"ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt"),
		breaks(g, model.CodeBoundToThumbprint, failed, sp+"ensure-token-endpoint-fails-with-mismatched-dpop-jkt"),
		breaks(g, model.ProofOnce, failed, "token-proof-is-used-once"),
		breaks(g, model.ProofOnce, warned, proofs+"jti-reused"),
		breaks(g, model.ProofSignature, failed, proofs+"not-a-jwt", proofs+"alg-missing", proofs+"alg-none", proofs+"broken-signature"),
		breaks(g, model.ProofTyp, failed, proofs+"typ-missing", proofs+"wrong-typ"),
		breaks(g, model.ProofKey, failed, proofs+"jwk-missing"),
		breaks(g, model.ProofJTI, failed, proofs+"jti-missing"),
		breaks(g, model.ProofMethod, failed, proofs+"htm-missing", proofs+"wrong-htm"),
		breaks(g, model.ProofURL, failed, proofs+"htu-missing", proofs+"wrong-htu"),
		breaks(g, model.ProofTimePresent, failed, proofs+"iat-missing"),
		breaks(g, model.ProofHashPresent, failed, proofs+"ath-missing"),
		breaks(g, model.ProofHash, failed, proofs+"wrong-ath"),
		breaks(g, model.ProofPrivateKey, failed, proofs+"private-key"),
		breaks(g, model.ProofAlgorithm, failed, proofs+"signed-rs256"),
		breaks(g, model.TokenBound, failed, proofs+"another-key"),
		breaks(g, model.ProofSingle, failed, proofs+"two-proofs"),
		breaks(g, model.NoProofIsRefused, failed, proofs+"proof-missing"),
		breaks(g, model.NoBearer, failed, proofs+"as-bearer"),
		breaks(g, model.ProofTime, failed, proofs+"iat-one-hour-ahead", proofs+"iat-one-hour-ago"),
		breaks(g, model.ProofURLQuery, failed, proofs+"htu-with-query-and-fragment"),
		breaks(g, model.ProofUnknownMembers, failed, proofs+"unknown-members"),
		breaks(g, model.ProofURLNormal, warned, proofs+"htu-in-capitals", proofs+"htu-with-default-port"),
		breaks(g, model.ProofURLWithout, failed, proofs+"htu-without-query"),

		withNonces(model.NonceSyntax, failed, "dpop-nonce-syntax"),
		withNonces(model.TokenErrorStatus, failed, "dpop-nonce-at-the-token-endpoint"),
		withNonces(model.NonceKeepsAssertion, failed, "dpop-nonce-does-not-spend-the-assertion"),
		withNonces(model.NonceChallenge, failed, "dpop-nonce-at-the-resource"),
		withNonces(model.NonceShowsAge, conformance.Warned, proofs+"iat-one-hour-ahead", proofs+"iat-one-hour-ago"),
		withNonces(model.NonceNotForMissing, failed, sp+"ensure-holder-of-key-required"),
	)
}

func signingDefects() []defect {
	const g, failed, warned = "fapi2-message-signing", conformance.Failed, conformance.Warned
	const jarm = "fapi2-message-signing-jarm"
	return slices.Concat(
		breaks(g, model.ObjectTypCase, failed, sp+"happy-flow"),
		breaks(g, model.ObjectAudiences, failed, sp+"ensure-request-object-with-multiple-aud-succeeds"),
		breaks(g, model.ObjectSkew, warned, sp+"ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted"),
		breaks(g, model.ObjectRequired, failed, sp+"ensure-unsigned-request-at-par-endpoint-fails"),
		breaks(g, model.ObjectExpPresent, failed, sp+"ensure-request-object-without-exp-fails"),
		breaks(g, model.ObjectNbfPresent, failed, sp+"ensure-request-object-without-nbf-fails"),
		breaks(g, model.ObjectExpiry, failed, sp+"ensure-expired-request-object-fails"),
		breaks(g, model.ObjectAudience, failed, sp+"ensure-request-object-with-bad-aud-fails"),
		breaks(g, model.ObjectExpNear, failed, sp+"ensure-request-object-with-exp-over-60-fails"),
		breaks(g, model.ObjectNbfNear, failed, sp+"ensure-request-object-with-nbf-over-60-fails"),
		breaks(g, model.ObjectAlgorithm, failed, sp+"ensure-signed-request-object-with-RS256-fails", sp+"ensure-request-object-signature-algorithm-is-not-none"),
		breaks(g, model.ObjectSignature, failed, sp+"ensure-request-object-with-invalid-signature-fails"),
		breaks(g, model.ObjectKey, failed, sp+"ensure-matching-key-in-authorization-request"),
		breaks(g, model.ObjectRequestURI, failed, sp+"par-authorization-request-containing-request_uri"),
		breaks(g, model.ObjectIssuer, failed, "request-object-of-another-client-fails"),

		breaks(jarm, model.JARMSigned, failed, "jarm-response"),
		breaks(jarm, model.JARMLifetime, failed, "jarm-response"),
		breaks(jarm, model.JARMAlone, failed, "jarm-response"),
		breaks(jarm, model.JARMForTheClient, failed, "jarm-response"),
		breaks(jarm, model.StateReturned, failed, "jarm-response"),
		breaks(jarm, model.JARMErrors, failed, "jarm-error-response"),
		member(jarm, "authorization_signing_alg_values_supported", []any{"PS256"}, failed, "jarm-algorithm"),
	)
}

func refreshDefects() []defect {
	const g, failed = "fapi2-security", conformance.Failed
	refresh := func(all []defect, rotate bool) []defect {
		for i := range all {
			all[i].config.RefreshTokens, all[i].config.RotateRefreshTokens = true, rotate
		}
		return all
	}
	return slices.Concat(
		refresh(member(g, "grant_types_supported", []any{"authorization_code"}, conformance.Warned, "refresh-token/metadata"), false),
		refresh(breaks(g, model.RefreshAnyKey, failed, "refresh-token/success"), false),
		refresh(breaks(g, model.RefreshKeepsSubject, failed, "refresh-token/success"), false),
		refresh(breaks(g, model.ReplacedRefreshWorks, failed, "refresh-token/replaced-token-still-works"), true),
		refresh(breaks(g, model.AssertionRequired, failed, "refresh-token/without-client-authentication"), false),
		refresh(breaks(g, model.ProofRequired, failed, "refresh-token/without-proof"), false),
		refresh(breaks(g, model.RefreshBoundToClient, failed, "refresh-token/of-another-client"), false),
	)
}
