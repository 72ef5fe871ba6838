package portal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// assertionLifetime is short, for an assertion is made for one call and used at once.
const assertionLifetime = time.Minute

// algorithms are those that the portal accepts in what the provider signs.
var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.EdDSA, jose.PS256, jose.RS256}

// provider is the OpenID Provider, discovered when it is first needed.
type provider struct {
	config Config

	mu    sync.Mutex
	party rp.RelyingParty
}

// relyingParty discovers the provider. A failure is not remembered: the next call tries again.
func (p *provider) relyingParty(ctx context.Context) (rp.RelyingParty, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.party != nil {
		return p.party, nil
	}
	accepted := make([]string, len(algorithms))
	for i, alg := range algorithms {
		accepted[i] = string(alg)
	}
	c := p.config
	party, err := rp.NewRelyingPartyOIDC(ctx, c.Issuer, c.ClientID, "", c.RedirectURI, c.Scopes,
		rp.WithHTTPClient(c.Client),
		rp.WithAuthStyle(oauth2.AuthStyleInParams),
		rp.WithJWTProfile(c.signer),
		rp.WithVerifierOpts(rp.WithNonce(nonceFrom), rp.WithSupportedSigningAlgorithms(accepted...)),
	)
	if err != nil {
		return nil, fmt.Errorf("discover the provider: %w", err)
	}
	p.party = party
	return party, nil
}

// exchange redeems a code. The ID Token in the result is verified: signature, iss, aud, exp, iat, nonce and at_hash.
func (p *provider) exchange(ctx context.Context, party rp.RelyingParty, code string, l *pendingLogin) (*oidc.Tokens[*oidc.IDTokenClaims], error) {
	assertion, err := client.SignedJWTProfileAssertion(p.config.ClientID, []string{party.Issuer()}, assertionLifetime, party.Signer())
	if err != nil {
		return nil, fmt.Errorf("sign the client assertion: %w", err)
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](withNonce(ctx, l.Nonce), code, party,
		rp.WithCodeVerifier(l.Verifier), rp.WithClientAssertionJWT(assertion))
	if err != nil {
		return nil, fmt.Errorf("redeem the code: %w", err)
	}
	return tokens, nil
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
