package oidc

import (
	"context"
	"errors"
	"fmt"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/oauth"
)

// hintedSubject returns the subject of an ID Token that the provider once issued to the client, or to another client of
// its sector, perhaps long expired. ID Tokens of other sectors are refused: that a login succeeds or fails with one
// would tell two clients whether they know the same person, which pairwise subjects are there to hide.
func (p *Provider) hintedSubject(ctx context.Context, c *oauth.Client, hint string) (string, error) {
	claims, err := p.verifyHint(ctx, hint)
	if err != nil {
		return "", err
	}
	if claims.Audience.Is(c.ID) {
		return claims.Subject, nil
	}
	audience := ""
	if len(claims.Audience.Values) == 1 {
		audience = claims.Audience.Values[0]
	}
	other, err := p.config.Clients.Client(ctx, audience)
	switch {
	case errors.Is(err, oauth.ErrUnknownClient):
		return "", unusableHint(err)
	case err != nil:
		return "", fmt.Errorf("oidc: looking up the audience of id_token_hint: %w", err)
	case other.Sector() != c.Sector():
		return "", unusableHint(errors.New("oidc: it was issued to a client of another sector"))
	}
	return claims.Subject, nil
}

// verifyHint returns the claims of an ID Token of the provider, expired or not. The access tokens that the same keys
// sign are told apart by their type, and userinfo has no exp.
func (p *Provider) verifyHint(ctx context.Context, hint string) (*jwt.Claims, error) {
	token, err := jwt.Parse(hint, p.config.Algorithms)
	if err != nil {
		return nil, unusableHint(err)
	}
	if !token.HasType("JWT") {
		return nil, unusableHint(errors.New("oidc: it is not of type JWT"))
	}
	keys, err := p.config.Keys.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("oidc: verifying id_token_hint: %w", err)
	}
	payload, err := token.Verify(keys)
	if err != nil {
		return nil, unusableHint(err)
	}
	claims, err := jwt.DecodeClaims(payload)
	if err != nil {
		return nil, unusableHint(err)
	}
	if claims.Issuer != p.config.Issuer || claims.Subject == "" || claims.ExpiresAt.IsZero() {
		return nil, unusableHint(errors.New("oidc: it is not an ID Token of this issuer"))
	}
	return claims, nil
}

func unusableHint(cause error) error {
	e := invalidRequest("id_token_hint is not an ID Token that this provider issued to the client")
	e.Parameter, e.Cause = "id_token_hint", cause
	return e
}
