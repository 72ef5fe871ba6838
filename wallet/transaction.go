package wallet

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// Transaction is a login as a wallet sees it. It has neither the handle of the login nor what the client is told.
type Transaction struct {
	// Handle is for the calls of the wallet, which keeps it to itself. Only [Linker.Link] returns it.
	Handle string
	// ExpiresAt ends the link transaction.
	ExpiresAt time.Time
	// Step is where the login stands. In StepConsent the person has to decide; in StepDone it is over, and Granted says
	// whether the client gets what it wants.
	Step    login.Step
	Granted bool
	// Client is the relying party that asked.
	Client *oauth.Client
	// Essential and Voluntary are the claims that are asked for, Scopes the scopes beyond those that only ask for claims.
	// Verified are the claims with how they were verified, and for which purpose. Required says, in StepConsent, that the
	// client gets nothing without all of Essential.
	Essential, Voluntary, Scopes []string
	Verified                     []oidc.VerifiedItem
	Required                     bool
	// Options are the combinations of factors that will do; Option is the index of the one that was begun, or -1. Factor
	// is the one that is asked for now, and Form what to ask for, if that is not one secret.
	Options   []authenticator.FactorSet
	Option    int
	Factor    authenticator.Factor
	Succeeded []authenticator.Factor
	Form      *authenticator.Form
	// Code says where a one-time code went.
	Code *authenticator.CodeReceipt
	// Captcha is to be solved, with [Linker.SolveCaptcha], before the next code or answer. Nil means that there is none.
	Captcha *captcha.Widget
	// RetryAt is when the next answer will be looked at, AttemptsLeft and CodesLeft how many there are.
	RetryAt                 time.Time
	AttemptsLeft, CodesLeft int
	// UILocales are the languages that the request wishes for.
	UILocales []string
}

func transactionOf(s *login.State, until time.Time) *Transaction {
	return &Transaction{
		ExpiresAt: until, Step: s.Step, Client: s.Client,
		Granted:   s.Response != nil && s.Response.Parameters.Get("error") == "",
		Essential: s.Essential, Voluntary: s.Voluntary, Scopes: s.Scopes, Verified: s.Verified, Required: s.Required,
		Options: s.Options, Option: s.Option, Factor: s.Factor, Succeeded: s.Succeeded, Form: s.Form, Code: s.Code,
		Captcha: s.Captcha, RetryAt: s.RetryAt, AttemptsLeft: s.AttemptsLeft, CodesLeft: s.CodesLeft, UILocales: s.UILocales,
	}
}

// visit is a call of the wallet that is linked.
type visit struct {
	*Linker
	handle, login string
	link          link
	state         *login.State
}

// visit opens a link transaction. Without an error there is a state.
func (l *Linker) visit(ctx context.Context, handle string) (*visit, error) {
	ref, err := l.transactions.Get(ctx, handle)
	if err != nil {
		return nil, outage(err, ErrTransaction)
	}
	v := &visit{Linker: l, handle: handle, login: ref.Login}
	if v.link, err = l.links.Get(ctx, ref.Login); err != nil {
		return nil, outage(err, ErrTransaction)
	}
	if v.link.Transaction != handle {
		return nil, ErrTransaction
	}
	if v.state, err = l.config.Flow.State(ctx, ref.Login); v.state == nil {
		return nil, over(err)
	}
	return v, nil
}

// over is the error of a Flow as wallets see it.
func over(err error) error {
	if errors.Is(err, login.ErrUnknown) {
		return ErrTransaction
	}
	return err
}

// own reports whether all that was proved in the login, the wallet did. Otherwise somebody goes on in the browser.
func (v *visit) own() bool {
	return !slices.ContainsFunc(v.state.Succeeded, func(f authenticator.Factor) bool { return !slices.Contains(v.link.Proved, f) })
}

// update changes the link as long as it is the wallet's. It then lasts as long as the login: if it was forgotten before, the
// browser would have a say.
func (v *visit) update(ctx context.Context, f func(*link)) error {
	lasts := v.state.ExpiresAt.Sub(v.config.Now())
	if lasts <= 0 {
		return ErrTransaction
	}
	after, err := v.links.UpdateFor(ctx, v.login, lasts, func(r *link) error {
		if r.Transaction != v.handle {
			return ErrTransaction
		}
		f(r)
		return nil
	})
	if err != nil {
		return failed(err)
	}
	v.link = after
	return nil
}

// take takes what a Flow returned, and reports whether there is a state to go on with. A login that is over is told to the
// browser.
func (v *visit) take(ctx context.Context, state *login.State, err error) (bool, error) {
	if state == nil {
		return false, over(err)
	}
	if state.Step == login.StepDone && v.state.Step != login.StepDone {
		v.notify(ctx, v.login)
	}
	v.state = state
	return true, err
}

// show is what the wallet gets.
func (v *visit) show() *Transaction { return transactionOf(v.state, v.link.ExpiresAt) }

// Transaction returns where a link transaction stands.
func (l *Linker) Transaction(ctx context.Context, handle string) (*Transaction, error) {
	v, err := l.visit(ctx, handle)
	if err != nil {
		return nil, err
	}
	return v.show(), nil
}
