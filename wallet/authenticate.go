package wallet

import (
	"context"
	"errors"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/login"
)

// SolveCaptcha takes the response to [Transaction].Captcha; see [login.Flow.SolveCaptcha].
func (l *Linker) SolveCaptcha(ctx context.Context, handle, response string) (*Transaction, error) {
	v, err := l.visit(ctx, handle)
	if err != nil {
		return nil, err
	}
	state, err := l.config.Flow.SolveCaptcha(ctx, v.login, response)
	if ok, err := v.take(ctx, state, err); !ok {
		return nil, err
	}
	return v.show(), err
}

// SendCode has a one-time code sent to the person; see [login.Flow.SendCode]. A code can be the first factor of an option, or
// the next after those that were proved.
func (l *Linker) SendCode(
	ctx context.Context, handle string, id authenticator.Identifier, channels ...authenticator.Channel,
) (*Transaction, error) {
	v, err := l.visit(ctx, handle)
	if err != nil {
		return nil, err
	}
	if !v.own() {
		return v.show(), login.ErrStep
	}
	if v.state.Factor != authenticator.OTP && len(v.state.Succeeded) == 0 {
		option := slices.IndexFunc(v.state.Options, func(set authenticator.FactorSet) bool {
			return len(set) > 0 && set[0] == authenticator.OTP
		})
		if ok, err := v.choose(ctx, option); !ok || err != nil {
			return nil, err
		}
	}
	state, err := l.config.Flow.SendCode(ctx, v.login, id, channels...)
	if ok, err := v.take(ctx, state, err); !ok {
		return nil, err
	}
	return v.show(), err
}

// Authenticate gives answers to challenges, those of one option or some of them, in the order of the option: a wallet-signed
// proof, say, or what the person typed into the wallet. The identifier is what the login asks for beside them; a factor that
// identifies by itself needs none. Answers to factors that the wallet proved already change nothing.
//
// An error that leaves the login usable comes together with the Transaction: those of [login.Flow.Answer], and
// [login.ErrStep] where no option has the factors, or where somebody went on in the browser.
func (l *Linker) Authenticate(
	ctx context.Context, handle string, id authenticator.Identifier, answers ...authenticator.Challenge,
) (*Transaction, error) {
	v, err := l.visit(ctx, handle)
	if err != nil {
		return nil, err
	}
	if v.state.Step == login.StepDone {
		return v.show(), nil
	}
	option := v.option(answers)
	if option < 0 || !v.own() {
		return v.show(), login.ErrStep
	}
	if !v.link.Tried {
		if err := v.update(ctx, func(r *link) { r.Tried = true }); err != nil {
			return nil, err
		}
	}
	if ok, err := v.choose(ctx, option); !ok || err != nil {
		if !ok {
			return nil, err
		}
		return v.show(), err
	}
	for _, f := range v.state.Options[option] {
		i := slices.IndexFunc(answers, func(c authenticator.Challenge) bool { return c.Factor == f })
		if i < 0 || slices.Contains(v.link.Proved, f) || v.state.Step == login.StepDone {
			continue
		}
		if ok, err := v.answer(ctx, id, answers[i]); !ok || err != nil {
			if !ok {
				return nil, err
			}
			return v.show(), err
		}
	}
	if v.state.Step == login.StepVerification { // which takes a browser
		state, err := l.config.Flow.ResumeVerification(ctx, v.login, nil)
		if ok, err := v.take(ctx, state, err); !ok || err != nil {
			return nil, err
		}
	}
	return v.show(), nil
}

// option is the index of the option that the answers belong to: one that has no other factors, if there is one. It is -1 if
// there is none.
func (v *visit) option(answers []authenticator.Challenge) int {
	best := -1
	for i, set := range v.state.Options {
		if slices.ContainsFunc(answers, func(c authenticator.Challenge) bool { return !slices.Contains(set, c.Factor) }) {
			continue
		}
		if best < 0 || len(set) < len(v.state.Options[best]) || len(set) == len(v.state.Options[best]) && i == v.state.Option {
			best = i
		}
	}
	if len(answers) == 0 {
		return -1
	}
	if len(v.state.Succeeded) > 0 && best >= 0 { // from where there is no way back
		set := v.state.Options[v.state.Option]
		if slices.ContainsFunc(answers, func(c authenticator.Challenge) bool { return !slices.Contains(set, c.Factor) }) {
			return -1
		}
		return v.state.Option
	}
	return best
}

// choose takes an option, unless it is taken.
func (v *visit) choose(ctx context.Context, option int) (bool, error) {
	if option == v.state.Option {
		return true, nil
	}
	state, err := v.config.Flow.Choose(ctx, v.login, option)
	return v.take(ctx, state, err)
}

// answer gives one answer, and writes down that it was right, so that nobody else's right answer counts as the wallet's.
func (v *visit) answer(ctx context.Context, id authenticator.Identifier, c authenticator.Challenge) (bool, error) {
	if slices.Contains(v.state.Succeeded, c.Factor) {
		return true, login.ErrStep
	}
	state, err := v.config.Flow.Answer(login.WithPersonElsewhere(ctx), v.login, id, c)
	if ok, err := v.take(ctx, state, err); !ok || err != nil {
		return ok, err
	}
	if v.state.Step == login.StepDone && !v.granted() { // it was the last that the login had, and wrong
		return true, nil
	}
	individual := v.state.Identifier.Value // not that of the call, at which nobody looks where the answer says who it is
	if c.Factor == authenticator.Wallet {
		individual = subjectOf(c.Response)
	}
	err = v.update(context.WithoutCancel(ctx), func(r *link) {
		r.Proved = append(slices.Clip(r.Proved), c.Factor)
		if individual != "" && r.Individual == "" {
			r.Individual = individual
		}
		if v.state.Step == login.StepDone {
			r.Individual = ""
		}
	})
	if errors.Is(err, login.ErrUnknown) {
		err = ErrTransaction
	}
	return err == nil, err
}

func (v *visit) granted() bool { return transactionOf(v.state, v.link.ExpiresAt).Granted }

// subjectOf is the individual ID of a wallet's proof that was found right.
func subjectOf(proof string) string {
	token, err := jwt.Parse(proof, jwt.Algorithms())
	if err != nil {
		return ""
	}
	claims, err := jwt.DecodeClaims(token.UnverifiedPayload())
	if err != nil {
		return ""
	}
	return claims.Subject
}
