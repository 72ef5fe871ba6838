package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/keystore"
)

const (
	maxRedirectURIs = 50
	maxURI          = 2048
	maxLanguages    = 100

	maxRelyingPartyID = 100
	maxPurposeText    = 1024
	maxPurposeTexts   = 100
)

// Validate returns every mistake in the registration at once.
func (c *Client) Validate() error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("oauth: client %q: "+format, append([]any{c.ID}, args...)...))
	}
	if !validIdentifier(c.ID) {
		fail("client_id must be 1 to %d characters of printable ASCII", maxIdentifier)
	}
	if c.Names[""] == "" {
		fail("client_name, the name under the empty language, is required")
	}
	for _, err := range c.checkPages() {
		fail("%w", err)
	}
	if n := len(c.RedirectURIs) + len(c.RedirectURIPatterns); n == 0 || n > maxRedirectURIs {
		fail("there must be 1 to %d redirect URIs", maxRedirectURIs)
	}
	for _, uri := range c.RedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			fail("redirect URI %q: %w", uri, err)
		}
	}
	for _, pattern := range c.RedirectURIPatterns {
		if err := CheckRedirectURIPattern(pattern); err != nil {
			fail("redirect URI pattern %q: %w", pattern, err)
		}
	}
	if id := c.RelyingPartyID; len(id) > maxRelyingPartyID || strings.ContainsFunc(id, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		fail("relying_party_id must be at most %d characters without spaces", maxRelyingPartyID)
	}
	if err := c.Purpose.check(); err != nil {
		fail("purpose: %w", err)
	}
	if err := c.Profile.check(); err != nil {
		fail("%w", err)
	}
	for _, err := range c.checkKeys() {
		fail("%w", err)
	}
	if len(c.PostLogoutRedirectURIs) > maxRedirectURIs {
		fail("there must be at most %d post-logout redirect URIs", maxRedirectURIs)
	}
	for _, uri := range c.PostLogoutRedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			fail("post-logout redirect URI %q: %w", uri, err)
		}
	}
	if err := checkURL(c.BackchannelLogoutURI); err != nil && c.BackchannelLogoutURI != "" || len(c.BackchannelLogoutURI) > maxURI {
		fail("backchannel_logout_uri %w", cmp.Or(err, errors.New("is too long")))
	}
	if c.BackchannelLogoutSessionRequired && c.BackchannelLogoutURI == "" {
		fail("backchannel_logout_session_required needs a backchannel_logout_uri")
	}
	if c.DefaultMaxAge != nil && *c.DefaultMaxAge < 0 {
		fail("default_max_age is negative")
	}
	for _, scope := range c.Scopes {
		if !validScope(scope) {
			fail("scope %q is malformed", scope)
		}
	}
	if c.SectorIdentifier == "" && c.RelyingPartyID == "" && !c.oneHost() {
		fail("redirect URIs on several hosts need a sector identifier")
	}
	for _, alg := range []jose.SignatureAlgorithm{c.IDTokenAlgorithm, c.UserinfoAlgorithm, c.AuthorizationResponseAlgorithm} {
		if alg != "" && !slices.Contains(jwt.Algorithms(), alg) {
			fail("%q is not an accepted signature algorithm", alg)
		}
	}
	if c.RequireSignedRequestObject && c.RequestObjectAlgorithm == "" {
		fail("signed request objects are required, and no algorithm is registered for them")
	}
	if c.UserinfoJSON && c.UserinfoAlgorithm != "" {
		fail("userinfo is either JSON or signed")
	}
	if c.UserinfoJSON && c.UserinfoEncryption != (Encryption{}) {
		fail("userinfo that is encrypted is signed too")
	}
	if err := errors.Join(c.checkEncryption("ID Token", c.IDTokenEncryption), c.checkEncryption("userinfo", c.UserinfoEncryption)); err != nil {
		fail("%w", err)
	}
	if c.ConsentMaxAge != nil && *c.ConsentMaxAge < 0 {
		fail("consent_max_age is negative")
	}
	return errors.Join(errs...)
}

// ValidateProfile returns every way in which the registration breaks the profile that the provider holds it to: the
// provider's, or its own where that is stricter. Redirect URIs and a jwks_uri with http, on a loopback host, are for
// development, with an issuer that is one too.
func (c *Client) ValidateProfile(provider Profile, development bool) error {
	profile := stricter(provider, c.Profile)
	errs := []error{profile.check(), profile.checkClient(c, development)}
	if profile == ProfileFAPI2MessageSigning && c.RequestObjectAlgorithm == "" {
		errs = append(errs, fmt.Errorf("oauth: client %q must sign its requests, and is registered for no algorithm to do so", c.ID))
	}
	return errors.Join(errs...)
}

// checkPages checks what people are shown of the client elsewhere.
func (c *Client) checkPages() []error {
	var errs []error
	for _, page := range []struct {
		name string
		uris map[string]string
	}{{"logo_uri", c.LogoURIs}, {"policy_uri", c.PolicyURIs}, {"tos_uri", c.TOSURIs}} {
		if len(page.uris) > maxLanguages {
			errs = append(errs, fmt.Errorf("%s is there in more than %d languages", page.name, maxLanguages))
			continue
		}
		for _, language := range slices.Sorted(maps.Keys(page.uris)) {
			uri, name := page.uris[language], page.name
			if language != "" {
				name += "#" + language
			}
			u, err := url.Parse(uri)
			if uri != "" && (err != nil || len(uri) > maxURI || u.Scheme != "https" && (page.name != "logo_uri" || u.Scheme != "http") || u.Hostname() == "") {
				errs = append(errs, fmt.Errorf("%s must be an https URL", name))
			}
		}
	}
	return errs
}

