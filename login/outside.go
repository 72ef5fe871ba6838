package login

import (
	"context"
	"fmt"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// Try counts an attempt that is made outside of a login, as when a wallet is bound: at proving to be the person of the
// identifier, or at having a code sent to them. It counts together with those of all logins, for the identifier and for the
// source ([WithSource]), and the same [Delay] and captcha apply; the solution is the response to a captcha, empty if there
// is none.
//
// Without an error the attempt may be made. Then release takes it back: if the answer was right, or if nobody was asked.
// The error is ErrCaptcha, or an *[authenticator.Error] as those of [Flow.Answer] and [Flow.SendCode] are, or that of the
// store.
func (f *Flow) Try(
	ctx context.Context, u Use, id authenticator.Identifier, solution string,
) (release func(context.Context), err error) {
	var b store.Batch
	a := &attempt{
		limiter: &f.limiter, use: u,
		identifier: f.limiter.identifier(&b, u, id), source: f.limiter.source(&b, u, sourceOf(ctx)),
	}
	b.Do(ctx)
	if err := f.admitOutside(ctx, a, id, solution); err != nil {
		a.giveBack(ctx)
		return nil, err
	}
	return a.giveBack, nil
}

// admitOutside is admit without a login, which has no pass to remember a solution by.
func (f *Flow) admitOutside(ctx context.Context, a *attempt, id authenticator.Identifier, solution string) (err error) {
	for _, t := range []*tally{a.identifier, a.source} {
		if t == nil {
			continue
		}
		if err := t.check(); err != nil {
			return err
		}
	}
	if f.captchas.demanded(a) {
		if solution == "" || len(solution) > maxSolution {
			return ErrCaptcha
		}
		if err := f.solve(ctx, "", solution); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("login: the captcha: %w", ctx.Err())
			}
			return err
		}
	}
	if a.use == UseAnswer {
		a.turn, err = f.limiter.turn(ctx, id, a.identifier.n())
	}
	return err
}
