package esignet

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// scoped adds what is wrong with the scope of a request, whoever the client is.
func scoped[Q interface{ scope() string }](p *authorization) func(q Q, v *violations) {
	return func(q Q, v *violations) { v.check(p.validScope(q.scope()), "request.scope", "invalid_scope") }
}

// validScope says what can be said of a scope without knowing the client: there is one, and claims need openid.
func (p *authorization) validScope(s string) bool {
	scope := strings.Fields(s)
	return len(scope) > 0 && p.withOpenID(scope)
}

// withOpenID reports whether openid is there if it has to be.
func (p *authorization) withOpenID(scope []string) bool {
	return slices.Contains(scope, oidc.ScopeOpenID) || !anyOf(scope, p.OpenID.Metadata(oauth.Metadata{}).ScopesSupported)
}

// reduceScope leaves the scopes out that the client cannot ask for, which the API ignores.
func (p *authorization) reduceScope(ctx context.Context, parameters url.Values) error {
	invalid := &Error{Code: "invalid_scope", Message: "request.scope: invalid_scope"}
	scope := strings.Fields(parameters.Get("scope"))
	client, err := p.Clients.Client(ctx, parameters.Get("client_id"))
	switch {
	case errors.Is(err, oauth.ErrUnknownClient) && !anyOf(scope, p.OpenID.Metadata(p.Server.Metadata()).ScopesSupported):
		return invalid // a scope that nobody knows is found before the client
	case errors.Is(err, oauth.ErrUnknownClient):
		return fail("invalid_client_id", err)
	case err != nil:
		return err
	}
	scope = slices.DeleteFunc(scope, func(s string) bool { return !slices.Contains(client.Scopes, s) })
	if len(scope) == 0 || !p.withOpenID(scope) {
		return invalid
	}
	parameters.Set("scope", strings.Join(scope, " "))
	return nil
}

// anyOf reports whether one of the scopes is among others.
func anyOf(scope, others []string) bool {
	return slices.ContainsFunc(scope, func(s string) bool { return slices.Contains(others, s) })
}
