package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/store"
)

// ErrCaptcha says that the response to the captcha was no solution, or that one has to be solved before SendCode or Answer
// does anything. It comes with the present State, whose Captcha is what to show.
var ErrCaptcha = errors.New("login: the captcha was not solved")

// maxSolution bounds a response to a captcha.
const maxSolution = 8 << 10

// captchas says when a captcha has to be solved.
type captchas struct {
	verifier captcha.Verifier // nil if never
	on       []Use
	after    int
}

// guard is what a login remembers of limits.
type guard struct {
	// RetryAt is when the next answer for an identifier will be looked at, of which Turn is the key.
	RetryAt time.Time `json:"retry_at,omitzero"`
	Turn    string    `json:"turn,omitempty"`
	// Due is a use that was refused, or will be, for want of a captcha. Pass says that one was solved, and is good for one
	// use.
	Due  Use  `json:"due,omitempty"`
	Pass bool `json:"pass,omitempty"`
}

// demanded reports whether the attempt needs a captcha, which what it counted says.
func (c *captchas) demanded(a *attempt) bool {
	if !c.applies(a.use) {
		return false
	}
	before := 0
	for _, t := range []*tally{a.login, a.identifier, a.source} {
		if t != nil {
			before = max(before, t.n()-1)
		}
	}
	return before >= c.after
}

func (c *captchas) applies(u Use) bool { return c.verifier != nil && slices.Contains(c.on, u) }

// shown reports whether the page has to show a captcha: as far as the login itself knows, the next use needs one.
func (c *captchas) shown(r *record) bool {
	if c.verifier == nil || r.Guard.Pass {
		return false
	}
	switch r.step() {
	case StepIdentify:
		return r.Guard.Due != "" || c.applies(UseCode) && r.Codes >= c.after
	case StepVerify:
		return r.Guard.Due != "" || c.applies(UseAnswer) && r.Attempts >= c.after
	}
	return false
}

// SolveCaptcha takes the response to the captcha that [State.Captcha] shows. A solution is good for one answer, or one
// code. A wrong one is ErrCaptcha; while nobody can say, the error is an *[authenticator.Error] that says Unavailable.
func (f *Flow) SolveCaptcha(ctx context.Context, handle, response string) (*State, error) {
	rec, err := f.read(ctx, handle)
	switch {
	case err != nil:
		return nil, err
	case rec.Guard.Pass:
		return f.present(ctx, handle, rec, nil)
	case !f.captchas.shown(rec):
		return f.present(ctx, handle, rec, ErrStep)
	case response == "" || len(response) > maxSolution:
		return f.present(ctx, handle, rec, ErrCaptcha)
	}
	err = f.solve(ctx, ID(handle), response)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("login: the captcha: %w", ctx.Err())
	}
	f.auditCaptcha(ctx, handle, rec, err)
	if err != nil {
		return f.present(ctx, handle, rec, err)
	}
	rec, err = f.update(ctx, handle, rec, func(r *record) error {
		if r.Response != nil {
			return errStay
		}
		r.Guard.Pass, r.Guard.Due = true, ""
		return nil
	})
	return f.present(ctx, handle, rec, err)
}

// solve verifies a response to a captcha: it is ErrCaptcha if it is no solution, and Unavailable while nobody can say.
func (f *Flow) solve(ctx context.Context, transaction, response string) error {
	solved, err := f.captchas.verifier.Verify(ctx, response, sourceOf(ctx))
	switch {
	case err != nil:
		f.logger.WarnContext(ctx, "captcha cannot be verified", "transaction", transaction, "error", err)
		return &authenticator.Error{Reason: authenticator.Unavailable, Err: err}
	case !solved:
		return ErrCaptcha
	}
	return nil
}

// usePass uses up the pass of a login, if the attempt needs one. Of two attempts one gets it; the other, and one without,
// is ErrCaptcha.
func (f *Flow) usePass(ctx context.Context, handle string, a *attempt) error {
	rec, err := f.update(ctx, handle, a.rec, func(r *record) error {
		if !r.Guard.Pass {
			return ErrCaptcha
		}
		r.Guard.Pass = false
		return nil
	})
	if err == nil {
		a.rec.held = rec.held
	}
	return err
}

// withoutPass gives an attempt back for which a captcha is to be solved first, and sees that it is shown. If the login
// moved on meanwhile, the attempt was a repetition.
func (f *Flow) withoutPass(ctx context.Context, handle string, a *attempt, claimed *record) (*State, error) {
	f.auditCaptcha(ctx, handle, claimed, ErrCaptcha)
	var b store.Batch
	a.giveBackIn(&b)
	rec, err := f.updateIn(ctx, &b, handle, a.rec, func(r *record) error {
		if !r.at(a.rec) {
			return errStay
		}
		if typed := r.typed(a.rec, claimed); !typed && (r.Guard.Pass || f.captchas.shown(r)) {
			return ErrCaptcha
		}
		r.Guard.Due = a.use
		return nil
	})
	if err == nil {
		err = ErrCaptcha
	}
	return f.present(ctx, handle, rec, err)
}

// guarded adds what the login knows of limits to its State.
func (f *Flow) guarded(ctx context.Context, s *State, r *record) error {
	if s.Step == StepVerify && f.now().Before(r.Guard.RetryAt) && r.Guard.Turn == f.limiter.turnOf(r.Identifier) {
		s.RetryAt = r.Guard.RetryAt
	}
	if !f.captchas.shown(r) {
		return nil
	}
	var err error
	if s.Captcha, err = f.captchas.verifier.Widget(ctx); err == nil && s.Captcha == nil {
		err = errors.New("there is none")
	}
	if err != nil {
		return fmt.Errorf("login: show a captcha: %w", err)
	}
	return nil
}

func (f *Flow) auditCaptcha(ctx context.Context, handle string, rec *record, err error) {
	e := audit.Event{Type: audit.CaptchaChecked, Outcome: audit.Success}
	switch {
	case errors.Is(err, ErrCaptcha):
		e.Outcome, e.Reason = audit.Refused, "not_solved"
	case err != nil:
		e.Outcome, e.Reason = audit.Failed, string(authenticator.Unavailable)
	}
	f.audit(ctx, handle, rec, e)
}
