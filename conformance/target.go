package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Target is a provider to check, and what the checks need to know of it: two clients for each group of checks, and how
// a person logs in. It can be read from JSON; the fields without a JSON name are for Go programs.
type Target struct {
	// Issuer is the provider's issuer identifier. Required.
	Issuer string `json:"issuer"`
	// Profiles are the clients by group of checks; see [Groups] for the names. A group runs if its name is here.
	// At least one is required.
	Profiles map[string]*Profile `json:"profiles"`
	// Login is how a person logs in, in the order in which the steps are tried on each page. Required unless Person is
	// set or no group needs a login.
	Login Script `json:"login"`
	// LoginHint and Locale are values for login_hint, and for ui_locales and claims_locales. Empty means an invented
	// e-mail address, and "se".
	LoginHint string `json:"login_hint,omitempty"`
	Locale    string `json:"locale,omitempty"`
	// Concurrency is how many checks run at once. Zero means 8: most of the time is spent waiting for codes to expire.
	Concurrency int `json:"concurrency,omitempty"`
	// Strict makes warnings failures.
	Strict bool `json:"strict,omitempty"`

	// Only decides which checks run, by group and ID. Nil means all.
	Only func(group, id string) bool `json:"-"`
	// Person acts on the provider's pages in place of Login.
	Person Person `json:"-"`
	// Transport sends requests; it may answer in process. Nil means http.DefaultTransport.
	Transport http.RoundTripper `json:"-"`
	// LogoutToken waits for the next logout token that the provider delivers to the first client of the group
	// oidc-logout. Nil means to listen at Profile.BackchannelListen.
	LogoutToken func(context.Context) (string, error) `json:"-"`
	// RotateKeys has the provider sign with new keys. Nil means that only people can do it: the check is skipped.
	RotateKeys func(context.Context) error `json:"-"`
}

// Profile is what a group of checks uses.
type Profile struct {
	// Clients are two clients with different keys. Required, except for groups that only read metadata. The redirect URI
	// of the second has a query.
	Clients []*Client `json:"clients"`
	// Resource is a URL that accepts access tokens. Empty means the userinfo endpoint. Required without OpenID.
	Resource string `json:"resource,omitempty"`
	// BackchannelListen is the address at which the first client's back-channel logout URI is served, such as
	// localhost:9000. Empty, and no Target.LogoutToken: that check is skipped.
	BackchannelListen string `json:"backchannel_listen,omitempty"`
	// FrontchannelLogoutURI is what the first client registered under that name. Empty: that check is skipped.
	FrontchannelLogoutURI string `json:"frontchannel_logout_uri,omitempty"`
	// PostLogoutRedirectURI is what the first client registered. Empty: checks that need it are skipped.
	PostLogoutRedirectURI string `json:"post_logout_redirect_uri,omitempty"`
	// EncryptedClients are registered for userinfo that is signed and then encrypted, each in another way. What none of
	// them is registered for is skipped.
	EncryptedClients []*Client `json:"encrypted_clients,omitempty"`
	// ClaimsRequests are claims parameters with verified_claims that the person has. Empty: that check is skipped.
	ClaimsRequests []json.RawMessage `json:"claims_requests,omitempty"`
}

