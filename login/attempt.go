package login

import (
	"context"
	"errors"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// attempt is a use of a login that is counted before it is made.
type attempt struct {
	// rec is the login as it stood when the attempt was counted.
	rec *record
	// login, identifier and source are the counters. That of the identifier is nil as long as it is not known, that of the
	// source if it is not.
	login, identifier, source *tally
	// turn is nil if the attempt needs none.
	turn *turn

	// used is what the device that answers was given, nil if it is not answered by a device.
	used *device
	// passed says that a captcha was solved for it.
	passed bool

	limiter *limiter
	use     Use
}

// attempt reads the login and counts a use of it, of the source, and of the identifier unless that is empty, in one round
// trip. Whether the use is allowed, and whether it fits the login at all, is for the caller to see, who gives it back if
// not.
func (f *Flow) attempt(ctx context.Context, handle string, u Use, id authenticator.Identifier) (*attempt, error) {
	limit := Limit{Attempts: f.maxAttempts, Window: f.longest}
	if u == UseCode {
		limit.Attempts = f.maxCodes
	}
	var b store.Batch
	read := f.logins.HoldIn(&b, handle)
	a := &attempt{
		limiter: &f.limiter, use: u,
		login: f.limiter.login(&b, u, handle, limit), source: f.limiter.source(&b, u, sourceOf(ctx)),
	}
	if id.Value != "" {
		a.identifier = f.limiter.identifier(&b, u, id)
	}
	b.Do(ctx)
	held, err := read()
	if err == nil {
		a.rec, err = f.spent(ctx, handle, recordOf(held))
	} else {
		err = outage(err)
	}
	if err != nil {
		a.giveBack(ctx)
		return nil, err
	}
	return a, nil
}

// admit says whether the attempt may be made: it returns an *[authenticator.Error] if a limit is reached or the answer
// comes too soon, ErrCaptcha if a captcha is to be solved first, or the error of the store. The identifier is the one of
// the attempt. What an attempt that is not admitted took, the caller gives back.
func (f *Flow) admit(ctx context.Context, handle string, a *attempt, id authenticator.Identifier) error {
	if err := a.check(ctx, id); err != nil {
		return err
	}
	demanded := f.captchas.demanded(a)
	if demanded && !a.rec.Guard.Pass {
		return ErrCaptcha
	}
	if a.use == UseAnswer && a.identifier != nil {
		var err error
		if a.turn, err = f.limiter.turn(ctx, id, a.identifier.n()); err != nil {
			return err
		}
	}
	if demanded {
		a.passed = true
		return f.usePass(ctx, handle, a)
	}
	return nil
}

// check says whether a limit is reached.
func (a *attempt) check(ctx context.Context, id authenticator.Identifier) error {
	if err := a.login.check(); err != nil {
		if e, ok := errors.AsType[*authenticator.Error](err); ok && a.use == UseAnswer {
			e.Err = ErrLastAnswer
		}
		return err
	}
	if a.source != nil {
		if err := a.source.check(); err != nil {
			return err
		}
	}
	if id.Value == "" { // the answer tells who it is
		return nil
	}
	if a.identifier == nil {
		var b store.Batch
		a.identifier = a.limiter.identifier(&b, a.use, id)
		b.Do(ctx)
	}
	return a.identifier.check()
}

// wrong writes down what is known of the next answer once this one was not right.
func (f *Flow) wrong(r *record, a *attempt) {
	if a.turn != nil {
		r.Guard.RetryAt, r.Guard.Turn = a.turn.until, a.turn.key
	}
	if f.captchas.demanded(a) {
		r.Guard.Due = a.use
	}
}

// giveBackIn takes the attempt back in a batch. The results are those of the counters.
func (a *attempt) giveBackIn(b *store.Batch) (results []*store.Result) {
	for _, t := range []*tally{a.login, a.identifier, a.source} {
		if r := t.giveBack(b); r != nil {
			results = append(results, r)
		}
	}
	a.turn.giveBack(b)
	return results
}

// giveBack takes an attempt back that was not made. If that fails it stays counted, which lets nobody in.
func (a *attempt) giveBack(ctx context.Context) {
	var b store.Batch
	a.giveBackIn(&b)
	b.Do(context.WithoutCancel(ctx))
}
