// Package oauth is an OAuth 2.0 authorization server: it decides which client may have which token, and knows nothing
// of how a person logs in.
//
// The server does the authorization code grant for confidential clients that authenticate with private_key_jwt, and
// nothing else: RFC 6749 with RFC 7636 (PKCE), RFC 7523 (client assertions), RFC 9068 (JWT access tokens), RFC 9207
// (iss in the response), RFC 8414 (metadata), RFC 7009 (revocation) and RFC 7662 (introspection), as RFC 9700 says
// they are to be used today. Requests may come in signed request objects (RFC 9101), and responses may go in a form that
// the browser posts (OAuth 2.0 Form Post Response Mode) or signed (JARM).
//
// A login goes through it like this: the authorization endpoint ([Server.AuthorizationHandler]) validates the request
// and hands it to an [Interaction], which takes the person through the login and ends it with [Server.Approve] or
// [Server.Deny]; the token endpoint ([Server.TokenHandler]) exchanges the code. Specifications on top of OAuth take
// part as an [Extension].
package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/store"
)

// Interaction is the provider's face to the person.
type Interaction interface {
	// Begin answers a valid authorization request, normally with a redirect to the first page of the login.
	Begin(w http.ResponseWriter, r *http.Request, req *AuthorizationRequest)
	// ShowError answers a request that cannot be answered at the client, with a page for the person. The page shows
	// the code of the error as text.
	ShowError(w http.ResponseWriter, r *http.Request, e *Error)
}

// Resumer is an Interaction that finds a login again that this browser began with the same pushed request, so that a
// reload does not begin another one.
type Resumer interface {
	// Resume answers the request and reports true if the browser has such a login, for this client, and it is not over.
	Resume(w http.ResponseWriter, r *http.Request, clientID, requestURI string) bool
}

// PushedRequests keeps the authorization requests that clients pushed (RFC 9126). Package par has an implementation.
type PushedRequests interface {
	// Request returns what the client pushed under the URI. When it is unknown, expired, spent or another client's, the
	// error is an *Error with the code invalid_request_uri.
	Request(ctx context.Context, clientID, requestURI string) (*AuthorizationRequest, error)
	// Spend ends the use of the URI in favour of one login. Of many logins with the same URI one gets no error, each time
	// it asks; the others get an *Error with the code invalid_request_uri.
	Spend(ctx context.Context, requestURI, transaction string) error
	// SpendIn is Spend in a batch.
	SpendIn(b *store.Batch, requestURI, transaction string) (result func(context.Context) error)
}

// Endpoint is where a client called. Another face of the provider may offer the token endpoint, or that of pushed requests,
// under its own URL.
type Endpoint struct {
	// URL is what the world calls the endpoint: an audience of client assertions, beside the issuer, and the htu of DPoP
	// proofs.
	URL string
	// Audiences are further audiences that client assertions may name.
	Audiences []string
	// RequireNonce demands a nonce of the provider in each DPoP proof, whatever the client is registered for.
	RequireNonce bool
}

// AuthorizationRequest is a valid authorization request: its client exists, its redirect URI is registered, its
// scopes are the client's, and PKCE is as the client's registration demands.
type AuthorizationRequest struct {
	ClientID    string `json:"client_id"`
	RedirectURI string `json:"redirect_uri"`
	// Scope holds the requested scopes, each once, in the order of the request.
	Scope []string `json:"scope,omitempty"`
	// Resources are the resources that the request names (RFC 8707), each once.
	Resources []string `json:"resource,omitempty"`
	State     string   `json:"state,omitempty"`
	// ResponseMode is how the response is to travel. Empty means query. ResponseAlgorithm signs a response of a mode that
	// is signed.
	ResponseMode      ResponseMode            `json:"response_mode,omitempty"`
	ResponseAlgorithm jose.SignatureAlgorithm `json:"authorization_signed_response_alg,omitempty"`
	// CodeChallenge is the S256 challenge, or empty if the client does without PKCE.
	CodeChallenge string `json:"code_challenge,omitempty"`
	// DPoPThumbprint is the thumbprint of the key that the code will be bound to (dpop_jkt, RFC 9449 section 10), or empty.
	DPoPThumbprint string `json:"dpop_jkt,omitempty"`
	// RequestURI is the request_uri of a request that was pushed (RFC 9126), empty for another.
	RequestURI string `json:"request_uri,omitempty"`
	// Parameters are the parameters of extensions, those that [Extension.Parameters] names, as sent.
	Parameters map[string]string `json:"parameters,omitempty"`
}

