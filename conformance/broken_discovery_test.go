package conformance_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

// member has the discovery document say something else. Nil leaves the member out.
func member(group, name string, value any, want conformance.Status, check string) []defect {
	tamper := model.Tamper{Metadata: func(m map[string]any) {
		if value == nil {
			delete(m, name)
		} else {
			m[name] = value
		}
	}}
	return tampers(group, "discovery: "+name, tamper, want, check)
}

func keySet(change func([]map[string]any) []map[string]any) model.Tamper {
	return model.Tamper{Keys: change}
}

func discoveryDefects() []defect {
	const failed, warned = conformance.Failed, conformance.Warned
	plainText := model.Tamper{Header: func(path string, h http.Header) {
		if strings.HasPrefix(path, "/.well-known/") {
			h.Set("Content-Type", "text/plain")
		}
	}}
	privateKey := keySet(func(keys []map[string]any) []map[string]any { keys[0]["d"] = "AQAB"; return keys })
	sameKID := keySet(func(keys []map[string]any) []map[string]any { keys[0]["kid"] = keys[1]["kid"]; return keys })
	noKID := keySet(func(keys []map[string]any) []map[string]any { delete(keys[0], "kid"); return keys })
	unreadable := keySet(func(keys []map[string]any) []map[string]any {
		return append(keys, map[string]any{"kty": "EC", "kid": "x"})
	})
	noKeys := keySet(func([]map[string]any) []map[string]any { return []map[string]any{} })
	weak := keySet(func(keys []map[string]any) []map[string]any {
		for _, k := range keys {
			if k["kty"] == "RSA" {
				k["n"] = base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xd5", 128)))
			}
		}
		return keys
	})
	return slices.Concat(
		tampers("oidc-config", "text/plain", plainText, failed, "discovery-response"),
		member("oidc-config", "issuer", "https://another.example", failed, "discovery-issuer"),
		member("oidc-config", "issuer", issuer+"/", failed, "discovery-issuer"),
		member("oidc-config", "scopes_supported", "openid", failed, "discovery-member-types"),
		member("oidc-config", "claims_parameter_supported", "true", failed, "discovery-member-types"),
		member("oidc-config", "token_endpoint", 7, failed, "discovery-member-types"),
		member("oidc-config", "token_endpoint", "http://op.example/token", failed, "discovery-endpoints-https"),
		member("oidc-config", "jwks_uri", nil, failed, "discovery-required-endpoints"),
		member("oidc-config", "ui_locales_supported", []any{"no tag"}, failed, "discovery-locales"),
		member("oidc-config", "ui_locales_supported", []any{"EN-us"}, warned, "discovery-locales"),
		member("oidc-config", "response_types_supported", []any{"none"}, failed, "discovery-response-types"),
		member("oidc-config", "subject_types_supported", []any{"none"}, failed, "discovery-subject-types"),
		member("oidc-config", "id_token_signing_alg_values_supported", []any{"ES256"}, failed, "discovery-id-token-algorithms"),
		member("oidc-config", "userinfo_signing_alg_values_supported", "RS256", failed, "discovery-userinfo-algorithms"),
		member("oidc-config", "userinfo_endpoint", nil, warned, "discovery-userinfo-endpoint"),
		member("oidc-config", "scopes_supported", []any{"profile"}, failed, "discovery-scopes"),
		member("oidc-config", "scopes_supported", nil, warned, "discovery-scopes"),
		member("oidc-config", "claims_supported", nil, warned, "discovery-claims"),
		member("oidc-config", "grant_types_supported", []any{}, failed, "discovery-grant-types"),
		member("oidc-config", "request_object_signing_alg_values_supported", []any{"ES256"}, warned, "discovery-request-object-algorithms"),
		member("oidc-config", "code_challenge_methods_supported", []any{"S512"}, failed, "discovery-code-challenge-methods"),
		tampers("oidc-config", "a private key", privateKey, failed, "jwks-no-private-keys"),
		tampers("oidc-config", "one kid twice", sameKID, failed, "jwks-key-ids"),
		tampers("oidc-config", "no kid", noKID, failed, "jwks-key-ids"),
		tampers("oidc-config", "an unreadable key", unreadable, failed, "jwks-response"),
		tampers("oidc-config", "no keys", noKeys, failed, "jwks-response"),
		tampers("oidc-config", "a short key", weak, failed, "jwks-key-strength"),

		member("fapi2-security", "invented_member", true, warned, "discovery-unknown-members"),
		member("fapi2-security", "response_types_supported", []any{"id_token"}, failed, "discovery-response-types"),
		member("fapi2-security", "authorization_response_iss_parameter_supported", nil, failed, "discovery-iss-parameter"),
		member("fapi2-security", "pushed_authorization_request_endpoint", nil, failed, "discovery-par-endpoint"),
		member("fapi2-security", "require_pushed_authorization_requests", "yes", failed, "discovery-require-par"),
		member("fapi2-security", "token_endpoint_auth_methods_supported", []any{"client_secret_basic"}, failed, "discovery-client-authentication"),
		member("fapi2-security", "token_endpoint_auth_signing_alg_values_supported", []any{"RS256"}, failed, "discovery-client-authentication-algorithms"),
		member("fapi2-security", "dpop_signing_alg_values_supported", []any{"RS256"}, failed, "discovery-dpop-algorithms"),
		member("fapi2-security", "code_challenge_methods_supported", []any{"plain"}, failed, "discovery-code-challenge-methods"),
		member("fapi2-security", "grant_types_supported", []any{"implicit"}, failed, "discovery-grant-types"),
		member("fapi2-security", "scopes_supported", []any{"openid", "a scope"}, failed, "discovery-scopes"),
		member("fapi2-security", "scopes_supported", nil, failed, "discovery-scopes"),
		member("fapi2-security", "id_token_signing_alg_values_supported", []any{"RS256"}, failed, "discovery-id-token-algorithms"),
		member("fapi2-security", "subject_types_supported", nil, failed, "discovery-subject-types"),
		member("fapi2-security", "userinfo_signing_alg_values_supported", []any{"RS256"}, failed, "discovery-userinfo-algorithms"),
		member("fapi2-message-signing", "request_object_signing_alg_values_supported", []any{"RS256"}, failed, "discovery-request-object-algorithms"),
		member("fapi2-message-signing-jarm", "response_modes_supported", []any{"query"}, failed, "discovery-response-modes"),
		member("fapi2-message-signing-jarm", "authorization_signing_alg_values_supported", "ES256", failed, "discovery-authorization-algorithms"),
	)
}
