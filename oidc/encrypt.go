package oidc

import (
	"context"
	"errors"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/oauth"
)

var errNoEncryptionKey = errors.New("the client has no key for the encryption that it is registered for")

// encrypt returns a signed token encrypted to the client, in that order (OpenID Connect Core section 16.14), or as it is
// if the client is not registered for encryption. What should be encrypted never leaves in clear.
func (p *Provider) encrypt(ctx context.Context, c *oauth.Client, e oauth.Encryption, token string) (string, error) {
	if e == (oauth.Encryption{}) {
		return token, nil
	}
	key, ok := c.EncryptionKey(e.KeyAlgorithm)
	if refresher, refreshes := p.config.Clients.(oauth.KeyRefresher); !ok && refreshes && c.JWKSURI != "" {
		refreshed, err := refresher.RefreshKeys(ctx, c.ID, "")
		if err != nil {
			return "", err
		}
		key, ok = refreshed.EncryptionKey(e.KeyAlgorithm)
	}
	if !ok {
		return "", errNoEncryptionKey
	}
	options := (&jose.EncrypterOptions{}).WithType("JWT").WithContentType("JWT")
	encrypter, err := jose.NewEncrypter(e.Content, jose.Recipient{Algorithm: e.KeyAlgorithm, Key: key.Key, KeyID: key.KeyID}, options)
	if err != nil {
		return "", err
	}
	jwe, err := encrypter.Encrypt([]byte(token))
	if err != nil {
		return "", err
	}
	return jwe.CompactSerialize()
}
