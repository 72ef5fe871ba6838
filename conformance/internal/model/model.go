// Package model is a small OpenID Provider in memory, made to be checked: it does everything right, or everything but
// one thing. It shares no code with Signet and with the checks, so that neither proves itself.
package model

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Username and Password are those of the one person whom the provider knows.
const (
	Username = "ada"
	Password = "lovelace"
)

// Config says what the provider is like.
type Config struct {
	// Issuer is its URL. Required.
	Issuer string
	// Keys are its private keys: an RSA key for OpenID clients, and an ES256 key for FAPI clients. Required.
	Keys []jose.JSONWebKey
	// Clients are the registered clients.
	Clients []Client
	// Broken is the one rule that the provider does not keep. Empty: it keeps all.
	Broken Rule
	// Tamper changes what the provider sends. Fields that are nil change nothing.
	Tamper Tamper
	// Nonces has the provider demand DPoP nonces.
	Nonces bool
	// RefreshTokens has it issue refresh tokens. RotateRefreshTokens has it replace them, and keep the old ones valid.
	RefreshTokens, RotateRefreshTokens bool
	// Assurance has it deliver verified claims (OpenID Identity Assurance).
	Assurance bool
	// LogoutToken gets the logout tokens of clients with a back channel. Nil: they are not delivered.
	LogoutToken func(token string)
}

// Client is a registration.
type Client struct {
	ID           string
	Keys         jose.JSONWebKeySet
	RedirectURIs []string
	Scopes       []string
	// FAPI demands what FAPI 2.0 does, and Signed request objects too.
	FAPI, Signed bool

	PostLogoutRedirectURIs []string
	FrontchannelLogoutURI  string
	Backchannel            bool

	// UserinfoEncryptionAlg and UserinfoEncryptionEnc have userinfo signed and encrypted to the key whose use is enc.
	UserinfoEncryptionAlg jose.KeyAlgorithm
	UserinfoEncryptionEnc jose.ContentEncryption
}

// Tamper changes answers just before they are sent or signed.
type Tamper struct {
	Metadata      func(map[string]any)
	Keys          func([]map[string]any) []map[string]any
	Push          func(map[string]any)
	Callback      func(url.Values)
	JARM          func(map[string]any)
	TokenResponse func(map[string]any)
	IDToken       func(claims map[string]any)
	Userinfo      func(map[string]any)
	// Verified changes each element of verified_claims.
	Verified    func(element map[string]any)
	LogoutToken func(claims map[string]any)
	Header      func(path string, h http.Header)
}

// Provider is a running provider.
type Provider struct {
	Config
	mux *http.ServeMux

	mu       sync.Mutex
	pushed   map[string]*pushed
	logins   map[string]*login
	sessions map[string]*session
	codes    map[string]*grant
	tokens   map[string]*grant
	refresh  map[string]*grant
	used     map[string]bool // jti of assertions and proofs
	consents map[string]bool // client and scope
	nonce    string
}

// New returns a provider.
func New(c Config) *Provider {
	p := &Provider{
		Config: c, mux: http.NewServeMux(),
		pushed: map[string]*pushed{}, logins: map[string]*login{}, sessions: map[string]*session{},
		codes: map[string]*grant{}, tokens: map[string]*grant{}, refresh: map[string]*grant{},
		used: map[string]bool{}, consents: map[string]bool{}, nonce: random(32),
	}
	p.mux.HandleFunc("GET /.well-known/openid-configuration", p.serveMetadata)
	p.mux.HandleFunc("GET /.well-known/oauth-authorization-server", p.serveMetadata)
	p.mux.HandleFunc("GET /jwks", p.serveKeys)
	p.mux.HandleFunc("/par", p.servePush)
	p.mux.HandleFunc("/authorize", p.serveAuthorize)
	p.mux.HandleFunc("/login", p.serveLogin)
	p.mux.HandleFunc("/consent", p.serveConsent)
	p.mux.HandleFunc("POST /cancel", p.serveCancel)
	p.mux.HandleFunc("POST /token", p.serveToken)
	p.mux.HandleFunc("/userinfo", p.serveUserinfo)
	p.mux.HandleFunc("/logout", p.serveLogout)
	return p
}

// ServeHTTP answers one request at a time.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mux.ServeHTTP(&tampering{ResponseWriter: w, p: p, path: r.URL.Path}, r)
}

// AddKey signs with a new key from now on, and keeps the old one published.
func (p *Provider) AddKey(key jose.JSONWebKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Keys = append([]jose.JSONWebKey{key}, p.Keys...)
}

// keeps says whether the provider keeps the rule.
func (p *Provider) keeps(r Rule) bool { return p.Broken != r }

func (p *Provider) client(id string) *Client {
	i := slices.IndexFunc(p.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &p.Clients[i]
}

// tampering changes the header at the last moment.
type tampering struct {
	http.ResponseWriter
	p       *Provider
	path    string
	started bool
}

func (t *tampering) WriteHeader(status int) {
	if !t.started && t.p.Tamper.Header != nil {
		t.p.Tamper.Header(t.path, t.Header())
	}
	t.started = true
	t.ResponseWriter.WriteHeader(status)
}

func (t *tampering) Write(b []byte) (int, error) {
	if !t.started {
		t.WriteHeader(http.StatusOK)
	}
	return t.ResponseWriter.Write(b)
}

// refused is an OAuth error.
type refused struct {
	code, description string
	status            int
}

func refuse(code, description string) *refused {
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
	}
	return &refused{code, description, status}
}

func (p *Provider) writeError(w http.ResponseWriter, e *refused) {
	description := e.description
	if !p.keeps(ErrorCharacters) {
		description = "the \"quoted\" reason"
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, e.status, map[string]any{"error": e.code, "error_description": description})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// random returns n random bytes in base64url.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// secret returns a value that cannot be guessed, unless that is the broken rule.
func (p *Provider) secret(r Rule) string {
	if p.keeps(r) {
		return random(32)
	}
	return random(9)
}

func fields(s string) []string { return strings.Fields(s) }

func now() int64 { return time.Now().Unix() }
