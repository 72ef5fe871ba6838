package model

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

func (p *Provider) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	strong := []any{"PS256", "ES256", "EdDSA"}
	all := append([]any{"RS256"}, strong...)
	m := map[string]any{
		"issuer":                                           p.Issuer,
		"authorization_endpoint":                           p.Issuer + "/authorize",
		"token_endpoint":                                   p.Issuer + "/token",
		"userinfo_endpoint":                                p.Issuer + "/userinfo",
		"jwks_uri":                                         p.Issuer + "/jwks",
		"pushed_authorization_request_endpoint":            p.Issuer + "/par",
		"end_session_endpoint":                             p.Issuer + "/logout",
		"scopes_supported":                                 []any{"openid", "profile", "email", "address", "phone"},
		"claims_supported":                                 []any{"sub", "name", "given_name", "family_name", "birthdate", "updated_at", "email", "email_verified", "address", "phone_number", "phone_number_verified"},
		"response_types_supported":                         []any{"code"},
		"response_modes_supported":                         []any{"query", "form_post", "jwt"},
		"grant_types_supported":                            p.grantTypes(),
		"subject_types_supported":                          []any{"public"},
		"id_token_signing_alg_values_supported":            []any{"RS256", "ES256"},
		"token_endpoint_auth_methods_supported":            []any{"private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": all,
		"request_object_signing_alg_values_supported":      all,
		"authorization_signing_alg_values_supported":       []any{"RS256", "ES256"},
		"dpop_signing_alg_values_supported":                strong,
		"code_challenge_methods_supported":                 []any{"S256"},
		"claims_parameter_supported":                       true,
		"request_parameter_supported":                      false,
		"request_uri_parameter_supported":                  false,
		"authorization_response_iss_parameter_supported":   true,
		"require_pushed_authorization_requests":            false,
		"acr_values_supported":                             []any{"urn:example:password"},
		"ui_locales_supported":                             []any{"en", "fr-CA"},
		"frontchannel_logout_supported":                    true,
		"frontchannel_logout_session_supported":            true,
		"backchannel_logout_supported":                     true,
		"backchannel_logout_session_supported":             true,
	}
	if p.Assurance {
		maps.Copy(m, assuranceMetadata)
	}
	if p.Tamper.Metadata != nil {
		p.Tamper.Metadata(m)
	}
	writeJSON(w, http.StatusOK, m)
}

func (p *Provider) grantTypes() []any {
	types := []any{"authorization_code"}
	if p.RefreshTokens {
		types = append(types, "refresh_token")
	}
	return types
}

func (p *Provider) serveKeys(w http.ResponseWriter, _ *http.Request) {
	var keys []map[string]any
	for _, key := range slices.Backward(p.Keys) {
		var members map[string]any
		public := key.Public()
		public.Use = "sig"
		raw, err := json.Marshal(public)
		if err != nil {
			panic(err)
		}
		if err := json.Unmarshal(raw, &members); err != nil {
			panic(err)
		}
		keys = append(keys, members)
	}
	if p.Tamper.Keys != nil {
		keys = p.Tamper.Keys(keys)
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": keys})
}
