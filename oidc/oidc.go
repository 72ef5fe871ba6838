// Package oidc is OpenID Connect on top of [oauth]: what a client may ask for about a person, the ID Token, userinfo,
// pairwise subjects, and the documents by which clients find all of it.
//
// A [Provider] is the [oauth.Extension] of an [oauth.Server]. A login uses it in this order: [Provider.ParseRequest]
// reads the request, [Provider.ACRs] says how strongly the person must authenticate, [Provider.Asked] what the person
// is asked to share, and [Provider.Authorize] turns the person's answer into what the token endpoint needs.
//
// Every client sees people under subjects that are the same within its sector and mean nothing outside of it
// (OpenID Connect Core section 8.1). There are no public subjects.
package oidc

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/internal/pseudonym"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// ScopeOpenID is the scope that makes an authorization request one of OpenID Connect.
const ScopeOpenID = "openid"

// ClaimsSource releases what a person consented to share. An [authenticator.Authenticator] is one.
type ClaimsSource interface {
	// Claims releases the claims that the request names. It is called once per granted login, again if the client has to
	// try again, at each userinfo request with [Config.ClaimsAtUserinfo], and not at all if the person shares nothing.
	Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error)
}

// TokenSource knows the live access tokens. An [oauth.Server] is one.
type TokenSource interface {
	// AccessToken returns a live access token, or an [*oauth.Error] with the code invalid_token.
	AccessToken(ctx context.Context, token string) (*oauth.AccessToken, error)
}

// BatchedTokenSource is a TokenSource that takes part in a batch: a token and the proof that comes with it then cost one
// round trip to the store. An [oauth.Server] is one.
type BatchedTokenSource interface {
	TokenSource
	// AccessTokenIn is AccessToken in a batch.
	AccessTokenIn(b *store.Batch, token string) (result func() (*oauth.AccessToken, error))
}

// Config configures a [Provider]. Nothing in it is changed after New.
type Config struct {
	// Issuer is the issuer identifier, that of the [oauth.Server]. Required.
	Issuer string
	// UserinfoEndpoint and JWKSURI are where [Provider.UserinfoHandler] and [Provider.JWKSHandler] are mounted, as
	// clients see them. Required.
	UserinfoEndpoint, JWKSURI string
	// EndSessionEndpoint is where people log out of their session. Empty means that there are no sessions: prompt=none is
	// refused, and the metadata announces no logout.
	EndSessionEndpoint string
	// Keys signs ID Tokens and userinfo. Required.
	Keys keystore.Keystore
	// Clients looks up the clients. Required.
	Clients oauth.ClientStore
	// Claims releases the claims. Required.
	Claims ClaimsSource
	// PairwiseSecret is what subjects are derived from. Required, at least 32 random bytes. Whoever changes it makes a
	// stranger of every person at every client; whoever knows it can link people across clients.
	PairwiseSecret []byte

	// Scopes maps a scope to the claims that it asks for. Nil means profile, email, phone and address as OpenID Connect
	// Core section 5.4 has them.
	Scopes map[string][]string
	// ClaimsSupported names the claims that Claims can release. Nil means those that Scopes maps to. Claims of the
	// protocol, such as sub and acr, are not among them.
	ClaimsSupported []string
	// ACRValues are the authentication contexts that can be met, in order of preference. Nil means none.
	ACRValues []string
	// UILocales and ClaimsLocales are announced in discovery (BCP 47). Nil announces nothing.
	UILocales, ClaimsLocales []string
	// Assurance says which claims can be had with how they were verified. The zero value means none.
	Assurance Assurance
	// ClaimSources are the kinds of further sources of claims that Claims may name, out of Aggregated and Distributed
	// (OpenID Connect Core section 5.6.2). Sources of other kinds are not passed on. Nil means none.
	ClaimSources []string
	// ClaimsAtUserinfo fetches the claims of userinfo at each userinfo request, and those of the ID Token when the code is
	// redeemed. No claim is kept then, only what the person agreed to, with their [authenticator.Identity], sealed under
	// the access token. The identity system must take its State as often as the token is used. The zero value fetches all
	// claims once, when the code is redeemed, and keeps those of userinfo sealed under the access token.
	ClaimsAtUserinfo bool
	// AcceptOriginal passes on what the identity system signed itself ([authenticator.Claims.Original]) to clients that
	// are registered for signed userinfo, in place of what the provider would sign. Nobody here looks at what is in it: the
	// identity system then is the one to put in only what [authenticator.ClaimsRequest] names, and a sub that the client
	// can compare with that of the ID Token. It has at most 64 KiB, and the algorithms must be those of the registration.
	// A JWS is encrypted to a client that is registered for that; a JWE must be encrypted to the client already. ID Tokens
	// have the Values in any case. The zero value leaves it out, with a line in the log.
	AcceptOriginal bool
	// PublishedKeys are further publishers of public keys that clients need, such as those of an identity system that
	// signs claims ([KeysOf]), or retired ones. See [PublishedKeys] for what a key in them can do. Nil means none.
	PublishedKeys []PublishedKeys
	// MaxPicture bounds the claim picture when it holds the image itself, in bytes of its text. Zero means 256 KiB.
	MaxPicture int
	// PictureTypes are the media types of such images. Nil means image/jpeg, image/png and image/webp.
	PictureTypes []string
	// DefaultAlgorithm signs for clients whose registration names no algorithm. Empty means ES256.
	DefaultAlgorithm jose.SignatureAlgorithm
	// Algorithms are those that a client may be registered for; Keys must have a key for each. Nil means the
	// DefaultAlgorithm alone. OpenID Connect Discovery wants RS256 to be one of them.
	Algorithms []jose.SignatureAlgorithm
	// IDTokenLifetime is how long an ID Token is valid. Zero means 10 minutes.
	IDTokenLifetime time.Duration
	// DocumentMaxAge is how long the discovery document and the key set may be cached. Zero means 5 minutes. A key
	// must be published for as long before it signs.
	DocumentMaxAge time.Duration

	// DPoP verifies the proofs that come with access tokens that are bound to a key (RFC 9449). It is that of the
	// authorization server. Nil refuses bound tokens.
	DPoP *dpop.Verifier

	// Audit takes the security events. Nil discards them.
	Audit audit.Sink
	// Logger takes what an operator should know. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means [time.Now].
	Now func() time.Time
}

