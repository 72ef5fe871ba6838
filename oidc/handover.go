package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

// Handover is what an ID Token says of a person who is sent to a client in the middle of a login at another one, and brings
// it back as id_token_hint.
type Handover struct {
	// Login names the login, to those who may know. It is the subject of the ID Token: the client learns nothing of who the
	// person is.
	Login string
	// Nonce is the one with which the client is to log the person in.
	Nonce    string
	ACR      string
	AMR      []string
	AuthTime time.Time
	// Lifetime is how long the ID Token is good.
	Lifetime time.Duration
}

// HandOver returns the ID Token for the client. It comes with no access token, and never encrypted, because it comes back.
func (p *Provider) HandOver(ctx context.Context, c *oauth.Client, h *Handover) (string, error) {
	now := p.config.Now()
	payload, err := json.Marshal(&idTokenClaims{
		Issuer:   p.config.Issuer,
		Subject:  h.Login,
		Audience: c.ID,
		Expiry:   now.Add(h.Lifetime).Unix(),
		IssuedAt: now.Unix(),
		AuthTime: h.AuthTime.Unix(),
		Nonce:    h.Nonce,
		ACR:      h.ACR,
		AMR:      h.AMR,
	})
	if err != nil {
		return "", fmt.Errorf("oidc: encoding an ID Token: %w", err)
	}
	key, err := p.config.Keys.Signer(ctx, keystore.TokenSigning, p.idTokenAlgorithm(c))
	if err != nil {
		return "", fmt.Errorf("oidc: signing an ID Token: %w", err)
	}
	token, err := key.Sign(ctx, "JWT", payload)
	if err != nil {
		return "", fmt.Errorf("oidc: signing an ID Token: %w", err)
	}
	return token, nil
}
