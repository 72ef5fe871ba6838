package conformance

import (
	"maps"
	"regexp"
	"slices"
)

const fapiClause = "FAPI 2.0 Security Profile, 5.3.2"

// fapiDiscoveryChecks are the rows of fapi2-security-profile-final-discovery-end-point-verification.
var fapiDiscoveryChecks = append(slices.Clone(commonDiscoveryChecks), []Check{
	{ID: "discovery-unknown-members", Title: "All members are registered ones", Clause: metadataClause, run: discoveryUnknownMembers},
	{ID: "discovery-response-types", Title: "response_types_supported has code", Clause: fapiClause, run: func(t *trial) {
		t.listed("response_types_supported", "code")
	}},
	{ID: "discovery-iss-parameter", Title: "authorization_response_iss_parameter_supported is true", Clause: "RFC 9207, 3", only: onlyPlain, run: func(t *trial) {
		if t.metadata().raw["authorization_response_iss_parameter_supported"] != true {
			t.fail("authorization_response_iss_parameter_supported is not true")
		}
	}},
	{ID: "discovery-par-endpoint", Title: "There is a pushed authorization request endpoint", Clause: "RFC 9126, 5", run: func(t *trial) {
		t.endpoint("pushed_authorization_request_endpoint")
	}},
	{ID: "discovery-require-par", Title: "require_pushed_authorization_requests is a boolean, if it is there", Clause: "RFC 9126, 5", run: func(t *trial) {
		if v, ok := t.metadata().raw["require_pushed_authorization_requests"]; ok {
			if _, isBool := v.(bool); !isBool {
				t.fail("require_pushed_authorization_requests is not a boolean: %v", v)
			}
		}
	}},
	{ID: "discovery-client-authentication", Title: "token_endpoint_auth_methods_supported has private_key_jwt or tls_client_auth", Clause: fapiClause, run: func(t *trial) {
		t.listed("token_endpoint_auth_methods_supported", "private_key_jwt", "tls_client_auth")
	}},
	{ID: "discovery-client-authentication-algorithms", Title: "token_endpoint_auth_signing_alg_values_supported has an algorithm of FAPI 2.0", Clause: "FAPI 2.0 Security Profile, 5.4.1", run: func(t *trial) {
		t.listed("token_endpoint_auth_signing_alg_values_supported", fapiAlgorithms...)
	}},
	{ID: "discovery-dpop-algorithms", Title: "dpop_signing_alg_values_supported has an algorithm of FAPI 2.0", Clause: "RFC 9449, 5.1", run: func(t *trial) {
		t.listed("dpop_signing_alg_values_supported", fapiAlgorithms...)
	}},
	{ID: "discovery-code-challenge-methods", Title: "code_challenge_methods_supported has S256", Clause: fapiClause, run: func(t *trial) {
		t.listed("code_challenge_methods_supported", "S256")
	}},
	{ID: "discovery-grant-types", Title: "grant_types_supported has authorization_code, if it is there", Clause: metadataClause, run: func(t *trial) {
		t.listedIfPresent("grant_types_supported", "authorization_code")
	}},
	{ID: "discovery-scopes", Title: "scopes_supported has scopes, openid among them with OpenID", Clause: "RFC 6749, 3.3", run: discoveryScopes},
	{ID: "discovery-id-token-algorithms", Title: "id_token_signing_alg_values_supported has an algorithm of FAPI 2.0", Clause: "FAPI 2.0 Security Profile, 5.4.1", only: onlyOpenID, run: func(t *trial) {
		t.listed("id_token_signing_alg_values_supported", fapiAlgorithms...)
	}},
	{ID: "discovery-subject-types", Title: "subject_types_supported has public or pairwise", Clause: discoveryClause, only: onlyOpenID, run: subjectTypes},
	{ID: "discovery-userinfo-algorithms", Title: "userinfo_signing_alg_values_supported has an algorithm of FAPI 2.0, if it is there", Clause: "FAPI 2.0 Security Profile, 5.4.1", only: onlyOpenID, run: func(t *trial) {
		t.listedIfPresent("userinfo_signing_alg_values_supported", fapiAlgorithms...)
	}},
	{ID: "discovery-request-object-algorithms", Title: "request_object_signing_alg_values_supported has an algorithm of FAPI 2.0", Clause: "FAPI 2.0 Message Signing, 5.3", only: onlySigned, run: func(t *trial) {
		t.listed("request_object_signing_alg_values_supported", fapiAlgorithms...)
	}},
	{ID: "discovery-response-modes", Title: "response_modes_supported has jwt", Clause: "JARM, 4", only: onlyJARM, run: func(t *trial) {
		t.listed("response_modes_supported", "jwt")
	}},
	{ID: "discovery-authorization-algorithms", Title: "authorization_signing_alg_values_supported and its companions are arrays", Clause: "JARM, 4", only: onlyJARM, run: func(t *trial) {
		t.listed("authorization_signing_alg_values_supported", fapiAlgorithms...)
		t.arrayIfPresent("authorization_encryption_alg_values_supported")
		t.arrayIfPresent("authorization_encryption_enc_values_supported")
	}},
}...)