// Client is a registered client with its private keys.
type Client struct {
	// ID is the client_id. Required.
	ID string `json:"client_id"`
	// Keys holds one private signing key, whose alg is that of assertions and request objects. Without alg it is ES256,
	// PS256 or EdDSA, as the key allows. Required.
	Keys jose.JSONWebKeySet `json:"jwks"`
	// RedirectURI is the one registered redirect URI. It need not exist: it is never called. Required.
	RedirectURI string `json:"redirect_uri"`
	// Scope is what the client may ask for, separated by spaces; two scopes or more let all checks run. Required.
	Scope string `json:"scope"`
	// UserinfoEncryptionAlg and UserinfoEncryptionEnc are how userinfo is encrypted to the private key for encryption
	// that is also in Keys: its use is enc. Empty means that it is not.
	UserinfoEncryptionAlg jose.KeyAlgorithm      `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEncryptionEnc jose.ContentEncryption `json:"userinfo_encrypted_response_enc,omitempty"`
}

// ReadTarget reads a Target from JSON. Unknown members are errors.
func ReadTarget(r io.Reader) (*Target, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	t := new(Target)
	if err := d.Decode(t); err != nil {
		return nil, fmt.Errorf("conformance: read target: %w", err)
	}
	return t, nil
}

// Validate returns everything that is wrong with the target.
func (t *Target) Validate() error {
	var errs []error
	if u, err := url.Parse(t.Issuer); err != nil || u.Host == "" {
		errs = append(errs, fmt.Errorf("issuer %q is not a URL", t.Issuer))
	}
	if len(t.Profiles) == 0 {
		errs = append(errs, errors.New("profiles is empty: nothing to check"))
	}
	needsLogin := false
	for _, name := range slices.Sorted(maps.Keys(t.Profiles)) {
		g, ok := group(name)
		if !ok {
			errs = append(errs, fmt.Errorf("profiles has the unknown group %q", name))
			continue
		}
		if g.needsClients {
			needsLogin = true
			errs = append(errs, t.Profiles[name].validate(g)...)
		}
	}
	if needsLogin && t.Person == nil && len(t.Login.Steps) == 0 {
		errs = append(errs, errors.New("login.steps is empty: nobody could log in"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("conformance: %w", err)
	}
	return nil
}

func (p *Profile) validate(g plan) []error {
	if p == nil || len(p.Clients) != 2 || p.Clients[0] == nil || p.Clients[1] == nil {
		return []error{fmt.Errorf("profiles.%s needs two clients", g.name)}
	}
	var errs []error
	for i, c := range p.Clients {
		for _, err := range c.validate() {
			errs = append(errs, fmt.Errorf("profiles.%s.clients[%d]: %w", g.name, i, err))
		}
	}
	for i, c := range p.EncryptedClients {
		for _, err := range c.validateEncryption() {
			errs = append(errs, fmt.Errorf("profiles.%s.encrypted_clients[%d]: %w", g.name, i, err))
		}
	}
	if len(errs) > 0 {
		return errs
	}
	if p.Clients[0].ID == p.Clients[1].ID {
		errs = append(errs, fmt.Errorf("profiles.%s has one client twice", g.name))
	}
	if !strings.Contains(p.Clients[1].RedirectURI, "?") {
		errs = append(errs, fmt.Errorf("profiles.%s.clients[1]: the redirect_uri needs a query, such as ?dummy1=lorem", g.name))
	}
	for i, c := range p.Clients {
		if openid := slices.Contains(strings.Fields(c.Scope), "openid"); openid != g.openid {
			errs = append(errs, fmt.Errorf("profiles.%s.clients[%d]: the scope openid belongs to OpenID groups, and only to them", g.name, i))
		}
	}
	if !g.openid && p.Resource == "" {
		errs = append(errs, fmt.Errorf("profiles.%s needs a resource: without OpenID there is no userinfo endpoint", g.name))
	}
	return errs
}

func (c *Client) validate() []error {
	var errs []error
	if c.ID == "" {
		errs = append(errs, errors.New("client_id is missing"))
	}
	if _, err := c.key(); err != nil {
		errs = append(errs, err)
	}
	if u, err := url.Parse(c.RedirectURI); err != nil || !u.IsAbs() || u.Fragment != "" {
		errs = append(errs, fmt.Errorf("redirect_uri %q is not an absolute URL without fragment", c.RedirectURI))
	}
	if c.Scope == "" {
		errs = append(errs, errors.New("scope is missing"))
	}
	return errs
}

// validateEncryption returns what is wrong with a client that is registered for encryption.
func (c *Client) validateEncryption() []error {
	if c == nil {
		return []error{errors.New("it is null")}
	}
	errs := c.validate()
	if c.UserinfoEncryptionAlg == "" || c.UserinfoEncryptionEnc == "" {
		errs = append(errs, errors.New("userinfo_encrypted_response_alg or userinfo_encrypted_response_enc is missing"))
	}
	if _, ok := c.encryptionKey(); !ok {
		errs = append(errs, errors.New("jwks has no private key with the use enc"))
	}
	return errs
}

// encryptionKey returns the private key to which answers are encrypted.
func (c *Client) encryptionKey() (jose.JSONWebKey, bool) {
	i := slices.IndexFunc(c.Keys.Keys, func(k jose.JSONWebKey) bool { return k.Use == "enc" && !k.IsPublic() })
	if i < 0 {
		return jose.JSONWebKey{}, false
	}
	return c.Keys.Keys[i], true
}

// key returns the client's signing key, with its algorithm.
func (c *Client) key() (jose.JSONWebKey, error) {
	for _, k := range c.Keys.Keys {
		if k.IsPublic() || k.Use == "enc" {
			continue
		}
		if k.Algorithm == "" {
			k.Algorithm = defaultAlgorithm(k.Key)
		}
		if k.Algorithm != "" {
			return k, nil
		}
	}
	return jose.JSONWebKey{}, errors.New("jwks has no private signing key")
}

// pause waits for d, or until the context ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
