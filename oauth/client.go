package oauth

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ErrUnknownClient says that no active client has the identifier.
var ErrUnknownClient = errors.New("oauth: unknown client")

// ClientStore looks clients up. It is safe for concurrent use.
type ClientStore interface {
	// Client returns the active client with the identifier, or ErrUnknownClient. The result is shared: nobody changes
	// it. The identifier is one that a client could have, and otherwise whatever a stranger sends.
	Client(ctx context.Context, id string) (*Client, error)
}

// KeyRefresher is a ClientStore that fetches the keys of the clients that have a JWKSURI. New finds it by type assertion.
type KeyRefresher interface {
	ClientStore
	// RefreshKeys is called when none of the client's keys fits a signature that names the key with the kid, or none.
	// It returns the client with the keys that it may be verified with now, or ErrUnknownClient. Whoever sends a
	// signature may be a stranger: it is for the implementation to bound how often it fetches.
	RefreshKeys(ctx context.Context, id, kid string) (*Client, error)
}

// Client is the registration of a relying party: confidential, and authenticated with an asymmetric key. Fields have
// the meaning of RFC 7591 and OpenID Connect Dynamic Client Registration. A Client is not changed once it is in use.
type Client struct {
	// ID is the client_id. Required: 1 to 256 characters of printable ASCII.
	ID string
	// Names are the client's names for people by language (BCP 47). The name under the empty language is used where no
	// other fits. Required.
	Names map[string]string
	// LogoURIs, PolicyURIs and TOSURIs are shown to people, by language as Names are: logo_uri and logo_uri#fr (RFC 7591
	// section 2.2). Optional, https; a logo may have http, as eSignet's clients do, and is then shown by no page that has
	// https itself. At most 100 of each.
	LogoURIs, PolicyURIs, TOSURIs map[string]string
	// RedirectURIs are where authorization responses may go, matched exactly. Required. No fragments; https, or http on
	// a loopback address, or a private-use scheme (RFC 8252 section 7.1). A query must not have the parameters of the
	// authorization response.
	RedirectURIs []string
	// RedirectURIPatterns are for clients that were registered through eSignet's API, or came from eSignet: further URIs, which
	// may have wildcards behind the authority. Between two slashes * is any text, and ** any number of segments; all else,
	// a question mark too, is itself. What a pattern matches has its scheme and authority, character by character, and no
	// segments of dots. Private-use schemes need no dot here. A client with patterns need not have RedirectURIs; one under a
	// FAPI profile has no patterns.
	RedirectURIPatterns []string
	// Keys are the client's public keys, the jwks of the registration. Required unless there is a JWKSURI. Private keys
	// are refused.
	Keys jose.JSONWebKeySet
	// JWKSURI is jwks_uri: where the client publishes its keys, instead of registering them. Https, or http on a loopback
	// host. It is for a ClientStore that fetches them, a [KeyRefresher]: what that returns has Keys too, while it knows
	// some.
	JWKSURI string
	// AssertionAlgorithm is token_endpoint_auth_signing_alg: the one algorithm of the client's assertions. Required.
	AssertionAlgorithm jose.SignatureAlgorithm
	// Scopes are the scopes that the client may ask for. Others are refused with invalid_scope.
	Scopes []string
	// PKCEOptional lets the client make authorization requests without a code challenge. One that is sent is always
	// enforced. The zero value demands PKCE.
	PKCEOptional bool
	// Profile holds the client to a set of rules. The zero value is none.
	Profile Profile
	// DPoPBound is dpop_bound_access_tokens: the client gets no tokens but those that are bound to a key with DPoP
	// (RFC 9449 section 5.2). Other clients get bound tokens when they send a proof.
	DPoPBound bool
	// RequireDPoPNonce demands a nonce of the provider in each of the client's proofs (RFC 9449 section 8).
	RequireDPoPNonce bool
	// RequirePushedRequests refuses authorization requests of the client that were not pushed (RFC 9126 section 6).
	RequirePushedRequests bool
	// RequestObjectAlgorithm is request_object_signing_alg: the one algorithm of the client's request objects (RFC 9101).
	// Empty means that the client sends none; one that it sends is refused.
	RequestObjectAlgorithm jose.SignatureAlgorithm
	// RequestObjectEncryption is request_object_encryption_alg: the client may also encrypt its request objects, once they
	// are signed. Empty means that it may not; RSA-OAEP-256 is what there is, with A128GCM or A256GCM.
	RequestObjectEncryption jose.KeyAlgorithm
	// RequireSignedRequestObject is require_signed_request_object: authorization requests of the client that are not in a
	// signed request object are refused (RFC 9101 section 10.5).
	RequireSignedRequestObject bool
	// AuthorizationResponseAlgorithm is authorization_signed_response_alg: it signs the authorization responses for which
	// the client asks that they be signed (JARM). Empty means the provider's default.
	AuthorizationResponseAlgorithm jose.SignatureAlgorithm

	// RelyingPartyID names the organisation that has the client, as eSignet and identity systems behind it do: 1 to 100
	// characters without spaces. Optional.
	RelyingPartyID string
	// SectorIdentifier groups clients that see the same pairwise subjects: the host of their sector_identifier_uri.
	// Empty means the clients of the same RelyingPartyID or, without one, the host of the redirect URIs, which must then be
	// the same in all of them (OpenID Connect Core section 8.1).
	SectorIdentifier string
	// IDTokenAlgorithm is id_token_signed_response_alg. Empty means the provider's default.
	IDTokenAlgorithm jose.SignatureAlgorithm
	// UserinfoAlgorithm is userinfo_signed_response_alg. Empty means that of the ID Token.
	UserinfoAlgorithm jose.SignatureAlgorithm
	// UserinfoJSON makes userinfo answer with unsigned JSON. The zero value signs.
	UserinfoJSON bool
	// IDTokenEncryption is id_token_encrypted_response_alg and _enc, UserinfoEncryption the same for userinfo: what is
	// signed is also encrypted to the client's key. The zero value does not encrypt.
	IDTokenEncryption, UserinfoEncryption Encryption
	// EncryptionKeyPending lets the client be registered for UserinfoEncryption before its key for it is. Until then userinfo
	// answers with an error.
	EncryptionKeyPending bool
	// Claims are the names of the claims that the client may ask for. Nil means all that the provider supports; what a
	// client gets is decided by the person in either case.
	Claims []string
	// ACRValues are the authentication contexts that the client may ask for, in order of preference, and of which it
	// accepts any when it asks for none. Nil means all that the provider supports, in the provider's order.
	ACRValues []string

	// ConsentMaxAge is how long what a person decided for the client is remembered. Nil leaves it to the provider; zero
	// means that the person is asked each time. ConsentForSession remembers it no longer than the person's session.
	ConsentMaxAge     *time.Duration
	ConsentForSession bool
	// RequireEssentialClaims gives the client no code if the person refuses a claim that it called essential. The zero value
	// lets the person choose (OpenID Connect Core section 5.5.1).
	RequireEssentialClaims bool

	// Purpose is what people log in to the client for, as pages may say. Nil: nothing is said.
	Purpose *Purpose
	// SignUpBanner says that pages lead people who have no account to where they get one, and ForgottenPasswordLink that they
	// lead to where a forgotten password is replaced. Nil leaves it to the pages.
	SignUpBanner, ForgottenPasswordLink *bool

	// DefaultMaxAge is default_max_age: how old the person's authentication may be if the request does not say. Nil
	// means any age. Zero means that every login authenticates the person anew, whatever session there is.
	DefaultMaxAge *time.Duration
	// PostLogoutRedirectURIs are where people may be sent after a logout (OpenID Connect RP-Initiated Logout 1.0), matched
	// exactly. The rules are those of RedirectURIs.
	PostLogoutRedirectURIs []string
	// BackchannelLogoutURI is told when a session ends in which a person logged in to the client (OpenID Connect
	// Back-Channel Logout 1.0): https, or http on a loopback host. Empty means that the client is not told.
	BackchannelLogoutURI string
	// BackchannelLogoutSessionRequired demands sid in logout tokens. They always have it, so it changes nothing.
	BackchannelLogoutSessionRequired bool
}

