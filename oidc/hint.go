package oidc

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/oauth"
)

// maxHint bounds the size of an id_token_hint.
const maxHint = 64 << 10

// hintedSubject returns the subject of an ID Token that the provider once issued to the client, or to another client of
// its sector, perhaps long expired. ID Tokens of other sectors are refused: that a login succeeds or fails with one
// would tell two clients whether they know the same person, which pairwise subjects are there to hide.
func (p *Provider) hintedSubject(ctx context.Context, c *oauth.Client, hint string) (string, error) {
	unusable := func(cause error) error {
		e := invalidRequest("id_token_hint is not an ID Token of this provider for the client")
		e.Cause = cause
		return e
	}
	if len(hint) > maxHint {
		return "", unusable(nil)
	}
	token, err := jose.ParseSignedCompact(hint, p.config.Algorithms)
	if err != nil {
		return "", unusable(err)
	}
	keys, err := p.config.Keys.Keys(ctx)
	if err != nil {
		return "", err
	}
	payload, err := verify(token, keys)
	if err != nil {
		return "", unusable(err)
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		Expiry   int64  `json:"exp"`
		AuthTime int64  `json:"auth_time"`
	}
	// The other tokens that the same keys sign are told apart by their type, and userinfo has neither exp nor auth_time.
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Issuer != p.config.Issuer ||
		claims.Subject == "" || claims.Expiry == 0 || claims.AuthTime == 0 {
		return "", unusable(err)
	}
	if claims.Audience != c.ID {
		audience, err := p.config.Clients.Client(ctx, claims.Audience)
		if errors.Is(err, oauth.ErrUnknownClient) {
			return "", unusable(err)
		}
		if err != nil {
			return "", err
		}
		if audience.Sector() != c.Sector() {
			return "", unusable(nil)
		}
	}
	return claims.Subject, nil
}

// verify returns the payload of a token that one of the keys signed.
func verify(token *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, error) {
	header := token.Signatures[0].Header
	if typ, ok := header.ExtraHeaders[jose.HeaderType]; ok && typ != "JWT" {
		return nil, errors.New("oidc: not an ID Token")
	}
	for _, key := range keys {
		if key.KeyID == header.KeyID && key.Algorithm == header.Algorithm {
			return token.Verify(key)
		}
	}
	return nil, errors.New("oidc: not signed by a key that is published")
}
