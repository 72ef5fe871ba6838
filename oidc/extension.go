package oidc

import (
	"cmp"
	"context"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/oauth"
)

// Parameters implements [oauth.Extension].
func (p *Provider) Parameters() []string {
	return []string{
		"nonce", "display", "prompt", "max_age", "ui_locales", "claims_locales", "id_token_hint", "login_hint",
		"acr_values", "claims",
	}
}

// CheckRequest implements [oauth.Extension]. It refuses what [Provider.ParseRequest] and [Provider.ACRs] refuse, and
// prompt=none with login_required where there are no sessions, so that nobody is ever logged in already.
func (p *Provider) CheckRequest(ctx context.Context, c *oauth.Client, req *oauth.AuthorizationRequest) error {
	r, err := p.ParseRequest(ctx, c, req)
	if err != nil {
		return err
	}
	if _, err := p.ACRs(c, r); err != nil {
		return err
	}
	if r.HasPrompt(PromptNone) && !p.sessions() {
		return &oauth.Error{Code: oauth.LoginRequired, Description: "the person has to log in"}
	}
	if r.OpenID && (!p.signs(p.idTokenAlgorithm(c)) || !p.signs(p.userinfoAlgorithm(c))) {
		return &oauth.Error{
			Code:        oauth.UnauthorizedClient,
			Description: "the client is registered for a signature algorithm that is not supported",
		}
	}
	return nil
}

// Extend implements [oauth.Extension]. For a grant with the scope openid, whose Data is an [Authorization], it fetches
// the claims that the person shares, adds the ID Token to the response, and leaves with the access token what userinfo
// needs. Other grants pass unchanged. A person whom the identity system no longer vouches for has withdrawn the grant; when
// it does not answer, the exchange fails.
func (p *Provider) Extend(ctx context.Context, x *oauth.Exchange) error {
	if !slices.Contains(x.Grant.Scope, ScopeOpenID) {
		return nil
	}
	a, err := p.authorization(x.Client, x.Grant, x.Grant.Data)
	if err != nil {
		return err
	}
	part := a
	if p.config.ClaimsAtUserinfo {
		part = a.forIDToken()
	}
	released, err := p.release(ctx, x.Client, x.Grant, a, part)
	if refused(err) {
		return &oauth.Error{
			Code:        oauth.InvalidGrant,
			Description: "the identity system does not release the claims of this person any more",
			Cause:       err,
		}
	}
	if err != nil {
		return err
	}
	kept := keepAuthorization(x.Grant.Data)
	if !p.config.ClaimsAtUserinfo {
		if kept, err = released.keep(a); err != nil {
			return err
		}
	}
	claims, err := released.object(a.IDToken, a.VerifiedIDToken)
	if err != nil {
		return err
	}
	token, err := p.idToken(ctx, x, a, claims)
	if err != nil {
		return err
	}
	if x.Response == nil {
		x.Response = make(map[string]string, 1)
	}
	x.Response["id_token"] = token
	x.Data = kept
	return nil
}

// sessions reports whether a login can outlive its transaction.
func (p *Provider) sessions() bool { return p.config.EndSessionEndpoint != "" }

func (p *Provider) signs(alg jose.SignatureAlgorithm) bool {
	return slices.Contains(p.config.Algorithms, alg)
}

func (p *Provider) idTokenAlgorithm(c *oauth.Client) jose.SignatureAlgorithm {
	if c.IDTokenAlgorithm != "" || c.Profile.Allows(p.config.DefaultAlgorithm) {
		return cmp.Or(c.IDTokenAlgorithm, p.config.DefaultAlgorithm)
	}
	allowed := slices.IndexFunc(p.config.Algorithms, c.Profile.Allows)
	if allowed < 0 {
		return ""
	}
	return p.config.Algorithms[allowed]
}

func (p *Provider) userinfoAlgorithm(c *oauth.Client) jose.SignatureAlgorithm {
	return cmp.Or(c.UserinfoAlgorithm, p.idTokenAlgorithm(c))
}
