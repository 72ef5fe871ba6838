package oidc

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/oauth"
)

// Metadata is the discovery document: the authorization server metadata of RFC 8414 with the members of OpenID Connect
// Discovery 1.0.
type Metadata struct {
	oauth.Metadata
	UserinfoEndpoint             string                    `json:"userinfo_endpoint"`
	EndSessionEndpoint           string                    `json:"end_session_endpoint,omitempty"`
	SubjectTypesSupported        []string                  `json:"subject_types_supported"`
	IDTokenSigningAlgs           []jose.SignatureAlgorithm `json:"id_token_signing_alg_values_supported"`
	UserinfoSigningAlgs          []jose.SignatureAlgorithm `json:"userinfo_signing_alg_values_supported"`
	IDTokenEncryptionAlgs        []jose.KeyAlgorithm       `json:"id_token_encryption_alg_values_supported"`
	IDTokenEncryptionEncs        []jose.ContentEncryption  `json:"id_token_encryption_enc_values_supported"`
	UserinfoEncryptionAlgs       []jose.KeyAlgorithm       `json:"userinfo_encryption_alg_values_supported"`
	UserinfoEncryptionEncs       []jose.ContentEncryption  `json:"userinfo_encryption_enc_values_supported"`
	ACRValuesSupported           []string                  `json:"acr_values_supported,omitempty"`
	ClaimTypesSupported          []string                  `json:"claim_types_supported"`
	ClaimsSupported              []string                  `json:"claims_supported"`
	ClaimsLocalesSupported       []string                  `json:"claims_locales_supported,omitempty"`
	UILocalesSupported           []string                  `json:"ui_locales_supported,omitempty"`
	ClaimsParameterSupported     bool                      `json:"claims_parameter_supported"`
	RequestParameterSupported    bool                      `json:"request_parameter_supported"`
	RequestURIParameterSupported bool                      `json:"request_uri_parameter_supported"` // true if it is absent
	// VerifiedClaimsSupported and the members of Assurance are those of OpenID Identity Assurance.
	VerifiedClaimsSupported bool `json:"verified_claims_supported,omitempty"`
	Assurance
	BackchannelLogout        bool `json:"backchannel_logout_supported,omitempty"`
	BackchannelLogoutSession bool `json:"backchannel_logout_session_supported,omitempty"`
}

// Metadata adds to the metadata of the authorization server what the provider offers, truthfully. Issuer, JWKSURI and
// the provider's scopes are set in any case.
func (p *Provider) Metadata(server oauth.Metadata) Metadata {
	server.Issuer = p.config.Issuer
	server.JWKSURI = p.config.JWKSURI
	scopes := append([]string{ScopeOpenID}, slices.Sorted(maps.Keys(p.config.Scopes))...)
	server.ScopesSupported = append(scopes, server.ScopesSupported...)
	server.ScopesSupported = only(server.ScopesSupported, server.ScopesSupported)
	own := []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash"}
	if p.sessions() {
		own = append(own, "sid")
	}
	return Metadata{
		Metadata:                  server,
		UserinfoEndpoint:          p.config.UserinfoEndpoint,
		EndSessionEndpoint:        p.config.EndSessionEndpoint,
		SubjectTypesSupported:     []string{"pairwise"},
		IDTokenSigningAlgs:        p.config.Algorithms,
		UserinfoSigningAlgs:       p.config.Algorithms,
		IDTokenEncryptionAlgs:     oauth.KeyAlgorithms(),
		IDTokenEncryptionEncs:     oauth.ContentEncryptions(),
		UserinfoEncryptionAlgs:    oauth.KeyAlgorithms(),
		UserinfoEncryptionEncs:    oauth.ContentEncryptions(),
		ACRValuesSupported:        p.config.ACRValues,
		ClaimTypesSupported:       append([]string{"normal"}, p.config.ClaimSources...),
		ClaimsSupported:           append(own, p.places...),
		ClaimsLocalesSupported:    p.config.ClaimsLocales,
		UILocalesSupported:        p.config.UILocales,
		ClaimsParameterSupported:  true,
		RequestParameterSupported: len(server.RequestObjectSigningAlgs) > 0,
		VerifiedClaimsSupported:   p.assured(),
		Assurance:                 p.config.Assurance,
		BackchannelLogout:         p.sessions(),
		BackchannelLogoutSession:  p.sessions(),
	}
}

// DiscoveryHandler serves the discovery document, at .well-known/openid-configuration under the issuer. It is the same
// for everybody and holds no secret, so scripts of any origin may read it; credentials are not involved.
func (p *Provider) DiscoveryHandler(server oauth.Metadata) http.Handler {
	document, err := json.Marshal(p.Metadata(server))
	return p.documentHandler(func(*http.Request) ([]byte, error) { return document, err })
}

// JWKSHandler serves the public keys as a JSON Web Key Set (RFC 7517 section 5), to scripts of any origin too: the
// provider's, and those of [Config.PublishedKeys]. Of two keys with one kid, the first is served, the provider's first of
// all.
func (p *Provider) JWKSHandler() http.Handler {
	return p.documentHandler(func(r *http.Request) ([]byte, error) {
		keys, err := p.publicKeys(r.Context())
		if err != nil {
			return nil, err
		}
		return json.Marshal(jose.JSONWebKeySet{Keys: keys})
	})
}

func (p *Provider) documentHandler(document func(*http.Request) ([]byte, error)) http.Handler {
	cache := fmt.Sprintf("public, max-age=%d", p.config.DocumentMaxAge/time.Second)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Access-Control-Allow-Origin", "*")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			refuseMethod(w, "GET, HEAD")
			return
		}
		body, err := document(r)
		if err != nil {
			p.config.Logger.LogAttrs(r.Context(), slog.LevelError, "document failed", slog.Any("error", err))
			h.Set("Cache-Control", "no-store")
			http.Error(w, "temporarily unavailable", http.StatusServiceUnavailable)
			return
		}
		h.Set("Cache-Control", cache)
		h.Set("Content-Type", "application/json")
		w.Write(body)
	})
}
