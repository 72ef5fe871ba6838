package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

const (
	defaultCodeLifetime        = time.Minute
	defaultAccessTokenLifetime = 10 * time.Minute
	maxAccessTokenLifetime     = 24 * time.Hour
	minAccessTokenLifetime     = 10 * time.Second
)

// Endpoints are the absolute URLs under which the world reaches the endpoints. An empty one is not offered; clients may
// name the URL of the endpoint that they call as the audience of their assertions.
type Endpoints struct {
	Authorization, Token, Introspection, Revocation, JWKS, PushedRequests string
}

// Config configures a [Server]. It is not changed after New.
type Config struct {
	// Issuer is the issuer identifier (RFC 8414 section 2): an https URL without query and fragment, and without a
	// slash at the end. http is allowed for a loopback host, for development. Required.
	Issuer string
	// Endpoints: Authorization and Token are required.
	Endpoints Endpoints
	// Clients looks clients up. One that is also a [KeyRefresher] fetches the keys that clients publish. Required.
	Clients ClientStore
	// Keys signs access tokens. One that is also a [keystore.Decrypter] opens encrypted request objects. Required.
	Keys keystore.Keystore
	// Store keeps codes and tokens. Required.
	Store store.Ephemeral
	// Extension takes part in requests and tokens. Nil means plain OAuth.
	Extension Extension
	// Profile holds every client to a set of rules, whatever its registration says. The zero value leaves it to the
	// registrations. A client that breaks its profile is not served; one that New can see is an error there.
	Profile Profile
	// Pushed keeps pushed authorization requests (RFC 9126). Nil means that clients cannot push them.
	Pushed PushedRequests
	// RequirePushedRequests refuses every authorization request that was not pushed. A single client can be held to it
	// by its registration.
	RequirePushedRequests bool
	// DPoP verifies the proofs with which clients bind codes and tokens to a key (RFC 9449). Nil means that all tokens are
	// bearer tokens.
	DPoP *dpop.Verifier
	// Scopes are the scopes that the metadata announces. Which ones a client may ask for is in its registration.
	Scopes []string
	// RequireSignedRequestObjects refuses every authorization request that is not in a signed request object (RFC 9101).
	// A single client can be held to it by its registration.
	RequireSignedRequestObjects bool
	// Algorithms are the algorithms that client assertions and request objects may be signed with; a client uses the ones
	// that it is registered for. Nil means ES256, ES384, EdDSA, PS256 and RS256, or what Profile allows of them.
	Algorithms []jose.SignatureAlgorithm
	// AccessTokenAlgorithm signs access tokens. Empty means ES256. Those of a client whose profile does not allow it are
	// signed with another for which Keys has a key.
	AccessTokenAlgorithm jose.SignatureAlgorithm
	// AuthorizationResponseAlgorithms are the algorithms that authorization responses may be signed with (JARM); Keys must
	// have a key for each. AccessTokenAlgorithm must be one of them: it is for clients whose registration names none. Nil
	// means AccessTokenAlgorithm alone.
	AuthorizationResponseAlgorithms []jose.SignatureAlgorithm
	// AccessTokenAudience is the aud of access tokens: the resource servers that they are for. Nil means the issuer.
	AccessTokenAudience []string
	// Resources are further resources, each with its own scopes, that tokens can be restricted to (RFC 8707). Such tokens
	// are not for the AccessTokenAudience, unless they have a scope of no resource too.
	Resources []Resource
	// AccessTokenLifetime is at most 24 hours; 0 means 10 minutes. CodeLifetime is at most, and 0 means, one minute.
	AccessTokenLifetime, CodeLifetime time.Duration
	// Audit takes security events. Nil discards them.
	Audit audit.Sink
	// Logger takes what goes wrong inside. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Server is an authorization server. It keeps no state of its own and is safe for concurrent use.
type Server struct {
	issuer              string
	endpoints           Endpoints
	clients             ClientStore
	keyRefresher        KeyRefresher // nil if the ClientStore is none
	keys                keystore.Keystore
	store               store.Ephemeral
	codes               store.Bucket[codeRecord]
	tokens              store.Bucket[AccessToken]
	extension           Extension
	parameters          []string
	pushed              PushedRequests
	requirePushed       bool
	requireSigned       bool
	dpop                *dpop.Verifier
	decrypter           keystore.Decrypter // nil if the keystore decrypts nothing
	decryptionAlgs      []jose.KeyAlgorithm
	serverProfile       Profile
	development         bool
	scopes              []string
	algorithms          []jose.SignatureAlgorithm
	accessTokenAlg      jose.SignatureAlgorithm
	responseAlgs        []jose.SignatureAlgorithm
	fapi2TokenAlg       jose.SignatureAlgorithm
	fapi2Problem        error
	audience            []string
	resources           resources
	accessTokenLifetime time.Duration
	codeLifetime        time.Duration
	sink                audit.Sink
	logger              *slog.Logger
	now                 func() time.Time
	metadata            []byte
}

// New returns a Server, or every mistake in the configuration at once.
func New(c Config) (*Server, error) {
	s := &Server{
		issuer:              c.Issuer,
		endpoints:           c.Endpoints,
		clients:             c.Clients,
		keys:                c.Keys,
		store:               c.Store,
		codes:               store.Bucket[codeRecord]{Store: c.Store, Name: "code", Now: c.Now},
		tokens:              store.Bucket[AccessToken]{Store: c.Store, Name: "token", Now: c.Now},
		extension:           c.Extension,
		pushed:              c.Pushed,
		requirePushed:       c.RequirePushedRequests,
		requireSigned:       c.RequireSignedRequestObjects || c.Profile == ProfileFAPI2MessageSigning,
		dpop:                c.DPoP,
		serverProfile:       c.Profile,
		development:         strings.HasPrefix(c.Issuer, "http:"),
		scopes:              c.Scopes,
		algorithms:          c.Algorithms,
		accessTokenAlg:      c.AccessTokenAlgorithm,
		responseAlgs:        c.AuthorizationResponseAlgorithms,
		audience:            c.AccessTokenAudience,
		resources:           c.Resources,
		accessTokenLifetime: c.AccessTokenLifetime,
		codeLifetime:        c.CodeLifetime,
		sink:                c.Audit,
		logger:              c.Logger,
		now:                 c.Now,
	}
	s.keyRefresher, _ = c.Clients.(KeyRefresher)
	if s.extension != nil {
		s.parameters = s.extension.Parameters()
	}
	if s.algorithms == nil {
		s.algorithms = slices.DeleteFunc(jwt.Algorithms(), func(alg jose.SignatureAlgorithm) bool { return !c.Profile.Allows(alg) })
	}
	if s.accessTokenAlg == "" {
		s.accessTokenAlg = jose.ES256
	}
	if s.responseAlgs == nil {
		s.responseAlgs = []jose.SignatureAlgorithm{s.accessTokenAlg}
	}
	if s.audience == nil {
		s.audience = []string{s.issuer}
	}
	if s.accessTokenLifetime == 0 {
		s.accessTokenLifetime = defaultAccessTokenLifetime
	}
	if s.codeLifetime == 0 {
		s.codeLifetime = defaultCodeLifetime
	}
	if s.sink == nil {
		s.sink = audit.Discard
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.prepareFAPI2()
	if err := errors.Join(s.prepareDecryption(), s.validate()); err != nil {
		return nil, err
	}
	metadata, err := json.Marshal(s.Metadata())
	if err != nil {
		return nil, fmt.Errorf("oauth: encode the metadata: %w", err)
	}
	s.metadata = metadata
	return s, nil
}

// prepareDecryption finds out what clients can encrypt for the provider: that which it publishes keys for.
func (s *Server) prepareDecryption() error {
	decrypter, ok := s.keys.(keystore.Decrypter)
	if !ok {
		return nil
	}
	keys, err := s.keys.Keys(context.Background())
	if err != nil {
		return fmt.Errorf("oauth: read the public keys: %w", err)
	}
	if s.decryptionAlgs = keystore.PublishedDecryptionAlgorithms(keys); len(s.decryptionAlgs) > 0 {
		s.decrypter = decrypter
	}
	return nil
}

func (s *Server) validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("oauth: "+format, args...)) }
	if err := CheckIssuer(s.issuer); err != nil {
		errs = append(errs, err)
	}
	for _, endpoint := range []struct {
		name, url string
		required  bool
	}{
		{"Authorization", s.endpoints.Authorization, true},
		{"Token", s.endpoints.Token, true},
		{"Introspection", s.endpoints.Introspection, false},
		{"Revocation", s.endpoints.Revocation, false},
		{"JWKS", s.endpoints.JWKS, false},
		{"PushedRequests", s.endpoints.PushedRequests, false},
	} {
		if err := checkURL(endpoint.url); err != nil && (endpoint.required || endpoint.url != "") {
			fail("Config.Endpoints.%s %w", endpoint.name, err)
		}
	}
	for _, scope := range s.scopes {
		if !validScope(scope) {
			fail("Config.Scopes: %q is malformed", scope)
		}
	}
	if (s.endpoints.PushedRequests == "") != (s.pushed == nil) {
		fail("Config.Pushed and the URL of its endpoint need each other")
	}
	if s.requirePushed && s.pushed == nil {
		fail("Config.RequirePushedRequests needs Config.Pushed")
	}
	if s.clients == nil {
		fail("Config.Clients is missing")
	}
	if s.store == nil {
		fail("Config.Store is missing")
	}
	if s.keys == nil {
		fail("Config.Keys is missing")
	} else if _, err := s.keys.Signer(context.Background(), keystore.TokenSigning, s.accessTokenAlg); err != nil {
		fail("access tokens cannot be signed with %s: %w", s.accessTokenAlg, err)
	} else {
		for _, alg := range s.responseAlgs {
			if _, err := s.keys.Signer(context.Background(), keystore.ResponseSigning, alg); err != nil {
				fail("authorization responses cannot be signed with %s: %w", alg, err)
			}
		}
	}
	if !slices.Contains(s.responseAlgs, s.accessTokenAlg) {
		fail("Config.AuthorizationResponseAlgorithms lacks %s, the default", s.accessTokenAlg)
	}
	if err := jwt.CheckAlgorithms(s.algorithms); err != nil {
		errs = append(errs, err)
	}
	if len(s.audience) == 0 || slices.Contains(s.audience, "") {
		fail("Config.AccessTokenAudience has an empty value")
	}
	errs = append(errs, s.resources.check()...)
	if s.accessTokenLifetime < minAccessTokenLifetime || s.accessTokenLifetime > maxAccessTokenLifetime {
		fail("Config.AccessTokenLifetime must be between %v and %v", minAccessTokenLifetime, maxAccessTokenLifetime)
	}
	if s.codeLifetime < time.Second || s.codeLifetime > defaultCodeLifetime {
		fail("Config.CodeLifetime must be between one second and one minute")
	}
	if s.clients != nil {
		errs = append(errs, s.validateProfile())
	}
	return errors.Join(errs...)
}

