package oidc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
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
// the claims that the person shares, adds the ID Token to the response, and leaves the claims for userinfo with the
// access token. Other grants pass unchanged.
func (p *Provider) Extend(ctx context.Context, x *oauth.Exchange) error {
	if !slices.Contains(x.Grant.Scope, ScopeOpenID) {
		return nil
	}
	var a Authorization
	if err := json.Unmarshal(x.Grant.Data, &a); err != nil {
		return fmt.Errorf("oidc: the grant carries no authorization: %w", err)
	}
	if p.Subject(x.Client, a.Identity.Subject) != x.Grant.Subject {
		return errors.New("oidc: the grant and its authorization are for different people")
	}
	released, err := p.release(ctx, x, &a)
	if err != nil {
		return err
	}
	userinfo, err := released.object(a.Userinfo, a.VerifiedUserinfo)
	if err != nil {
		return err
	}
	claims, err := released.object(a.IDToken, a.VerifiedIDToken)
	if err != nil {
		return err
	}
	token, err := p.idToken(ctx, x, &a, claims)
	if err != nil {
		return err
	}
	if x.Response == nil {
		x.Response = make(map[string]string, 1)
	}
	x.Response["id_token"] = token
	x.Data = userinfo
	return nil
}

// release fetches what the person shares from the identity system. A person whom it no longer vouches for has withdrawn
// the grant; when it does not answer, the exchange fails.
func (p *Provider) release(ctx context.Context, x *oauth.Exchange, a *Authorization) (*released, error) {
	names, verified := a.names()
	if len(names) == 0 {
		return new(released), nil
	}
	claims, err := p.config.Claims.Claims(ctx, &authenticator.ClaimsRequest{
		Transaction: x.Grant.Transaction,
		ClientID:    x.Client.ID,
		Identity:    a.Identity,
		Names:       names,
		Verified:    verified,
		Locales:     a.ClaimsLocales,
	})
	if e, ok := errors.AsType[*authenticator.Error](err); ok && e.Reason != authenticator.Unavailable {
		return nil, &oauth.Error{
			Code:        oauth.InvalidGrant,
			Description: "the identity system does not release the claims of this person any more",
			Cause:       err,
		}
	}
	if err != nil {
		return nil, fmt.Errorf("oidc: releasing claims: %w", err)
	}
	if claims == nil {
		claims = new(authenticator.Claims)
	}
	return p.newReleased(ctx, claims, a.ClaimsLocales, a.plain())
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