// validIdentifier reports whether s can be a client_id.
func validIdentifier(s string) bool {
	return s != "" && len(s) <= maxIdentifier && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// checkKeys makes sure that the client can sign what it is registered to sign: some registered key fits each of its
// algorithms, and none is private. Keys that the client publishes are checked when they are fetched.
func (c *Client) checkKeys() []error {
	var errs []error
	if c.JWKSURI != "" {
		if err := checkURL(c.JWKSURI); err != nil || len(c.JWKSURI) > maxURI {
			errs = append(errs, fmt.Errorf("jwks_uri %w", cmp.Or(err, errors.New("is too long"))))
		}
		if len(c.Keys.Keys) > 0 {
			errs = append(errs, errors.New("jwks and jwks_uri exclude each other"))
		}
	}
	for _, key := range c.Keys.Keys {
		if !key.Valid() || !key.IsPublic() {
			errs = append(errs, errors.New("every key must be a valid public key"))
			break
		}
	}
	if err := c.checkAlgorithm("assertion", c.AssertionAlgorithm); err != nil {
		errs = append(errs, err)
	}
	if alg := c.RequestObjectEncryption; alg != "" && (c.RequestObjectAlgorithm == "" || !slices.Contains(keystore.DecryptionAlgorithms(), alg)) {
		errs = append(errs, fmt.Errorf("request objects cannot be encrypted with %q, or are not signed", alg))
	}
	if c.RequestObjectAlgorithm != "" {
		if err := c.checkAlgorithm("request object", c.RequestObjectAlgorithm); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (c *Client) checkAlgorithm(use string, alg jose.SignatureAlgorithm) error {
	if err := jwt.CheckAlgorithms([]jose.SignatureAlgorithm{alg}); err != nil {
		return fmt.Errorf("the %s algorithm: %w", use, err)
	}
	if c.JWKSURI == "" && !slices.ContainsFunc(c.Keys.Keys, func(key jose.JSONWebKey) bool {
		return (key.Use == "" || key.Use == "sig") && (key.Algorithm == "" || key.Algorithm == string(alg)) &&
			jwt.CheckKey(alg, key.Key) == nil
	}) {
		return fmt.Errorf("no key fits the %s algorithm %s", use, alg)
	}
	return nil
}

// check returns what is wrong with the purpose; nil is none.
func (p *Purpose) check() error {
	if p == nil {
		return nil
	}
	if !slices.Contains([]string{"none", "verify", "link", "login"}, p.Type) {
		return errors.New("type must be none, verify, link or login")
	}
	for _, texts := range []map[string]string{p.Title, p.SubTitle} {
		if _, ok := texts[""]; len(texts) > 0 && !ok {
			return errors.New("there is no text under the empty language")
		}
		if len(texts) > maxPurposeTexts {
			return fmt.Errorf("there are texts in more than %d languages", maxPurposeTexts)
		}
		for _, text := range texts {
			if len(text) > maxPurposeText {
				return fmt.Errorf("a text has more than %d bytes", maxPurposeText)
			}
		}
	}
	return nil
}

func (c *Client) oneHost() bool {
	if len(c.RedirectURIPatterns) > 0 {
		return false // which schemes and hosts they have says nothing of who is behind them
	}
	for _, uri := range c.RedirectURIs {
		if (&Client{RedirectURIs: []string{uri}}).Sector() != c.Sector() {
			return false
		}
	}
	return true
}

// checkRedirectURI allows what RFC 6749 section 3.1.2 and RFC 8252 section 7 allow, for clients that keep a key.
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > maxURI:
		return errors.New("it is malformed or too long")
	case strings.Contains(uri, "#"):
		return errors.New("it has a fragment")
	case u.User != nil:
		return errors.New("it has user information")
	case strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }):
		return errors.New("it has characters that a URI has not")
	case hasResponseParameter(u):
		return errors.New("its query has a parameter of the authorization response")
	case u.Scheme == "https" && u.Hostname() != "":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	case strings.Contains(u.Scheme, ".") && (u.Opaque != "" || u.Path != ""):
		return nil
	}
	return errors.New("it must be https, http on a loopback host, or a private-use scheme with a dot")
}

// hasResponseParameter reports whether the query of a redirect URI would answer in the provider's place, or could not be
// told from its answer.
func hasResponseParameter(u *url.URL) bool {
	query, err := url.ParseQuery(u.RawQuery)
	return err != nil || slices.ContainsFunc(responseParameters, query.Has)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// StaticClients is a ClientStore over a fixed list. It fetches nothing: its clients register their keys by value.
type StaticClients struct{ byID map[string]*Client }

// NewStaticClients returns a store of the clients, or every mistake in them at once.
func NewStaticClients(clients ...*Client) (*StaticClients, error) {
	s := &StaticClients{byID: make(map[string]*Client, len(clients))}
	var errs []error
	for i, c := range clients {
		if c == nil {
			errs = append(errs, fmt.Errorf("oauth: client %d is nil", i))
			continue
		}
		if err := c.Validate(); err != nil {
			errs = append(errs, err)
		}
		if c.JWKSURI != "" {
			errs = append(errs, fmt.Errorf("oauth: client %q has a jwks_uri, which StaticClients does not fetch", c.ID))
		}
		if s.byID[c.ID] != nil {
			errs = append(errs, fmt.Errorf("oauth: client %q is there twice", c.ID))
		}
		s.byID[c.ID] = c
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// All returns the clients in no particular order.
func (s *StaticClients) All() iter.Seq[*Client] { return maps.Values(s.byID) }

// Client implements [ClientStore].
func (s *StaticClients) Client(_ context.Context, id string) (*Client, error) {
	if c := s.byID[id]; c != nil {
		return c, nil
	}
	return nil, ErrUnknownClient
}
