package oauth

import (
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// Metadata is the authorization server metadata of RFC 8414.
type Metadata struct {
	Issuer                                     string                    `json:"issuer"`
	AuthorizationEndpoint                      string                    `json:"authorization_endpoint"`
	TokenEndpoint                              string                    `json:"token_endpoint"`
	JWKSURI                                    string                    `json:"jwks_uri,omitempty"`
	IntrospectionEndpoint                      string                    `json:"introspection_endpoint,omitempty"`
	RevocationEndpoint                         string                    `json:"revocation_endpoint,omitempty"`
	PushedAuthorizationRequestEndpoint         string                    `json:"pushed_authorization_request_endpoint,omitempty"`
	RequirePushedAuthorizationRequests         bool                      `json:"require_pushed_authorization_requests,omitempty"`
	DPoPSigningAlgs                            []jose.SignatureAlgorithm `json:"dpop_signing_alg_values_supported,omitempty"`
	RequestObjectSigningAlgs                   []jose.SignatureAlgorithm `json:"request_object_signing_alg_values_supported,omitempty"`
	RequestObjectEncryptionAlgs                []jose.KeyAlgorithm       `json:"request_object_encryption_alg_values_supported,omitempty"`
	RequestObjectEncryptionEncs                []jose.ContentEncryption  `json:"request_object_encryption_enc_values_supported,omitempty"`
	RequireSignedRequestObject                 bool                      `json:"require_signed_request_object,omitempty"`
	AuthorizationSigningAlgs                   []jose.SignatureAlgorithm `json:"authorization_signing_alg_values_supported,omitempty"`
	ScopesSupported                            []string                  `json:"scopes_supported,omitempty"`
	ResponseTypesSupported                     []string                  `json:"response_types_supported"`
	ResponseModesSupported                     []ResponseMode            `json:"response_modes_supported"`
	GrantTypesSupported                        []string                  `json:"grant_types_supported"`
	CodeChallengeMethodsSupported              []string                  `json:"code_challenge_methods_supported"`
	AuthorizationResponseIssParameterSupported bool                      `json:"authorization_response_iss_parameter_supported"`
	TokenEndpointAuthMethodsSupported          []string                  `json:"token_endpoint_auth_methods_supported"`
	TokenEndpointAuthSigningAlgs               []jose.SignatureAlgorithm `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionEndpointAuthMethodsSupported  []string                  `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	IntrospectionEndpointAuthSigningAlgs       []jose.SignatureAlgorithm `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	RevocationEndpointAuthMethodsSupported     []string                  `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	RevocationEndpointAuthSigningAlgs          []jose.SignatureAlgorithm `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
}

// Metadata returns what the server offers, truthfully.
func (s *Server) Metadata() Metadata {
	methods := []string{"private_key_jwt"}
	algorithms := slices.Clone(s.algorithms) // what is handed out must not be the allow-list itself
	m := Metadata{
		Issuer:                                     s.issuer,
		AuthorizationEndpoint:                      s.endpoints.Authorization,
		TokenEndpoint:                              s.endpoints.Token,
		JWKSURI:                                    s.endpoints.JWKS,
		PushedAuthorizationRequestEndpoint:         s.endpoints.PushedRequests,
		RequirePushedAuthorizationRequests:         s.requirePushed || s.serverProfile.fapi2(),
		RequestObjectSigningAlgs:                   algorithms,
		RequireSignedRequestObject:                 s.requireSigned,
		AuthorizationSigningAlgs:                   slices.Clone(s.responseAlgs),
		ScopesSupported:                            s.scopes,
		ResponseTypesSupported:                     []string{"code"},
		ResponseModesSupported:                     slices.Clone(responseModes),
		GrantTypesSupported:                        []string{"authorization_code"},
		CodeChallengeMethodsSupported:              []string{"S256"},
		AuthorizationResponseIssParameterSupported: true,
		TokenEndpointAuthMethodsSupported:          methods,
		TokenEndpointAuthSigningAlgs:               algorithms,
	}
	if s.decrypter != nil {
		m.RequestObjectEncryptionAlgs = slices.Clone(s.decryptionAlgs)
		m.RequestObjectEncryptionEncs = keystore.DecryptionEncodings()
	}
	if s.dpop != nil {
		m.DPoPSigningAlgs = s.dpop.Algorithms()
	}
	if s.endpoints.Introspection != "" {
		m.IntrospectionEndpoint = s.endpoints.Introspection
		m.IntrospectionEndpointAuthMethodsSupported = methods
		m.IntrospectionEndpointAuthSigningAlgs = algorithms
	}
	if s.endpoints.Revocation != "" {
		m.RevocationEndpoint = s.endpoints.Revocation
		m.RevocationEndpointAuthMethodsSupported = methods
		m.RevocationEndpointAuthSigningAlgs = algorithms
	}
	return m
}

// MetadataHandler serves the metadata (RFC 8414 section 3).
func (s *Server) MetadataHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allow(w, r, http.MethodGet, http.MethodHead) {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("Access-Control-Allow-Origin", "*") // public, and the same for everybody
		w.Write(s.metadata)
	})
}
