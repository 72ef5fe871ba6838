package oidc

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

const (
	// typeLogoutToken is the typ of logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.4).
	typeLogoutToken = "logout+jwt"

	// logoutTokenLifetime is what section 2.4 recommends at most.
	logoutTokenLifetime = 2 * time.Minute
)

// logoutTokenClaims are the claims of OpenID Connect Back-Channel Logout 1.0 section 2.4.
type logoutTokenClaims struct {
	Issuer    string       `json:"iss"`
	Subject   string       `json:"sub"`
	Audience  string       `json:"aud"`
	IssuedAt  int64        `json:"iat"`
	Expiry    int64        `json:"exp"`
	ID        string       `json:"jti"`
	Events    logoutEvents `json:"events"`
	SessionID string       `json:"sid"`
}

type logoutEvents struct {
	Backchannel struct{} `json:"http://schemas.openid.net/event/backchannel-logout"`
}

// logoutToken tells the client that the session is over. It is signed as the client's ID Tokens are.
func (p *Provider) logoutToken(ctx context.Context, c *oauth.Client, subject, sid string) (string, error) {
	key, err := p.config.Keys.Signer(ctx, keystore.TokenSigning, p.idTokenAlgorithm(c))
	if err != nil {
		return "", fmt.Errorf("oidc: signing a logout token: %w", err)
	}
	now := p.config.Now()
	token, err := key.SignJSON(ctx, typeLogoutToken, &logoutTokenClaims{
		Issuer:    p.config.Issuer,
		Subject:   subject,
		Audience:  c.ID,
		IssuedAt:  now.Unix(),
		Expiry:    now.Add(logoutTokenLifetime).Unix(),
		ID:        rand.Text(),
		SessionID: sid,
	})
	if err != nil {
		return "", fmt.Errorf("oidc: signing a logout token: %w", err)
	}
	return token, nil
}