// Provider is OpenID Connect for one issuer. It is safe for concurrent use.
type Provider struct {
	config    Config
	places    []string       // the supported claims in the order in which people are asked
	order     map[string]int // their places
	verified  []bool         // by the place: those that can be had verified
	subjects  *pseudonym.Maker
	published []*publisher
}

var _ oauth.Extension = (*Provider)(nil)

// New returns a Provider, or an error that joins everything that is wrong with the configuration. It does not talk to
// any backend.
func New(c Config) (*Provider, error) {
	if c.Scopes == nil {
		c.Scopes = StandardScopes()
	}
	if c.ClaimsSupported == nil {
		c.ClaimsSupported = claimsOf(c.Scopes)
	}
	if c.DefaultAlgorithm == "" {
		c.DefaultAlgorithm = jose.ES256
	}
	if c.Algorithms == nil {
		c.Algorithms = []jose.SignatureAlgorithm{c.DefaultAlgorithm}
	}
	if c.MaxPicture == 0 {
		c.MaxPicture = 256 << 10
	}
	if c.PictureTypes == nil {
		c.PictureTypes = []string{"image/jpeg", "image/png", "image/webp"}
	}
	if c.IDTokenLifetime == 0 {
		c.IDTokenLifetime = 10 * time.Minute
	}
	if c.DocumentMaxAge == 0 {
		c.DocumentMaxAge = 5 * time.Minute
	}
	if c.Audit == nil {
		c.Audit = audit.Discard
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, c.PairwiseSecret, nil, "signet oidc pairwise subject v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("oidc: deriving the pairwise key: %w", err)
	}
	c.PairwiseSecret = nil
	p := &Provider{config: c, places: claimPlaces(c.ClaimsSupported), subjects: pseudonym.New(key)}
	for _, keys := range c.PublishedKeys {
		p.published = append(p.published, &publisher{config: &p.config, keys: keys})
	}
	p.order = make(map[string]int, len(p.places))
	for at, name := range p.places {
		p.order[name] = at
		p.verified = append(p.verified, slices.Contains(c.Assurance.Claims, name))
	}
	return p, nil
}

func (c *Config) validate() error {
	var problems []error
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("oidc: "+format, args...))
	}
	if err := oauth.CheckIssuer(c.Issuer); err != nil {
		problem("Issuer: %w", err)
	}
	if err := checkEndpoint(c.UserinfoEndpoint); err != nil {
		problem("UserinfoEndpoint: %w", err)
	}
	if err := checkEndpoint(c.JWKSURI); err != nil {
		problem("JWKSURI: %w", err)
	}
	if c.EndSessionEndpoint != "" {
		if err := checkEndpoint(c.EndSessionEndpoint); err != nil {
			problem("EndSessionEndpoint: %w", err)
		}
	}
	if c.Keys == nil {
		problem("Keys is required")
	}
	if c.Clients == nil {
		problem("Clients is required")
	}
	if c.Claims == nil {
		problem("Claims is required")
	}
	if len(c.PairwiseSecret) < 32 {
		problem("PairwiseSecret needs at least 32 bytes")
	}
	if err := jwt.CheckAlgorithms(c.Algorithms); err != nil {
		problem("Algorithms: %w", err)
	}
	if !slices.Contains(c.Algorithms, c.DefaultAlgorithm) {
		problem("DefaultAlgorithm %q is not one of Algorithms", c.DefaultAlgorithm)
	}
	for _, name := range c.ClaimsSupported {
		if protocolClaims[name] || !isClaimName(name) {
			problem("ClaimsSupported: %q is not a claim about a person", name)
		}
	}
	c.Assurance.validate(c.ClaimsSupported, problem)
	for _, kind := range c.ClaimSources {
		if kind != Aggregated && kind != Distributed {
			problem("ClaimSources: %q is not a kind of source", kind)
		}
	}
	if slices.ContainsFunc(c.PublishedKeys, func(k PublishedKeys) bool { return k == nil }) {
		problem("PublishedKeys has a nil publisher")
	}
	if c.MaxPicture < 0 || c.MaxPicture > maxReleased {
		problem("MaxPicture is not between 0 and %d", maxReleased)
	}
	if c.IDTokenLifetime < 0 {
		problem("IDTokenLifetime is negative")
	}
	if c.DocumentMaxAge < 0 {
		problem("DocumentMaxAge is negative")
	}
	return errors.Join(problems...)
}

// checkEndpoint wants what an issuer is, with a path.
func checkEndpoint(s string) error {
	u, err := url.Parse(s)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return errors.New("is not a URL with a path")
	}
	u.Path = ""
	return oauth.CheckIssuer(u.String())
}

// isClaimName wants names that JSON holds as they are. A language tag is not part of a name.
func isClaimName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c > '~' || strings.ContainsRune("\"\\#", c)
	})
}
