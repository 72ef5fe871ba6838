package model

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// fapiAlgorithms are those of FAPI 2.0; OpenID clients may use RS256 too.
var fapiAlgorithms = []jose.SignatureAlgorithm{jose.PS256, jose.ES256, jose.EdDSA}

var openIDAlgorithms = append([]jose.SignatureAlgorithm{jose.RS256}, fapiAlgorithms...)

// sign signs claims for a client.
func (p *Provider) sign(c *Client, typ string, claims map[string]any) string {
	alg := jose.RS256
	if c.FAPI {
		alg = jose.ES256
	}
	if c.FAPI && !p.keeps(IDTokenAlgorithm) {
		alg = jose.RS256
	}
	i := slices.IndexFunc(p.Keys, func(k jose.JSONWebKey) bool { return k.Algorithm == string(alg) })
	if i < 0 {
		panic("model: no key for " + alg)
	}
	options := new(jose.SignerOptions)
	if typ != "" {
		options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: p.Keys[i]}, options)
	if err != nil {
		panic(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

// open returns header and claims of a JWT that one of the keys signed with one of the algorithms; false if it is none.
func open(text string, keys []jose.JSONWebKey, algs []jose.SignatureAlgorithm) (header, claims map[string]any, ok bool) {
	signed, err := jose.ParseSignedCompact(text, algs)
	if err != nil {
		return nil, nil, false
	}
	for _, key := range keys {
		if _, err := signed.Verify(key); err == nil {
			header, claims = peek(text)
			return header, claims, claims != nil
		}
	}
	return nil, nil, false
}

// peek decodes without verifying.
func peek(text string) (header, claims map[string]any) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 {
		return nil, nil
	}
	decode := func(part string) (m map[string]any) {
		if raw, err := base64.RawURLEncoding.DecodeString(part); err == nil {
			json.Unmarshal(raw, &m)
		}
		return m
	}
	return decode(parts[0]), decode(parts[1])
}

func thumbprint(key jose.JSONWebKey) string {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

func text(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

// number returns a numeric member, and whether there is one.
func number(m map[string]any, name string) (int64, bool) {
	f, ok := m[name].(float64)
	return int64(f), ok
}
