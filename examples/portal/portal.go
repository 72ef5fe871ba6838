// Package portal is a health portal that people enter with their national ID: a relying party to copy from, built on
// zitadel/oidc.
//
// It does what a relying party should do and many do not. It discovers the provider, uses PKCE, and authenticates with
// private_key_jwt. State, nonce and code verifier are random for every login and bound to the browser, one login per
// tab if need be. It checks the iss parameter of the response (RFC 9207), verifies the ID Token and the signed
// userinfo, and keeps what it learned on the server: the browser holds an opaque cookie and no token.
//
// It asks for claims together with how they were verified (OpenID Identity Assurance), has userinfo and ID Tokens
// encrypted to its key, notices when access ends, and has people prove more of themselves where a page demands it
// (RFC 9470).
//
// It logs people in by plain OpenID Connect or by FAPI 2.0, and shows them the difference: in FAPI 2.0 the authorization
// request is pushed (RFC 9126), so that the browser carries a reference to it, and tokens are bound to a key of the portal
// with DPoP (RFC 9449), so that they are worth nothing to a thief.
//
// The package uses nothing of Signet but the client side of DPoP and the sign-in button, and works with any OpenID Provider that does the same
// standards.
package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
)

// Paths of the portal, beside that of the redirect URI.
const (
	homePath    = "/"
	loginPath   = "/login"
	profilePath = "/profile"
	recordPath  = "/record"
	logoutPath  = "/logout"
	buttonsPath = "/buttons"
	assetsPath  = "/assets/"
)

// Config configures a [Portal]. It is not changed after New.
type Config struct {
	// Issuer is the issuer identifier of the provider. Required. The provider need not run yet: it is discovered when
	// the first person logs in.
	Issuer string
	// ClientID is the portal's client_id at the provider. Required.
	ClientID string
	// Key is the private key of the portal's client assertions; its KeyID is sent along. Required. An empty Algorithm
	// means ES256.
	Key jose.JSONWebKey
	// RedirectURI is where the provider sends people back, as registered: an absolute URL of this portal, with a path
	// that the portal does not use otherwise. Required. The portal's cookies are Secure if it is https.
	RedirectURI string
	// Scopes are the scopes to ask for. Nil means openid and profile.
	Scopes []string
	// Claims is the claims parameter (OpenID Connect Core section 5.5), a JSON object. Nil means none.
	Claims json.RawMessage
	// VerifiedClaims are the claims to have together with how they were verified (OpenID Identity Assurance), by the
	// evidence that the provider announces. Nil means none, and so does a provider that announces no verified claims.
	VerifiedClaims []string
	// Purpose is why the portal asks for VerifiedClaims, for people to read: 3 to 300 characters. Empty says nothing.
	Purpose string
	// ClaimsLocales are the languages in which to have claims (BCP 47), in order of preference. Nil leaves it to the
	// provider.
	ClaimsLocales []string
	// ACRValues are the authentication contexts to ask for, in order of preference. Nil leaves it to the provider.
	ACRValues []string
	// EncryptionKey is the private key to which userinfo is encrypted, as the portal is registered with
	// userinfo_encrypted_response_alg: its Algorithm, and an empty one means ECDH-ES. Userinfo that is not encrypted is then
	// refused. The zero value takes userinfo in clear.
	EncryptionKey jose.JSONWebKey
	// EncryptedIDToken says that the portal is also registered with id_token_encrypted_response_alg, for the same key. ID
	// Tokens that are not encrypted are then refused. The zero value takes ID Tokens in clear.
	EncryptedIDToken bool
	// Record says what it takes to see the page with the medical record. The zero value lets in whoever is signed in.
	Record Record
	// AccountURL is where people take back at the provider what they share, for a link on every page. Empty means no link.
	AccountURL string
	// IssOptional accepts an authorization response without iss, from a provider that does not do RFC 9207. The zero
	// value refuses it.
	IssOptional bool
	// FAPI2 makes every login one by FAPI 2.0. The zero value offers the choice on the home page, unless the provider
	// demands pushed requests of all its clients: to such a one the portal always speaks FAPI 2.0.
	FAPI2 bool
	// Client speaks to the provider. Nil means one with a timeout of 10 seconds.
	Client *http.Client
	// Logger takes why logins failed, without personal data. Nil discards it.
	Logger *slog.Logger
	// Now is the clock of the portal's cookies and sessions. Nil means time.Now.
	Now func() time.Time
}

