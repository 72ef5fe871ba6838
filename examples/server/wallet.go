package main

import (
	"errors"
	"slices"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
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
	w := &signet.Wallet{
		Apps: c.wallets, CodeLifetime: c.linkCodeLifetime, TransactionLifetime: c.linkTransactionLifetime,
		QRBuffer: c.qrBuffer, QRRefreshes: c.qrRefreshes,
	}
	if len(w.Apps) == 0 {
		w.Apps = []wallet.App{{Name: "Signet Wallet", DeepLink: exampleWallet}}
	}
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
