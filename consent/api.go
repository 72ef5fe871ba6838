package consent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/oauth"
)

// DefaultScope is the scope of access tokens for the API, if the configuration names no other.
const DefaultScope = "consents"

// AccessTokens looks up live access tokens. An [oauth.Server] is one.
type AccessTokens interface {
	// AccessToken returns the live token, or an [*oauth.Error] with the code invalid_token. Any other error means that
	// nobody can tell now.
	AccessToken(ctx context.Context, token string) (*oauth.AccessToken, error)
}

// APIConfig configures the API. It is not changed after NewAPI.
type APIConfig struct {
	// Registry has the consents. Required.
	Registry *Registry
	// Tokens looks up access tokens. The person is their [oauth.Grant]'s Person; a token without one is refused. Required.
	Tokens AccessTokens
	// Clients knows whom the tokens were issued to: those of a client that is gone are refused. Required.
	Clients oauth.ClientStore
	// DPoP verifies the proofs that come with tokens which are bound to a key (RFC 9449). Required: such a token is taken in
	// no other way.
	DPoP *dpop.Verifier
	// URL is where clients reach the list of consents, without a slash at the end: "https://id.example/consents". The
	// handler serves its path and what is below. Required.
	URL string
	// Scope is the one that a token needs. It belongs to no resource of [oauth.Config], and only clients that may see all
	// that a person shares, with whom, are registered for it. Empty means DefaultScope.
	Scope string
	// Logger takes what goes wrong, and never of whom. Nil discards it.
	Logger *slog.Logger
}

// NewAPI returns the API with which people's apps list, prove and withdraw consents, or everything that is wrong with
// the configuration. See the package documentation for what it answers.
func NewAPI(c APIConfig) (http.Handler, error) {
	a := &api{registry: c.Registry, tokens: c.Tokens, clients: c.Clients, scope: cmp.Or(c.Scope, DefaultScope), log: c.Logger}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	var errs []error
	refuse := func(wrong bool, what string) {
		if wrong {
			errs = append(errs, errors.New("consent: APIConfig."+what))
		}
	}
	refuse(c.Registry == nil, "Registry is missing")
	refuse(c.Tokens == nil, "Tokens is missing")
	refuse(c.Clients == nil, "Clients is missing")
	refuse(c.DPoP == nil, "DPoP is missing")
	refuse(strings.ContainsFunc(a.scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }), "Scope is malformed")
	at, err := url.Parse(c.URL)
	refuse(err != nil || at.Scheme == "" || at.Host == "" || at.Path == "" || at.RawQuery != "" || strings.HasSuffix(c.URL, "/"),
		"URL is not an absolute URL with a path and without a slash at the end")
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	a.base = at.EscapedPath()
	a.guard, err = dpop.NewResource(dpop.ResourceConfig{
		Verifier: c.DPoP, Tokens: a.token, AllowBearer: true, Logger: a.log,
		URL: func(r *http.Request) string { return c.URL + strings.TrimPrefix(r.URL.EscapedPath(), a.base) },
	})
	if err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	guarded := a.guard.Handler(http.HandlerFunc(a.serve))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		query, _ := url.ParseQuery(r.URL.RawQuery) // what is malformed elsewhere hides no token
		if r.ContentLength != 0 || query.Has("access_token") {
			a.refuse(w, r, &oauth.Error{Code: oauth.InvalidRequest, Description: "a request has no body, and its token is in the header"})
			return
		}
		guarded.ServeHTTP(w, r)
	}), nil
}

type api struct {
	registry *Registry
	tokens   AccessTokens
	clients  oauth.ClientStore
	guard    *dpop.Resource
	base     string
	scope    string
	log      *slog.Logger
}

// token is what a token stands for, as dpop has it.
func (a *api) token(ctx context.Context, token string) (*dpop.Token, error) {
	var client *oauth.Client
	t, err := a.tokens.AccessToken(ctx, token)
	if err == nil {
		client, err = a.clients.Client(ctx, t.ClientID)
	}
	e, refused := errors.AsType[*oauth.Error](err)
	switch {
	case refused && e.Code == oauth.InvalidToken, errors.Is(err, oauth.ErrUnknownClient):
		return nil, fmt.Errorf("%w: %w", dpop.ErrInvalidToken, err)
	case err != nil:
		return nil, err
	}
	return &dpop.Token{Thumbprint: t.DPoPThumbprint, RequireNonce: client.RequireDPoPNonce, ACR: t.Grant.ACR, AuthTime: t.Grant.AuthTime, Claims: t}, nil
}

// serve answers a request whose token is live, and was proved to be the sender's if it is bound.
func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	access, ok := dpop.FromContext(r.Context())
	if !ok {
		a.fail(w, r, errors.New("consent: the request came around the proof"))
		return
	}
	t, ok := access.Token.Claims.(*oauth.AccessToken)
	switch {
	case !ok:
		a.fail(w, r, errors.New("consent: the request came without an access token"))
	case !slices.Contains(t.Grant.Scope, a.scope):
		a.refuse(w, r, &oauth.Error{Code: oauth.InsufficientScope, Description: "the access token lacks the scope " + a.scope})
	case t.Grant.Person == "":
		a.refuse(w, r, &oauth.Error{Code: oauth.InsufficientScope, Description: "the access token stands for no person"})
	default:
		a.route(w, r, t.Grant.Person)
	}
}
