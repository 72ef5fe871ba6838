package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

// idTokenClaims are the claims that an ID Token has by itself (OpenID Connect Core sections 2 and 3.1.3.6).
type idTokenClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  string   `json:"aud"`
	Expiry    int64    `json:"exp"`
	IssuedAt  int64    `json:"iat"`
	AuthTime  int64    `json:"auth_time"`
	Nonce     string   `json:"nonce,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	TokenHash string   `json:"at_hash,omitempty"`
}

// idToken returns the signed, and perhaps encrypted, ID Token with further claims, a JSON object that has none of its own.
func (p *Provider) idToken(ctx context.Context, x *oauth.Exchange, a *Authorization, claims []byte) (string, error) {
	key, err := p.config.Keys.Signer(ctx, keystore.TokenSigning, p.idTokenAlgorithm(x.Client))
	if err != nil {
		return "", fmt.Errorf("oidc: signing an ID Token: %w", err)
	}
	expiry := x.IssuedAt.Add(p.config.IDTokenLifetime)
	if end := x.Grant.ExpiresAt; !end.IsZero() && end.Before(expiry) {
		expiry = end
	}
	payload, err := json.Marshal(&idTokenClaims{
		Issuer:    p.config.Issuer,
		Subject:   x.Grant.Subject,
		Audience:  x.Client.ID,
		Expiry:    expiry.Unix(),
		IssuedAt:  x.IssuedAt.Unix(),
		AuthTime:  x.Grant.AuthTime.Unix(),
		Nonce:     a.Nonce,
		ACR:       x.Grant.ACR,
		AMR:       x.Grant.AMR,
		SessionID: a.SessionID,
		TokenHash: tokenHash(key.Algorithm(), x.AccessToken),
	})
	if err != nil {
		return "", fmt.Errorf("oidc: encoding an ID Token: %w", err)
	}
	token, err := key.Sign(ctx, "JWT", joinObjects(payload, claims))
	if err != nil {
		return "", fmt.Errorf("oidc: signing an ID Token: %w", err)
	}
	if token, err = p.encrypt(ctx, x.Client, x.Client.IDTokenEncryption, token); err != nil {
		return "", fmt.Errorf("oidc: encrypting an ID Token: %w", err)
	}
	return token, nil
}

// tokenHash returns at_hash: the left half of the hash that belongs to the algorithm (OpenID Connect Core section
// 3.1.3.6). For EdDSA that is the hash inside Ed25519.
func tokenHash(alg jose.SignatureAlgorithm, token string) string {
	var hash []byte
	switch alg {
	case jose.ES384:
		h := sha512.Sum384([]byte(token))
		hash = h[:]
	case jose.EdDSA:
		h := sha512.Sum512([]byte(token))
		hash = h[:]
	default: // ES256, PS256, RS256
		h := sha256.Sum256([]byte(token))
		hash = h[:]
	}
	return base64.RawURLEncoding.EncodeToString(hash[:len(hash)/2])
}

// joinObjects returns the JSON object that has the members of both, of which the first has some.
func joinObjects(a, b []byte) []byte {
	if len(b) <= len("{}") {
		return a
	}
	joined := make([]byte, 0, len(a)+len(b))
	joined = append(joined, a[:len(a)-1]...)
	joined = append(joined, ',')
	return append(joined, b[1:]...)
}
