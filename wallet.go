package signet

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/wallet"
)

// Wallet lets people log in with a wallet that scans a code: see package wallet. It needs an Authenticator that is an
// [authenticator.Recaller]. The factor [authenticator.Wallet] is then one of those that ACRs may name.
type Wallet struct {
	// Ledger keeps the bindings. Nil means Config.Ledger.
	Ledger store.Ledger
	// Apps are the wallets that the pages offer. None means that no page shows a code, for those who have pages of their own.
	Apps []wallet.App
	// Accept are the combinations of the Authenticator's factors of which one has to be proved to bind a wallet: whoever can
	// bind one can log in with it for months. None means that wallets are bound elsewhere, and [Provider].Binder is nil. The
	// authority is the key of Config.Keys in the role [keystore.BindingCA], unless the Authenticator certifies keys.
	Accept []authenticator.FactorSet
	// Notifier wakes browsers that wait for a wallet, in all instances. Nil means that they look every second.
	Notifier store.Notifier
	// Audience is the aud of what wallets sign; see [wla.Config].
	Audience string
	// CodeLifetime is how long a code can be used, and TransactionLifetime how long a wallet has to finish. Zero means what
	// it does in [wallet.LinkerConfig].
	CodeLifetime, TransactionLifetime time.Duration
	// QRBuffer is how long before a code expires the pages show the next one, at most half of CodeLifetime. Zero means 10
	// seconds, or that half if it is less; below zero there is another only when one expired. QRRefreshes is how often a page
	// shows another one unasked. Zero means three times, less than zero never.
	QRBuffer    time.Duration
	QRRefreshes int
	// UnsignedConsent lets wallets decide without a signature, as eSignet's first version of linked logins did.
	UnsignedConsent bool
}

// wallets makes the register of wallets, and what verifies them.
func (c *Config) wallets(p *Provider) error {
	if c.Wallet == nil {
		return nil
	}
	ledger := c.Wallet.Ledger
	if ledger == nil {
		ledger = c.Ledger
	}
	identities, ok := c.Authenticator.(authenticator.Recaller)
	if !ok || ledger == nil {
		return errors.New("Config.Wallet needs a Ledger, and an Authenticator that says anew who somebody is")
	}
	secret, err := c.derive("signet wallet v1 " + c.Issuer)
	if err != nil {
		return err
	}
	p.Wallets, err = wallet.NewRegistry(wallet.RegistryConfig{
		Ledger: ledger, Secret: secret, Audit: c.Audit, Logger: c.Logger, Now: c.Now,
	})
	if err != nil {
		return err
	}
	method, err := wla.New(wla.Config{
		Bindings: p.Wallets, Identities: identities, Store: c.Store, Audience: c.Wallet.Audience, Now: c.Now,
	})
	c.Methods = append(slices.Clip(c.Methods), method)
	return err
}

// linker makes what wallets bind and link with.
func (c *Config) linker(p *Provider) (err error) {
	if c.Wallet == nil {
		return nil
	}
	if most := cmp.Or(c.Wallet.CodeLifetime, time.Minute) / 2; c.Wallet.QRBuffer > most { // as in wallet.LinkerConfig
		return fmt.Errorf("Config.Wallet.QRBuffer is %v, and must be at most half of CodeLifetime, %v", c.Wallet.QRBuffer, most)
	}
	p.Linker, err = wallet.NewLinker(wallet.LinkerConfig{
		Flow: p.Login, Bindings: p.Wallets, Store: c.Store, Notifier: c.Wallet.Notifier,
		CodeLifetime: c.Wallet.CodeLifetime, TransactionLifetime: c.Wallet.TransactionLifetime,
		UnsignedConsent: c.Wallet.UnsignedConsent, Audit: c.Audit, Logger: c.Logger, Now: c.Now,
	})
	if err != nil || len(c.Wallet.Accept) == 0 {
		return err
	}
	p.Binder, err = wallet.NewBinder(wallet.BinderConfig{
		Registry: p.Wallets, Store: c.Store, Verifier: c.Authenticator, Accept: c.Wallet.Accept, Attempts: p.Login,
		Keys: c.Keys, Timeout: c.AuthenticatorTimeout, Audit: c.Audit, Logger: c.Logger, Now: c.Now,
	})
	if err != nil {
		return fmt.Errorf("Config.Wallet: %w", err)
	}
	return nil
}

// showCodes lets the pages show codes for wallets, and look for wallets in any case.
func (c *Config) showCodes(p *Provider, u *ui.Config) {
	if c.Wallet != nil {
		u.Linker, u.Wallets = p.Linker, c.Wallet.Apps
		u.QRBuffer, u.QRRefreshes = c.Wallet.QRBuffer, c.Wallet.QRRefreshes
	}
}