var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`)

func discoveryScopes(t *trial) {
	m := t.metadata()
	t.arrayIfPresent("scopes_supported")
	for _, scope := range m.list("scopes_supported") {
		if !scopeToken.MatchString(scope) {
			t.fail("scopes_supported has %q, which is not a scope", scope)
		}
	}
	if t.plan.openid {
		t.listed("scopes_supported", "openid")
	}
}

func discoveryUnknownMembers(t *trial) {
	for _, name := range slices.Sorted(maps.Keys(t.metadata().raw)) {
		if !slices.Contains(knownMembers, name) {
			t.warn("the member %s is not a known one", name)
		}
	}
}

// knownMembers are the members that the suite knows: those registered with IANA, and those of Identity Assurance.
var knownMembers = []string{
	"issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint",
	"scopes_supported", "response_types_supported", "response_modes_supported", "grant_types_supported",
	"acr_values_supported", "subject_types_supported", "id_token_signing_alg_values_supported",
	"id_token_encryption_alg_values_supported", "id_token_encryption_enc_values_supported",
	"userinfo_signing_alg_values_supported", "userinfo_encryption_alg_values_supported",
	"userinfo_encryption_enc_values_supported", "request_object_signing_alg_values_supported",
	"request_object_encryption_alg_values_supported", "request_object_encryption_enc_values_supported",
	"token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported",
	"display_values_supported", "claim_types_supported", "claims_supported", "service_documentation",
	"claims_locales_supported", "ui_locales_supported", "claims_parameter_supported", "request_parameter_supported",
	"request_uri_parameter_supported", "require_request_uri_registration", "op_policy_uri", "op_tos_uri",
	"revocation_endpoint", "revocation_endpoint_auth_methods_supported",
	"revocation_endpoint_auth_signing_alg_values_supported", "introspection_endpoint",
	"introspection_endpoint_auth_methods_supported", "introspection_endpoint_auth_signing_alg_values_supported",
	"introspection_signing_alg_values_supported", "introspection_encryption_alg_values_supported",
	"introspection_encryption_enc_values_supported", "code_challenge_methods_supported", "signed_metadata",
	"device_authorization_endpoint", "tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases",
	"require_signed_request_object", "pushed_authorization_request_endpoint", "require_pushed_authorization_requests",
	"authorization_response_iss_parameter_supported", "dpop_signing_alg_values_supported",
	"authorization_signing_alg_values_supported", "authorization_encryption_alg_values_supported",
	"authorization_encryption_enc_values_supported", "authorization_details_types_supported",
	"backchannel_token_delivery_modes_supported", "backchannel_authentication_endpoint",
	"backchannel_authentication_request_signing_alg_values_supported", "backchannel_user_code_parameter_supported",
	"check_session_iframe", "end_session_endpoint", "frontchannel_logout_supported",
	"frontchannel_logout_session_supported", "backchannel_logout_supported", "backchannel_logout_session_supported",
	"prompt_values_supported", "trust_frameworks_supported", "evidence_supported", "documents_supported",
	"documents_methods_supported", "documents_check_methods_supported", "electronic_records_supported",
	"claims_in_verified_claims_supported", "attachments_supported", "protected_resources", "verified_claims_supported",
}