// CheckIssuer says what is wrong with an issuer identifier.
func CheckIssuer(issuer string) error {
	err := checkURL(issuer)
	switch {
	case err != nil:
		return fmt.Errorf("oauth: the issuer %w", err)
	case strings.Contains(issuer, "?"):
		return errors.New("oauth: the issuer must have no query")
	case strings.HasSuffix(issuer, "/"):
		return errors.New("oauth: the issuer must not end with a slash")
	}
	return nil
}

// checkURL says what is wrong with a URL of the provider's own.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil:
		return errors.New("must be an absolute URL with a host")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return errors.New("must be an https URL, or http on a loopback host")
	case strings.Contains(s, "#"):
		return errors.New("must have no fragment")
	}
	return nil
}

// client returns an active client. Identifiers that no client can have never reach the store, which may be a database
// that refuses some bytes. A store that breaks its contract and returns neither client nor error counts as "unknown", and
// so does a client that breaks its profile.
func (s *Server) client(ctx context.Context, id string) (*Client, error) {
	if !validIdentifier(id) {
		return nil, ErrUnknownClient
	}
	c, err := s.clients.Client(ctx, id)
	if err == nil && (c == nil || c.ID != id) {
		return nil, ErrUnknownClient
	}
	if err != nil {
		return nil, err
	}
	if err := s.checkProfile(c); err != nil {
		s.logger.LogAttrs(ctx, slog.LevelError, "client is not served", slog.Any("error", err))
		return nil, ErrUnknownClient
	}
	return c, nil
}