// Name returns the client's name in the first of the languages that it has, or its default name.
func (c *Client) Name(languages ...string) string { return text(c.Names, languages) }

// LogoURI returns the client's logo_uri in the first of the languages that it has, or the one for no language, or nothing.
func (c *Client) LogoURI(languages ...string) string { return text(c.LogoURIs, languages) }

// PolicyURI returns the client's policy_uri, as LogoURI does its logo_uri.
func (c *Client) PolicyURI(languages ...string) string { return text(c.PolicyURIs, languages) }

// TOSURI returns the client's tos_uri, as LogoURI does its logo_uri.
func (c *Client) TOSURI(languages ...string) string { return text(c.TOSURIs, languages) }

// InLanguage returns the text for the first of the languages that there is one for, and its tag, or that under the empty
// language. Tags of languages differ in no case (RFC 5646 section 2.1.1). Whoever knows a language by several tags, as "fr"
// and "fra", asks for each.
func InLanguage(texts map[string]string, languages ...string) (text, language string) {
	for _, language := range languages {
		if text := texts[language]; text != "" {
			return text, language
		}
		for _, tag := range slices.Sorted(maps.Keys(texts)) {
			if texts[tag] != "" && strings.EqualFold(tag, language) {
				return texts[tag], tag
			}
		}
	}
	return texts[""], ""
}

func text(texts map[string]string, languages []string) string {
	text, _ := InLanguage(texts, languages...)
	return text
}

// Sector returns the sector identifier under which the client's pairwise subjects are computed.
func (c *Client) Sector() string {
	switch {
	case c.SectorIdentifier != "":
		return c.SectorIdentifier
	case c.RelyingPartyID != "":
		return "relying-party:" + c.RelyingPartyID // which is no host
	case len(c.RedirectURIs) == 0:
		return ""
	}
	u, err := url.Parse(c.RedirectURIs[0])
	if err != nil || u.Host == "" {
		return c.RedirectURIs[0]
	}
	return strings.ToLower(u.Hostname())
}

// Purpose is what people log in to a client for.
type Purpose struct {
	// Type is "login", "link", "verify" or "none", which says nothing. Required.
	Type string `json:"type"`
	// Title and SubTitle are the words for it by language (BCP 47), in place of those that pages have for the Type. If there
	// are any, there are some under the empty language, which are used where no other fit. At most 1,024 bytes each.
	Title    map[string]string `json:"title,omitempty"`
	SubTitle map[string]string `json:"sub_title,omitempty"`
}
