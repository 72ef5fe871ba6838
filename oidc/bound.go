package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// refuseBound answers a token that is bound to a key and comes as a bearer token (RFC 9449 section 7.1), and names the
// scheme to use, if there is one here.
func (p *Provider) refuseBound(w http.ResponseWriter, r *http.Request, bound *dpop.Resource) {
	const description = "the access token must be used with the scheme DPoP"
	if bound == nil {
		p.writeError(w, r, &oauth.Error{Code: oauth.InvalidToken, Description: description})
		return
	}
	bound.Refuse(w, r, &dpop.Error{Code: dpop.InvalidToken, Description: description})
}

// boundTokens lets requests through that bring a token which is bound to a key, and a proof by this key. It is nil if
// there are no such tokens.
func (p *Provider) boundTokens(tokens TokenSource) *dpop.Resource {
	if p.config.DPoP == nil {
		return nil
	}
	config := dpop.ResourceConfig{
		Verifier: p.config.DPoP,
		URL:      func(*http.Request) string { return p.config.UserinfoEndpoint },
		Logger:   p.config.Logger,
		// Not for their own sake, which is above, but so that challenges name the scheme too.
		AllowBearer: true,
	}
	if batched, ok := tokens.(BatchedTokenSource); ok {
		config.TokensIn = func(b *store.Batch, token string) func(context.Context) (*dpop.Token, error) {
			find := batched.AccessTokenIn(b, token)
			return func(ctx context.Context) (*dpop.Token, error) {
				t, err := find()
				return p.boundToken(ctx, t, err)
			}
		}
	} else {
		config.Tokens = func(ctx context.Context, token string) (*dpop.Token, error) {
			t, err := tokens.AccessToken(ctx, token)
			return p.boundToken(ctx, t, err)
		}
	}
	resource, err := dpop.NewResource(config)
	if err != nil { // nothing that NewResource needs is missing above
		p.config.Logger.Error("userinfo takes no bound tokens", "error", err)
		return nil
	}
	return resource
}

// boundToken is what a TokenSource returned, as the Resource wants it.
func (p *Provider) boundToken(ctx context.Context, t *oauth.AccessToken, err error) (*dpop.Token, error) {
	var client *oauth.Client
	if err == nil {
		client, err = p.config.Clients.Client(ctx, t.ClientID)
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

// hasScheme reports whether the request's credentials are of the scheme.
func hasScheme(r *http.Request, scheme string) bool {
	s, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(s, scheme)
}
