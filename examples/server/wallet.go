package main

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/wallet"
)

// exampleWallet is examples/wallet, on its usual address.
const exampleWallet = "http://localhost:8083/link?code={LINK_CODE}&expires={LINK_EXPIRE_DT}"

// errNoWallets says that the deployment cannot have wallets.
var errNoWallets = errors.New("-wallet: the identity system does not say anew who somebody is that logged in earlier")

// newWallet says which wallets there are, and what binds them: a one-time code and, where there is one, a password. It is nil
// if there are none.
func (c *config) newWallet(s *identitySystem, acrs authenticator.ACRs) (*signet.Wallet, error) {
	if !c.wallet || c.acrsFile != "" && !uses(acrs, authenticator.Wallet) {
		return nil, nil
	}
	_, ok := s.Authenticator.(authenticator.Recaller)
	if !ok || slices.Contains(s.Factors(), authenticator.Wallet) {
		if c.given["wallet"] {
			return nil, errNoWallets
		}
		return nil, nil
	}
	w := &signet.Wallet{Apps: []wallet.App{{Name: "Signet Wallet", DeepLink: exampleWallet}}}
	if slices.Contains(s.Factors(), authenticator.OTP) {
		w.Accept = []authenticator.FactorSet{{authenticator.OTP}}
	}
	return w, nil
}

// wallets completes the wallets of the logins with the state.
func (p *identityProvider) wallets(w *waysToLogIn) *signet.Wallet {
	if w.wallet != nil {
		w.wallet.Ledger, w.wallet.Notifier = p.state.ledger, p.state.notifier
	}
	return w.wallet
}

// serveWallets serves what wallets call, beside the provider. Everybody may ask to bind a wallet where people are invented.
func (p *identityProvider) serveWallets(provider *signet.Provider, next http.Handler, logger *slog.Logger) (http.Handler, error) {
	if provider.Linker == nil {
		return next, nil
	}
	w := &esignet.WalletConfig{Linker: provider.Linker}
	if p.identity.people != nil {
		w.Binder, w.OpenBinding = provider.Binder, true
	}
	api, err := esignet.New(esignet.Config{
		Authorization: &esignet.AuthorizationConfig{}, Wallet: w, Store: p.state.ephemeral, Audit: p.queue, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.Handle(esignet.DefaultPrefix+"/", api)
	return mux, nil
}
