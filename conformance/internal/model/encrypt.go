package model

import (
	"encoding/json"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// encrypt signs claims and encrypts them to the client.
func (p *Provider) encrypt(c *Client, claims map[string]any) string {
	claims["iss"], claims["aud"] = p.Issuer, c.ID
	inner := p.sign(c, "", claims)
	if !p.keeps(UserinfoSignedInside) {
		plain, err := json.Marshal(claims)
		if err != nil {
			panic(err)
		}
		inner = string(plain)
	}
	i := slices.IndexFunc(c.Keys.Keys, func(k jose.JSONWebKey) bool { return k.Use == "enc" })
	if i < 0 {
		panic("model: no key to encrypt to")
	}
	recipient := jose.Recipient{Algorithm: c.UserinfoEncryptionAlg, Key: c.Keys.Keys[i].Key, KeyID: c.Keys.Keys[i].KeyID}
	enc := c.UserinfoEncryptionEnc
	if !p.keeps(UserinfoEncryptionKey) { // an RSA or EC key of its own
		j := slices.IndexFunc(p.Keys, func(k jose.JSONWebKey) bool {
			return (k.Algorithm == string(jose.ES256)) == (c.UserinfoEncryptionAlg != jose.RSA_OAEP_256)
		})
		recipient.Key = p.Keys[j].Public().Key
	}
	if !p.keeps(UserinfoEncryptionAs) {
		enc = map[jose.ContentEncryption]jose.ContentEncryption{jose.A128GCM: jose.A256GCM, jose.A256GCM: jose.A128GCM}[enc]
	}
	options := new(jose.EncrypterOptions)
	if p.keeps(UserinfoContentType) {
		options = options.WithContentType("JWT")
	}
	encrypter, err := jose.NewEncrypter(enc, recipient, options)
	if err != nil {
		panic(err)
	}
	sealed, err := encrypter.Encrypt([]byte(inner))
	if err != nil {
		panic(err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}
