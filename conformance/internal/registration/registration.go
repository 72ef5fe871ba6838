// Package registration makes test clients: their keys, and the metadata with which a provider registers them.
package registration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Client is a registration: the client metadata that IANA has registered (RFC 7591), the client_id, and two members that
// Signet's reference server knows: profile, and require_pkce, without which it demands PKCE.
type Client struct {
	ClientID                  string             `json:"client_id"`
	ClientName                string             `json:"client_name"`
	RedirectURIs              []string           `json:"redirect_uris"`
	JWKS                      jose.JSONWebKeySet `json:"jwks"`
	Scope                     string             `json:"scope"`
	GrantTypes                []string           `json:"grant_types"`
	ResponseTypes             []string           `json:"response_types"`
	TokenEndpointAuthMethod   string             `json:"token_endpoint_auth_method"`
	TokenEndpointAuthAlg      string             `json:"token_endpoint_auth_signing_alg"`
	IDTokenSignedResponseAlg  string             `json:"id_token_signed_response_alg,omitempty"`
	UserinfoSignedResponseAlg string             `json:"userinfo_signed_response_alg,omitempty"`

	UserinfoEncryptedResponseAlg jose.KeyAlgorithm      `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEncryptedResponseEnc jose.ContentEncryption `json:"userinfo_encrypted_response_enc,omitempty"`

	RequirePushedAuthorizationRequests bool   `json:"require_pushed_authorization_requests,omitempty"`
	DPoPBoundAccessTokens              bool   `json:"dpop_bound_access_tokens,omitempty"`
	RequireSignedRequestObject         bool   `json:"require_signed_request_object,omitempty"`
	RequestObjectSigningAlg            string `json:"request_object_signing_alg,omitempty"`
	AuthorizationSignedResponseAlg     string `json:"authorization_signed_response_alg,omitempty"`

	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`

	Profile     string `json:"profile,omitempty"`
	RequirePKCE *bool  `json:"require_pkce,omitempty"`
}

// Kind says what a client is registered for.
type Kind int

// The kinds of client that one provider serves side by side.
const (
	// OpenID has plain requests, bearer tokens and RS256.
	OpenID Kind = iota
	// Assurance has plain requests with PKCE, and bearer tokens.
	Assurance
	// FAPI2 has pushed requests and bound tokens.
	FAPI2
	// MessageSigning is FAPI2 with signed requests.
	MessageSigning
	// JARM is MessageSigning with signed responses.
	JARM
)

// New returns the registration of a client with the key's public half. Userinfo is plain JSON.
func New(kind Kind, id, name, redirectURI, scope string, key jose.JSONWebKey) Client {
	c := Client{
		ClientID: id, ClientName: name, RedirectURIs: []string{redirectURI}, Scope: scope,
		JWKS:       jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}},
		GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"},
		TokenEndpointAuthMethod: "private_key_jwt", TokenEndpointAuthAlg: key.Algorithm,
		IDTokenSignedResponseAlg: string(jose.ES256), UserinfoSignedResponseAlg: "none",
	}
	if kind == OpenID {
		c.IDTokenSignedResponseAlg, c.RequirePKCE = string(jose.RS256), new(bool)
		return c
	}
	if kind == Assurance {
		return c
	}
	c.Profile = "fapi2"
	c.RequirePushedAuthorizationRequests, c.DPoPBoundAccessTokens = true, true
	if kind >= MessageSigning {
		c.RequireSignedRequestObject, c.RequestObjectSigningAlg = true, key.Algorithm
		c.Profile = "fapi2-message-signing"
	}
	if kind == JARM {
		c.AuthorizationSignedResponseAlg = string(jose.ES256)
	}
	return c
}

// EncryptUserinfo has userinfo signed, and encrypted to the key's public half.
func (c *Client) EncryptUserinfo(alg jose.KeyAlgorithm, enc jose.ContentEncryption, key jose.JSONWebKey) {
	c.UserinfoSignedResponseAlg = string(jose.ES256)
	c.UserinfoEncryptedResponseAlg, c.UserinfoEncryptedResponseEnc = alg, enc
	c.JWKS.Keys = append(c.JWKS.Keys, key.Public())
}

// NewEncryptionKeys returns a fresh private key for each kind of encryption.
func NewEncryptionKeys(prefix string) (map[jose.KeyAlgorithm]jose.JSONWebKey, error) {
	rsaKey, ecKey, err := NewKeys(prefix + "-enc")
	if err != nil {
		return nil, err
	}
	rsaKey.Algorithm, rsaKey.Use = "", "enc"
	ecKey.Algorithm, ecKey.Use = "", "enc"
	return map[jose.KeyAlgorithm]jose.JSONWebKey{jose.RSA_OAEP_256: rsaKey, jose.ECDH_ES: ecKey, jose.ECDH_ES_A256KW: ecKey}, nil
}

// NewKeys returns a fresh private key for each of two clients: PS256, which lets the checks of RS256 run, and ES256.
func NewKeys(prefix string) (first, second jose.JSONWebKey, err error) {
	const bits = 2048
	rsaKey, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return first, second, fmt.Errorf("generate a key: %w", err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return first, second, fmt.Errorf("generate a key: %w", err)
	}
	first = jose.JSONWebKey{Key: rsaKey, KeyID: prefix + "-1", Algorithm: string(jose.PS256), Use: "sig"}
	second = jose.JSONWebKey{Key: ecKey, KeyID: prefix + "-2", Algorithm: string(jose.ES256), Use: "sig"}
	return first, second, nil
}