// Portal is the health portal. It serves all its pages, keeps its sessions in memory and is safe for concurrent use.
type Portal struct {
	config   Config
	provider *provider
	secure   bool
	sealer   *sealer
	sessions *sessions
	pages    *pages
	handler  http.Handler
}

// New returns a Portal, or every mistake in the configuration at once.
func New(c Config) (*Portal, error) {
	if c.Scopes == nil {
		c.Scopes = []string{"openid", "profile"}
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Key.Algorithm == "" {
		c.Key.Algorithm = string(jose.ES256)
	}
	if c.EncryptionKey.Algorithm == "" {
		c.EncryptionKey.Algorithm = string(jose.ECDH_ES)
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	pages, err := newPages(c.AccountURL)
	if err != nil {
		return nil, err
	}
	sealer, err := newSealer()
	if err != nil {
		return nil, err
	}
	provider, err := newProvider(c)
	if err != nil {
		return nil, err
	}
	p := &Portal{
		config:   c,
		provider: provider,
		secure:   strings.HasPrefix(c.RedirectURI, "https:"),
		sealer:   sealer,
		sessions: newSessions(c.Now),
		pages:    pages,
	}
	p.handler = p.routes()
	return p, nil
}

// ServeHTTP serves the portal's pages.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

func (p *Portal) routes() http.Handler {
	redirectURI, _ := url.Parse(p.config.RedirectURI)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET "+loginPath, p.login)
	mux.HandleFunc("GET "+redirectURI.Path, p.callback)
	mux.HandleFunc("GET "+profilePath, p.profile)
	mux.HandleFunc("GET "+recordPath, p.record)
	mux.HandleFunc("POST "+logoutPath, p.logout)
	mux.HandleFunc("GET "+buttonsPath, p.buttons)
	p.pages.mount(mux)
	return secureHeaders(http.NewCrossOriginProtection().Handler(mux))
}

// policy is the Content-Security-Policy of pages.
const policy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secureHeaders keeps scripts, frames and foreign content out of every page.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func (c *Config) validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("portal: "+format, args...)) }
	if u, err := url.Parse(c.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		fail("Config.Issuer must be an http or https URL")
	}
	if c.ClientID == "" {
		fail("Config.ClientID is missing")
	}
	if err := checkRedirectURI(c.RedirectURI); err != nil {
		fail("Config.RedirectURI %w", err)
	}
	if !slices.Contains(c.Scopes, "openid") {
		fail("Config.Scopes must include openid")
	}
	if c.Claims != nil {
		if err := json.Unmarshal(c.Claims, &map[string]json.RawMessage{}); err != nil {
			fail("Config.Claims must be a JSON object: %w", err)
		}
	}
	if u, err := url.Parse(c.AccountURL); c.AccountURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		fail("Config.AccountURL must be an http or https URL")
	}
	if n := utf8.RuneCountInString(c.Purpose); c.Purpose != "" && (n < 3 || n > 300) {
		fail("Config.Purpose must have 3 to 300 characters")
	}
	if err := c.checkEncryption(); err != nil {
		fail("Config.EncryptionKey %w", err)
	}
	if err := c.Record.validate(); err != nil {
		fail("Config.Record %w", err)
	}
	if !c.Key.Valid() || c.Key.IsPublic() {
		fail("Config.Key must be a private key")
	} else if _, err := c.signer(); err != nil {
		fail("Config.Key cannot sign with %s: %w", c.Key.Algorithm, err)
	}
	return errors.Join(errs...)
}

func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must be an absolute http or https URL")
	case u.RawQuery != "" || u.Fragment != "" || u.EscapedPath() != u.Path || strings.ContainsAny(u.Path, "{}"):
		return errors.New("must have a plain path, no query and no fragment")
	case u.Path == "" || strings.HasSuffix(u.Path, "/") || strings.HasPrefix(u.Path, assetsPath):
		return errors.New("needs a path of its own")
	case slices.Contains([]string{loginPath, profilePath, recordPath, logoutPath, buttonsPath}, u.Path):
		return errors.New("has the path of another page")
	}
	return nil
}

// signer signs client assertions, and proves at start-up that the key fits its algorithm.
func (c *Config) signer() (jose.Signer, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(c.Key.Algorithm), Key: c.Key}, nil)
	if err != nil {
		return nil, err
	}
	if _, err := signer.Sign(nil); err != nil {
		return nil, err
	}
	return signer, nil
}

func (p *Portal) log(ctx context.Context, message string, err error) {
	p.config.Logger.LogAttrs(ctx, slog.LevelWarn, message, slog.Any("error", err))
}
