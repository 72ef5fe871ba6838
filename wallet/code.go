package wallet

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

// liveCodes is how many codes of a login work at a time.
const liveCodes = 2

// Code is a link code: 43 characters of base64url.
type Code struct {
	Code      string    `json:"code"`
	IssuedAt  time.Time `json:"iat"`
	ExpiresAt time.Time `json:"exp"`
}

// LinkCode returns a new link code for the browser to show, of which a login gets LinkerConfig.MaxCodes: after the last the
// error is ErrCodes. The code before it still works, the one before that does not. The error is ErrLinked while a wallet
// has the login; [login.ErrStep] once somebody proved who they are, or before they decided to go on as somebody else;
// [login.ErrUnknown] when the login is over.
func (l *Linker) LinkCode(ctx context.Context, handle string) (Code, error) {
	state, err := l.config.Flow.State(ctx, handle)
	if state == nil {
		return Code{}, err
	}
	if !linkable(state) {
		return Code{}, login.ErrStep
	}
	now := l.config.Now()
	c := Code{Code: store.NewHandle(), IssuedAt: now, ExpiresAt: earlier(now.Add(l.config.CodeLifetime), state.ExpiresAt)}
	issue := func(r *link) error {
		switch {
		case r.taken(now):
			return ErrLinked
		case r.Issued >= l.config.MaxCodes:
			return ErrCodes
		}
		codes := append(r.live(now), c)
		*r = link{Issued: r.Issued + 1, Codes: codes[max(0, len(codes)-liveCodes):]}
		return nil
	}
	if err := l.change(ctx, handle, state.ExpiresAt, issue); err != nil {
		return Code{}, err
	}
	if err := l.codes.Add(ctx, c.Code, reference{Login: handle}, c.ExpiresAt.Sub(now)); err != nil {
		return Code{}, outage(err, login.ErrUnknown)
	}
	return c, nil
}

// CurrentCode returns the newest link code of a login that works, for a page that is loaded again; ErrCode if there is none.
func (l *Linker) CurrentCode(ctx context.Context, handle string) (Code, error) {
	r, err := l.links.Get(ctx, handle)
	if err != nil {
		return Code{}, outage(err, ErrCode)
	}
	live := r.live(l.config.Now())
	if r.Transaction != "" || len(live) == 0 {
		return Code{}, ErrCode
	}
	return live[len(live)-1], nil
}

// change changes the link of a login, which it makes if there is none. The login may have been given more time since.
func (l *Linker) change(ctx context.Context, handle string, until time.Time, f func(*link) error) error {
	lasts := until.Sub(l.config.Now())
	_, err := l.links.UpdateFor(ctx, handle, lasts, f)
	if errors.Is(err, store.ErrNotFound) {
		var fresh link
		if err := f(&fresh); err != nil {
			return err
		}
		err = l.links.Add(ctx, handle, fresh, lasts)
		if errors.Is(err, store.ErrExists) {
			_, err = l.links.UpdateFor(ctx, handle, lasts, f)
		}
		return failed(err)
	}
	return failed(err)
}

// failed is the error of a change: that of the change itself, or that of the store.
func failed(err error) error {
	for _, own := range []error{ErrLinked, ErrCodes, ErrCode, ErrTransaction} {
		if err == nil || errors.Is(err, own) {
			return err
		}
	}
	return outage(err, login.ErrUnknown)
}

// Unlink takes a login away from a wallet that has not begun to prove who the person is, so that another can be linked.
// Without a wallet it does nothing. Later it is ErrLinked: the person finishes in the wallet, or begins another login.
func (l *Linker) Unlink(ctx context.Context, handle string) error {
	state, err := l.config.Flow.State(ctx, handle)
	if state == nil {
		return err
	}
	_, err = l.links.Update(ctx, handle, func(r *link) error {
		if r.Tried {
			return ErrLinked
		}
		*r = link{Issued: r.Issued}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return failed(err)
}

// Link trades a link code for a link transaction. Of several wallets that have the code one gets it; for the others, and
// for a second time, it is ErrCode.
func (l *Linker) Link(ctx context.Context, code string) (*Transaction, error) {
	t, err := l.link(ctx, code)
	if errors.Is(err, ErrCode) {
		l.audit(ctx, "", nil, audit.Refused, "code")
	}
	return t, err
}

func (l *Linker) link(ctx context.Context, code string) (*Transaction, error) {
	ref, err := l.codes.Get(ctx, code)
	if err != nil {
		return nil, outage(err, ErrCode)
	}
	state, err := l.config.Flow.State(ctx, ref.Login)
	switch {
	case errors.Is(err, login.ErrUnknown):
		return nil, ErrCode
	case state == nil:
		return nil, err
	case !linkable(state):
		return nil, ErrCode
	}
	now := l.config.Now()
	handle, until := store.NewHandle(), earlier(now.Add(l.config.TransactionLifetime), state.ExpiresAt)
	// Without the link, which names the winner, the transaction gives access to nothing.
	if err := l.transactions.Add(ctx, handle, ref, until.Sub(now)); err != nil {
		return nil, outage(err, ErrCode)
	}
	_, err = l.links.UpdateFor(ctx, ref.Login, state.ExpiresAt.Sub(now), func(r *link) error {
		if r.Transaction != "" || !slices.ContainsFunc(r.live(now), func(c Code) bool { return c.Code == code }) {
			return ErrCode
		}
		r.Transaction, r.ExpiresAt = handle, until
		return nil
	})
	if err != nil {
		if err = failed(err); errors.Is(err, login.ErrUnknown) {
			err = ErrCode
		}
		return nil, err
	}
	l.notify(ctx, ref.Login)
	l.audit(ctx, ref.Login, state, audit.Success, "")
	t := transactionOf(state, until)
	t.Handle = handle
	return t, nil
}

// linkable reports whether a wallet may take the login over: nobody proved anything yet.
func linkable(s *login.State) bool {
	switch s.Step {
	case login.StepChoose, login.StepIdentify, login.StepVerify:
		return len(s.Succeeded) == 0
	}
	return false
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
