package ui

import (
	"context"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/wallet"
)

// previewLinker has one login, which a wallet has or not.
type previewLinker struct {
	stage wallet.Stage
	err   error
}

func (p previewLinker) LinkCode(ctx context.Context, handle string) (wallet.Code, error) {
	return p.CurrentCode(ctx, handle)
}

func (p previewLinker) CurrentCode(context.Context, string) (wallet.Code, error) {
	return wallet.Code{Code: "previewpreview1", ExpiresAt: previewNow.Add(time.Minute)}, p.err
}

func (p previewLinker) Status(context.Context, string, string, wallet.Stage, time.Duration) (*wallet.Status, error) {
	return &wallet.Status{Stage: p.stage}, nil
}

func (p previewLinker) Linked(context.Context, string) (bool, error) {
	return p.stage == wallet.Linked, nil
}

func (previewLinker) Unlink(context.Context, string) error { return nil }

// Release is for those who wait, which nobody does here.
func (previewLinker) Release() {}

// walletScreens are those of logins by wallet.
func walletScreens() []screen {
	withWallet := func(s *login.State) {
		s.Options = []authenticator.FactorSet{{authenticator.Wallet}, {authenticator.Password}}
	}
	show := func(name, title, page, problem string, linker previewLinker, step func(s *login.State)) screen {
		return newScreen(name, title, func(p *previewVisit) {
			p.linker = linker
			p.wallets = []wallet.App{
				{Name: "Demo Wallet", DeepLink: "https://wallet.example.org/link?code={LINK_CODE}", DownloadURI: "https://wallet.example.org/"},
				{Name: "Another Wallet", DeepLink: "another-wallet://link?code={LINK_CODE}"},
			}
			p.visit(page, problem, and(withWallet, step)).get()
		})
	}
	scan := at(login.StepVerify, authenticator.Wallet)
	return []screen{
		show("choose-wallet", "Choose: with a wallet", choosePage, "", previewLinker{}, func(*login.State) {}),
		show("wla", "Wallet: the code to scan", walletPlace, "", previewLinker{}, scan),
		show("wla-late", "Wallet: it did not finish in time", walletPlace, problemQuery(walletLateProblem)[1:], previewLinker{}, scan),
		show("wla-linked", "Wallet: it has the login", walletPlace, "", previewLinker{stage: wallet.Linked}, scan),
		show("wla-codes", "Wallet: there were too many codes", walletPlace, "", previewLinker{err: wallet.ErrCodes}, scan),
	}
}
