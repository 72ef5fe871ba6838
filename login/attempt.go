package login

import (
	"context"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// attempt is a use of a login that is counted before it is made.
type attempt struct {
	// rec is the login as it stood when the attempt was counted.
	rec *record
	// login and identifier are the counters. That of the identifier is nil as long as it is not known.
	login, identifier *tally

	// used is what the device that answers was given, nil if it is not answered by a device.
	used *device

	limiter *limiter
	use     use
}

// attempt reads the login and counts a use of it, and of the identifier unless that is empty, in one round trip. Whether
// the use is allowed, and whether it fits the login at all, is for the caller to see, who gives it back if not.
func (f *Flow) attempt(ctx context.Context, handle string, u use, id authenticator.Identifier) (*attempt, error) {
	limit := Limit{Attempts: f.maxAttempts, Window: f.lifetime}
	if u == useCode {
		limit.Attempts = f.maxCodes
	}
	var b store.Batch
	read := f.logins.HoldIn(&b, handle)
	a := &attempt{limiter: &f.limiter, use: u, login: f.limiter.login(&b, u, handle, limit)}
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

// check says whether the attempt may be made: it returns an *[authenticator.Error] if a limit is reached, or the error of
// the store. The identifier is the one of the attempt.
func (a *attempt) check(ctx context.Context, id authenticator.Identifier) error {
	if err := a.login.check(); err != nil {
		return err
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

// giveBackIn takes the attempt back in a batch.
func (a *attempt) giveBackIn(b *store.Batch) (results []*store.Result) {
	for _, t := range []*tally{a.login, a.identifier} {
		if r := t.giveBack(b); r != nil {
			results = append(results, r)
		}
	}
	return results
}

// giveBack takes an attempt back that was not made. If that fails it stays counted, which lets nobody in.
func (a *attempt) giveBack(ctx context.Context) {
	var b store.Batch
	a.giveBackIn(&b)
	b.Do(context.WithoutCancel(ctx))
}
