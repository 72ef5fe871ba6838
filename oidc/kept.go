package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
)

// What userinfo needs is kept with the access token, sealed under it, and says by its JSON type what it is: an object
// holds claims, a string is a JWT of the identity system, and an array holds the Authorization with which to fetch one or
// the other. So a token is read as it was meant, whatever the configuration has become since.

// keep returns what the person shares at userinfo: an object or a string.
func (r *released) keep(a *Authorization) (json.RawMessage, error) {
	if r.signed != "" && len(a.Userinfo)+len(a.VerifiedUserinfo) > 0 {
		return json.Marshal(r.signed)
	}
	return r.object(a.Userinfo, a.VerifiedUserinfo)
}

// keepAuthorization returns an array.
func keepAuthorization(a json.RawMessage) json.RawMessage {
	kept := append(make(json.RawMessage, 0, len(a)+len("[]")), '[')
	return append(append(kept, a...), ']')
}

// kept returns what the access token has for userinfo, an object or a string, which is fetched now if only the
// Authorization was kept.
func (p *Provider) kept(ctx context.Context, c *oauth.Client, t *oauth.AccessToken) (json.RawMessage, error) {
	if len(t.Data) == 0 || t.Data[0] != '[' {
		return t.Data, nil
	}
	a, err := p.authorization(c, &t.Grant, bytes.TrimSuffix(t.Data[1:], []byte("]")))
	if err != nil {
		return nil, err
	}
	released, err := p.release(ctx, c, &t.Grant, a, a.forUserinfo())
	if refused(err) {
		return nil, invalidToken(err)
	}
	var kept json.RawMessage
	if err == nil {
		kept, err = released.keep(a)
	}
	if err != nil {
		return nil, &oauth.Error{
			Code:        oauth.TemporarilyUnavailable,
			Description: "the identity system does not answer",
			Status:      http.StatusServiceUnavailable,
			Cause:       err,
		}
	}
	return kept, nil
}

// authorization reads what the person agreed to when the grant was made.
func (p *Provider) authorization(c *oauth.Client, g *oauth.Grant, data json.RawMessage) (*Authorization, error) {
	var a Authorization
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, fmt.Errorf("oidc: the grant carries no authorization: %w", err)
	}
	if p.Subject(c, a.Identity.Subject) != g.Subject {
		return nil, errors.New("oidc: the grant and its authorization are for different people")
	}
	return &a, nil
}

// release fetches what the person shares from the identity system: the claims of the part, which is all or some of the
// authorization. See refused for a person whom it no longer vouches for.
func (p *Provider) release(
	ctx context.Context, c *oauth.Client, g *oauth.Grant, a, part *Authorization,
) (*released, error) {
	names, verified := part.names()
	if len(names) == 0 {
		return new(released), nil
	}
	claims, err := p.config.Claims.Claims(ctx, &authenticator.ClaimsRequest{
		Transaction: g.Transaction,
		ClientID:    c.ID,
		Identity:    a.Identity,
		Names:       names,
		Verified:    verified,
		Locales:     a.ClaimsLocales,
	})
	if err != nil {
		return nil, fmt.Errorf("oidc: releasing claims: %w", err)
	}
	if claims == nil {
		claims = new(authenticator.Claims)
	}
	r, err := p.newReleased(ctx, claims, a.ClaimsLocales, a.plain())
	if err != nil {
		return nil, err
	}
	r.signed = r.original(c, claims.Original)
	return r, nil
}

// refused says whether the identity system answered, and does not release the claims of the person any more.
func refused(err error) bool {
	e, ok := errors.AsType[*authenticator.Error](err)
	return ok && e.Reason != authenticator.Unavailable
}
