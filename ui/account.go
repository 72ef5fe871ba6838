package ui

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
)

// AccountClientID is the client_id of the account pages: they are a relying party of the provider itself.
const AccountClientID = "signet-account"

const (
	defaultAccountBase   = "/account/"
	defaultAccountMaxAge = 30 * time.Minute
	minAccountSecret     = 32
)

// Consents is what the account pages need of a [consent.Registry], with its contract.
type Consents interface {
	List(ctx context.Context, person string) ([]*consent.Record, error)
	History(ctx context.Context, person, id string) ([]*consent.Record, error)
	Withdraw(ctx context.Context, person, id string) (*consent.Record, error)
}

// Grants gives the account pages what their own logins granted. An [oauth.Server] is one.
type Grants interface {
	TakeGrant(ctx context.Context, clientID, code, verifier string) (*oauth.Grant, error)
}

// RequestPusher keeps the authorization requests of the account pages, which a profile may forbid to be sent by the
// browser. A par.Requests is one.
type RequestPusher interface {
	Push(ctx context.Context, req *oauth.AuthorizationRequest) (requestURI string, err error)
}

// Passkeys are the passkeys of people.
type Passkeys interface {
	// List returns the passkeys of the person, the oldest first.
	List(ctx context.Context, person string) ([]Passkey, error)
	// Remove erases one of them. It is no error if the person has no such passkey.
	Remove(ctx context.Context, person, id string) error
}

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	// ID names it in URLs: of at most 128 letters, digits, "-" and "_". It is no secret.
	ID string
	// CreatedAt is when it was registered, UsedOn the day of the last login with it.
	CreatedAt, UsedOn time.Time
	// BackedUp says that there is a copy elsewhere.
	BackedUp bool
}

// AccountConfig configures the account pages. It is not changed after [UI.Account].
type AccountConfig struct {
	// Consents are those that the pages show. Required.
	Consents Consents
	// Clients knows the names of relying parties, and the pages' own [AccountClient] is among them. Required.
	Clients oauth.ClientStore
	// Requests keeps the requests for the logins to the pages, and Grants takes their codes. Both are required.
	Requests RequestPusher
	Grants   Grants
	// Passkeys are shown on the pages, too. Nil means that there are none.
	Passkeys Passkeys
	// Issuer is the provider's issuer, and AuthorizationEndpoint the URL at which it begins logins. Both are required.
	Issuer, AuthorizationEndpoint string
	// LogoutURL is the provider's end session endpoint, to which logging out of the pages leads. Empty means that only the
	// pages' own session ends.
	LogoutURL string
	// BasePath is the path under which the pages are mounted on the issuer's host, with a slash at both ends. It is not
	// within [Config.BasePath]. Empty means "/account/".
	BasePath string
	// Secret is what the cookies are sealed with. Required, at least 32 random bytes; all instances have the same.
	Secret []byte
	// MaxAge is how long ago the person may have proved who they are when they come to the pages. Zero means 30 minutes.
	MaxAge time.Duration
	// ACRValues are the authentication contexts of which a login to the pages must meet one. Nil means any.
	ACRValues []string
}

// Account shows people what they share with whom, has them withdraw it, and manages their passkeys. It is safe for
// concurrent use.
//
// People get in by logging in at the provider, like at any relying party. The session after that is ten minutes long, and
// is prolonged by each page, to half an hour at most. It is kept in a sealed cookie and nowhere else: who copies the cookie
// from the person's browser has the session until it ends, whether or not the person logs out.
type Account struct {
	ui          *UI
	c           AccountConfig
	path        string
	redirectURI string
	// session and attempts are the cookies.
	session, attempts sealedCookie
}

// Account returns the account pages, which look like the login's and link its assets, or all that is wrong with the
// configuration.
func (u *UI) Account(c AccountConfig) (*Account, error) {
	c.BasePath = cmp.Or(c.BasePath, defaultAccountBase)
	c.MaxAge = cmp.Or(c.MaxAge, defaultAccountMaxAge)
	a := &Account{ui: u, c: c, path: c.BasePath, redirectURI: accountRedirectURI(c.Issuer, c.BasePath)}
	var errs []error
	refuse := func(wrong bool, what string) {
		if wrong {
			errs = append(errs, errors.New("ui: AccountConfig."+what))
		}
	}
	refuse(c.Consents == nil, "Consents is missing")
	refuse(c.Clients == nil, "Clients is missing")
	refuse(c.Requests == nil, "Requests is missing")
	refuse(c.Grants == nil, "Grants is missing")
	refuse(!absolute(c.Issuer), "Issuer is not an absolute URL")
	refuse(!absolute(c.AuthorizationEndpoint), "AuthorizationEndpoint is not an absolute URL")
	refuse(c.LogoutURL != "" && !absolute(c.LogoutURL), "LogoutURL is not an absolute URL")
	refuse(!basePath.MatchString(c.BasePath) || c.BasePath == "/" || strings.HasPrefix(c.BasePath, u.base),
		fmt.Sprintf("BasePath %q is not a path of its own with a slash at both ends", c.BasePath))
	refuse(len(c.Secret) < minAccountSecret, fmt.Sprintf("Secret needs at least %d bytes", minAccountSecret))
	refuse(c.MaxAge < 0, "MaxAge is negative")
	var err error
	// Providers that share a host and a secret do not share sessions.
	if a.session, err = newSealedCookie(u.cookies, c.Secret, "account", c.Issuer+" "+c.BasePath); err != nil {
		errs = append(errs, err)
	}
	if a.attempts, err = newSealedCookie(u.cookies, c.Secret, "account-login", c.Issuer+" "+c.BasePath); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	a.c.Secret = nil
	return a, nil
}

func absolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != ""
}

// accountRedirectURI is where the provider answers the pages' logins. It is empty if the issuer is no URL.
func accountRedirectURI(issuer, base string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + base + "callback"
}

// AccountClient returns the registration of the account pages, which the provider's clients have to include; an empty base
// path means the default. Its codes come to the pages alone, which take them without the token endpoint. Nobody can
// authenticate as this client: its public key is no key that was generated but the hash of a sentence, and nobody knows
// a private key for it, if there is one.
func AccountClient(issuer, base string) *oauth.Client {
	key := sha256.Sum256([]byte("signet: nobody has the private key of the account pages"))
	return &oauth.Client{
		ID:                 AccountClientID,
		Names:              map[string]string{"": "My account"},
		RedirectURIs:       []string{accountRedirectURI(issuer, cmp.Or(base, defaultAccountBase))},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: ed25519.PublicKey(key[:]), KeyID: "none", Use: "sig"}}},
		AssertionAlgorithm: jose.EdDSA,
		Scopes:             []string{"openid"},
	}
}

var _ http.Handler = (*Account)(nil)