// Grant is what a person let a client have.
type Grant struct {
	// Subject identifies the person at this client: the sub of every token. At most 255 ASCII characters.
	Subject string `json:"sub"`
	// Scope holds the granted scopes, a subset of the requested ones.
	Scope []string `json:"scope,omitempty"`
	// AuthTime is when the person proved who they are.
	AuthTime time.Time `json:"auth_time"`
	// ACR is the authentication context that was met, or empty; AMR are the methods used.
	ACR string   `json:"acr,omitempty"`
	AMR []string `json:"amr,omitempty"`
	// ID names the grant for [Server.EndGrant]: that of the consent, say. It is in access tokens as grant_id, so it tells
	// nobody anything. Empty means that the grant cannot be ended, other than token by token.
	ID string `json:"grant_id,omitempty"`
	// Person names the person within the provider, whichever the client: what an endpoint of the provider's own needs that
	// shows people their own affairs. It is sealed with codes and tokens, and in none of them.
	Person string `json:"person,omitempty"`
	// ExpiresAt ends the grant: no token outlives it. Zero means that it does not end by itself.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Transaction is the audit pseudonym of the login. It is required where the request was pushed, for the request_uri
	// is spent in its favour.
	Transaction string `json:"transaction,omitempty"`
	// Data is what the extension needs when the code is redeemed. Package oauth carries it, sealed, and does not look
	// into it.
	Data json.RawMessage `json:"data,omitempty"`
}

// Extension is a specification on top of OAuth, such as OpenID Connect. It is called concurrently.
type Extension interface {
	// Parameters names the authorization request parameters that the extension reads. Only these are kept.
	Parameters() []string
	// CheckRequest refuses a request that breaks the extension's rules with an *Error, which goes to the client.
	CheckRequest(ctx context.Context, c *Client, req *AuthorizationRequest) error
	// Extend adds to a token response. It runs before the code is spent, so that the client may try again after an error.
	// What it adds is thrown away if another request with the same code is first.
	Extend(ctx context.Context, x *Exchange) error
}

// Exchange is the exchange of a code for tokens, as an [Extension] sees it.
type Exchange struct {
	Client *Client
	Grant  *Grant
	// AccessToken is the token that the client will get.
	AccessToken string
	IssuedAt    time.Time
	// Response holds further members of the token response, such as id_token.
	Response map[string]string
	// Data is kept with the access token, sealed under it, and given back by [Server.AccessToken].
	Data json.RawMessage
}

// AccessToken is a live access token as the provider's own endpoints see it.
type AccessToken struct {
	ClientID string `json:"client_id"`
	// Grant is what the person granted, of which Scope holds what this token may do.
	Grant Grant `json:"grant"`
	// Audience is the aud of the token. Nil means that of the Config.
	Audience []string `json:"aud,omitempty"`
	// IssuedAt and ExpiresAt bound its life.
	IssuedAt  time.Time `json:"iat"`
	ExpiresAt time.Time `json:"exp"`
	// DPoPThumbprint is the thumbprint of the key that the token is bound to (RFC 9449 section 6), or empty. An endpoint
	// that takes a bound token demands a proof by this key.
	DPoPThumbprint string `json:"jkt,omitempty"`
	// Data is what the extension left in the [Exchange].
	Data json.RawMessage `json:"data,omitempty"`
	// Digest is the SHA-256 of the token.
	Digest []byte `json:"digest"`
}
