package portal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/gosignet/signet/dpop"
)

// assertionLifetime is short, for an assertion is made for one call and used at once.
const assertionLifetime = time.Minute

// algorithms are those that the portal accepts in what the provider signs.
var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.EdDSA, jose.PS256, jose.RS256}

// provider is the OpenID Provider, discovered when it is first needed.
type provider struct {
	config Config
	proofs *dpop.Transport
	bound  *http.Client // config.Client, with a DPoP proof in each request

	discovery sync.Mutex
	known     atomic.Pointer[party]
}

// party is the relying party that the portal is, once it knows the provider.
type party struct {
	rp.RelyingParty
	metadata *metadata
}

func newProvider(c Config) (*provider, error) {
	proofs, err := newProofs(c.Client.Transport)
	if err != nil {
		return nil, err
	}
	client := *c.Client
	client.Transport = proofs
	return &provider{config: c, proofs: proofs, bound: &client}, nil
}

// mustUseFAPI2 reports whether nothing but FAPI 2.0 will do, as far as the portal knows: a provider that demands pushed
// requests of all clients says so when it is discovered.
func (p *provider) mustUseFAPI2() bool {
	known := p.known.Load()
	return p.config.FAPI2 || known != nil && known.metadata.MustPush
}

// relyingParty discovers the provider. A failure is not remembered: the next call tries again.
func (p *provider) relyingParty(ctx context.Context) (*party, error) {
	p.discovery.Lock()
	defer p.discovery.Unlock()
	if known := p.known.Load(); known != nil {
		return known, nil
	}
	accepted := make([]string, len(algorithms))
	for i, alg := range algorithms {
		accepted[i] = string(alg)
	}
	c := p.config
	relying, err := rp.NewRelyingPartyOIDC(ctx, c.Issuer, c.ClientID, "", c.RedirectURI, c.Scopes,
		rp.WithHTTPClient(c.Client),
		rp.WithAuthStyle(oauth2.AuthStyleInParams),
		rp.WithJWTProfile(c.signer),
		rp.WithVerifierOpts(rp.WithNonce(nonceFrom), rp.WithSupportedSigningAlgorithms(accepted...)),
	)
	if err != nil {
		return nil, fmt.Errorf("discover the provider: %w", err)
	}
	metadata, err := p.metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("discover the provider: %w", err)
	}
	known := &party{relying, metadata}
	p.known.Store(known)
	return known, nil
}

// exchange redeems a code. The ID Token in the result is decrypted, if it must be, and verified: signature, iss, aud, exp,
// iat, nonce and at_hash. In FAPI 2.0 the access token is bound to the portal's key, or the result is refused (RFC 9449
// section 5).
func (p *provider) exchange(ctx context.Context, party *party, code string, l *pendingLogin) (*oidc.Tokens[*oidc.IDTokenClaims], error) {
	assertion, err := p.assertion(party)
	if err != nil {
		return nil, err
	}
	client := p.config.Client
	if l.FAPI2 {
		client = p.bound
	}
	token, err := party.OAuthConfig().Exchange(context.WithValue(ctx, oauth2.HTTPClient, client), code,
		oauth2.VerifierOption(l.Verifier),
		oauth2.SetAuthURLParam("client_assertion_type", oidc.ClientAssertionTypeJWTAssertion),
		oauth2.SetAuthURLParam("client_assertion", assertion))
	if err != nil {
		return nil, fmt.Errorf("redeem the code: %w", err)
	}
	if l.FAPI2 && !strings.EqualFold(token.TokenType, dpop.Scheme) {
		return nil, fmt.Errorf("the access token is not bound to a key: its type is %q", token.TokenType)
	}
	tokens := &oidc.Tokens[*oidc.IDTokenClaims]{Token: token}
	tokens.IDToken, _ = token.Extra("id_token").(string)
	if p.config.EncryptedIDToken {
		if tokens.IDToken, _, err = p.config.decrypt(tokens.IDToken); err != nil {
			return nil, fmt.Errorf("ID Token: %w", err)
		}
	}
	tokens.IDTokenClaims, err = rp.VerifyTokens[*oidc.IDTokenClaims](withNonce(ctx, l.Nonce), token.AccessToken, tokens.IDToken, party.IDTokenVerifier())
	if err != nil {
		return nil, fmt.Errorf("ID Token: %w", err)
	}
	return tokens, nil
}

// assertion authenticates the portal (RFC 7523) for one call. Its aud is the issuer as a string, as FAPI 2.0 demands and
// everybody accepts.
func (p *provider) assertion(party *party) (string, error) {
	now := time.Now()
	claims, err := json.Marshal(struct {
		Issuer    string `json:"iss"`
		Subject   string `json:"sub"`
		Audience  string `json:"aud"`
		ID        string `json:"jti"`
		IssuedAt  int64  `json:"iat"`
		ExpiresAt int64  `json:"exp"`
	}{p.config.ClientID, p.config.ClientID, party.Issuer(), rand.Text(), now.Unix(), now.Add(assertionLifetime).Unix()})
	if err != nil {
		return "", fmt.Errorf("encode the client assertion: %w", err)
	}
	signed, err := party.Signer().Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign the client assertion: %w", err)
	}
	return signed.CompactSerialize()
}

// The verifier of zitadel/oidc is made once and asks the context of each login for its nonce.

type nonceKey struct{}

func withNonce(ctx context.Context, nonce string) context.Context {
	return context.WithValue(ctx, nonceKey{}, nonce)
}

func nonceFrom(ctx context.Context) string {
	nonce, _ := ctx.Value(nonceKey{}).(string)
	return nonce
}
