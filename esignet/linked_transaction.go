package esignet

import (
	"context"
	"net/http"
	"time"

	"github.com/gosignet/signet/oauth"
)

// linkTransactionRequest is a wallet that scanned a code.
type linkTransactionRequest struct {
	LinkCode text `json:"linkCode"`
}

func (q *linkTransactionRequest) validate(v *violations) {
	v.check(!blank(q.LinkCode), "request.linkCode", invalidLinkCode)
}

// linkedLogin says who asks for what.
type linkedLogin struct {
	LinkTransactionID string         `json:"linkTransactionId"`
	LogoURL           string         `json:"logoUrl"`
	AuthFactors       [][]authFactor `json:"authFactors"`
	AuthorizeScopes   []string       `json:"authorizeScopes"`
	EssentialClaims   []string       `json:"essentialClaims"`
	VoluntaryClaims   []string       `json:"voluntaryClaims"`
	Configs           map[string]any `json:"configs"`
	ClientName        any            `json:"clientName"`
	CredentialScopes  *[]string      `json:"credentialScopes,omitempty"`
}

func (p *wallets) linkTransactionV1(ctx context.Context, _ *http.Request, q *linkTransactionRequest) (any, error) {
	return p.linkTransaction(ctx, q, func(l *linkedLogin, c *oauth.Client) { l.ClientName = c.Name() })
}

func (p *wallets) linkTransactionV2(ctx context.Context, _ *http.Request, q *linkTransactionRequest) (any, error) {
	return p.linkTransaction(ctx, q, func(l *linkedLogin, c *oauth.Client) {
		l.ClientName, l.CredentialScopes = byCode(c.Names), &[]string{}
	})
}

func (p *wallets) linkTransaction(
	ctx context.Context, q *linkTransactionRequest, name func(*linkedLogin, *oauth.Client),
) (any, error) {
	t, err := p.Linker.Link(ctx, string(q.LinkCode))
	if err != nil {
		return nil, linkError(err)
	}
	l := &linkedLogin{
		LinkTransactionID: t.Handle, LogoURL: t.Client.LogoURI(), AuthFactors: factorsOf(t.Options),
		AuthorizeScopes: orEmpty(t.Scopes), EssentialClaims: orEmpty(t.Essential), VoluntaryClaims: orEmpty(t.Voluntary),
		Configs: p.Configs,
	}
	if l.Configs == nil {
		if l.Configs, err = p.settings(ctx, t.ExpiresAt); err != nil {
			return nil, err
		}
	}
	name(l, t.Client)
	return l, nil
}

// settings are those of the pages, as far as a wallet has a use for them.
func (p *wallets) settings(ctx context.Context, until time.Time) (map[string]any, error) {
	if p.api.pages == nil {
		return map[string]any{}, nil
	}
	return p.api.pages.commonSettings(ctx, until)
}
