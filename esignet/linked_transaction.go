package esignet

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"golang.org/x/text/language"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/wallet"
)

// linkTransactionRequest is a wallet that scanned a code.
type linkTransactionRequest struct {
	LinkCode text `json:"linkCode"`
}

func (q *linkTransactionRequest) validate(v *violations) {
	v.check(!blankText(q.LinkCode), "request.linkCode", invalidLinkCode)
}

// linkedLogin says who asks for what.
type linkedLogin struct {
	LinkTransactionID string           `json:"linkTransactionId"`
	LogoURL           string           `json:"logoUrl"`
	AuthFactors       [][]linkedFactor `json:"authFactors"`
	AuthorizeScopes   []string         `json:"authorizeScopes"`
	EssentialClaims   []string         `json:"essentialClaims"`
	VoluntaryClaims   []string         `json:"voluntaryClaims"`
	Configs           map[string]any   `json:"configs"`
	ClientName        any              `json:"clientName"`
	CredentialScopes  *[]string        `json:"credentialScopes,omitempty"`
}

type linkedFactor struct {
	Type     string   `json:"type"`
	Count    int      `json:"count"`
	SubTypes []string `json:"subTypes"`
}

func (p *wallets) linkTransactionV1(ctx context.Context, _ *http.Request, q *linkTransactionRequest) (any, error) {
	return p.linkTransaction(ctx, q, func(l *linkedLogin, c *oauth.Client) { l.ClientName = c.Name() })
}

func (p *wallets) linkTransactionV2(ctx context.Context, _ *http.Request, q *linkTransactionRequest) (any, error) {
	return p.linkTransaction(ctx, q, func(l *linkedLogin, c *oauth.Client) {
		l.ClientName, l.CredentialScopes = linkedNames(c), &[]string{}
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
		LinkTransactionID: t.Handle, LogoURL: t.Client.LogoURI, AuthFactors: linkedFactors(t),
		AuthorizeScopes: listed(t.Scopes), EssentialClaims: listed(t.Essential), VoluntaryClaims: listed(t.Voluntary),
		Configs: p.Configs,
	}
	if l.Configs == nil {
		l.Configs = map[string]any{}
	}
	name(l, t.Client)
	return l, nil
}

func linkedFactors(t *wallet.Transaction) [][]linkedFactor {
	options := make([][]linkedFactor, 0, len(t.Options))
	for _, set := range t.Options {
		var option []linkedFactor
		for _, f := range set {
			option = append(option, linkedFactor{Type: linkedType(f)})
		}
		options = append(options, option)
	}
	return options
}

func listed(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// linkedNames are the client's names by language: of three letters, as the API has it.
func linkedNames(c *oauth.Client) map[string]string {
	names := map[string]string{}
	for tag, name := range c.Names {
		t, err := language.Parse(cmp.Or(tag, "und"))
		base, _ := t.Base()
		switch {
		case tag == "":
			names["@none"] = name
		case err == nil && (names[base.ISO3()] == "" || t.String() == base.String()): // "pt" before "pt-BR"
			names[base.ISO3()] = name
		}
	}
	return names
}

// linkedType is the API's name of a factor.
func linkedType(f authenticator.Factor) string {
	if f == authenticator.Knowledge {
		return "KBI"
	}
	return strings.ToUpper(string(f))
}
