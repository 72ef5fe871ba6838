package signet

import (
	"context"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/ui"
)

// withAccount adds the account pages to the clients. Nobody else is a client with their name.
func withAccount(clients oauth.ClientStore, account *oauth.Client) oauth.ClientStore {
	own := accountClients{clients, account}
	if r, ok := clients.(oauth.KeyRefresher); ok {
		return accountKeyRefresher{own, r}
	}
	return own
}

type accountClients struct {
	oauth.ClientStore
	account *oauth.Client
}

func (c accountClients) Client(ctx context.Context, id string) (*oauth.Client, error) {
	if id == c.account.ID {
		return c.account, nil
	}
	return c.ClientStore.Client(ctx, id)
}

// accountKeyRefresher is for clients of which some publish their keys.
type accountKeyRefresher struct {
	accountClients
	refresher oauth.KeyRefresher
}

func (c accountKeyRefresher) RefreshKeys(ctx context.Context, id, kid string) (*oauth.Client, error) {
	if id == c.account.ID {
		return c.account, nil
	}
	return c.refresher.RefreshKeys(ctx, id, kid)
}

func (c *Config) consents(p *Provider) error {
	if c.Ledger == nil {
		return nil
	}
	secret, err := c.derive("signet consent v1 " + c.Issuer)
	if err != nil {
		return err
	}
	p.Consents, err = consent.New(consent.Config{
		Ledger:    c.Ledger,
		Keys:      c.Keys,
		Algorithm: c.Algorithm,
		Issuer:    c.Issuer,
		Secret:    secret,
		Tokens:    tokenEnder{p.OAuth},

		WithdrawalURI: c.Issuer + c.Paths.Account,

		Audit:  c.Audit,
		Logger: c.Logger,
		Now:    c.Now,
	})
	return err
}

// tokenEnder ends what was issued on a consent.
type tokenEnder struct{ server *oauth.Server }

func (t tokenEnder) EndTokens(ctx context.Context, consentID string) error {
	return t.server.EndGrant(ctx, consentID)
}

// ownScopes are the scopes of the provider's own APIs, for the metadata. A client is registered for them or cannot ask.
func (c *Config) ownScopes() []string {
	if c.Ledger == nil {
		return nil
	}
	return []string{consent.DefaultScope}
}

// publishedKeys are the keys of the identity system, where what it signs reaches clients. Those of receipts are not among
// them: they have [Paths.ReceiptKeys], since a key that was revoked must never again verify an ID Token.
func (c *Config) publishedKeys() []oidc.PublishedKeys {
	publisher, ok := c.Authenticator.(authenticator.KeyPublisher)
	if !ok || !c.AcceptOriginal {
		return nil
	}
	return []oidc.PublishedKeys{oidc.KeysOf(publisher)}
}

// accountBase is the whole path of the account pages.
func (c *Config) accountBase() string { return c.issuerPath() + c.Paths.Account }

// account composes what people do with their consents.
func (c *Config) account(p *Provider) error {
	if p.Consents == nil {
		return nil
	}
	secret, err := c.derive("signet account v1 " + c.Issuer)
	if err != nil {
		return err
	}
	p.Account, err = p.Pages.Account(ui.AccountConfig{
		Consents:              p.Consents,
		Clients:               c.Clients,
		Requests:              p.Pushed,
		Grants:                p.OAuth,
		Passkeys:              c.Passkeys,
		Issuer:                c.Issuer,
		AuthorizationEndpoint: c.Issuer + c.Paths.Authorization,
		LogoutURL:             c.endSession(),
		BasePath:              c.accountBase(),
		Secret:                secret,
	})
	if err != nil {
		return err
	}
	p.consentAPI, err = consent.NewAPI(consent.APIConfig{
		Registry: p.Consents,
		Tokens:   p.OAuth,
		Clients:  c.Clients,
		DPoP:     p.DPoP,
		URL:      c.Issuer + c.Paths.Consents,
		Logger:   c.Logger,
	})
	return err
}
