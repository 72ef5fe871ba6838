package login

import (
	"context"

	"github.com/gosignet/signet/authenticator"
)

type atOnceKey struct{}

// WithAnswersAtOnce returns a context in which [Flow.Begin] begins a login whose face takes the answers to all factors of
// an option in one call. One-time codes are then sent before anything is answered, wherever they stand in the option, and
// the captcha that was solved for an answer that was right holds for the next one.
func WithAnswersAtOnce(ctx context.Context) context.Context {
	return context.WithValue(ctx, atOnceKey{}, true)
}

func atOnce(ctx context.Context) bool { return ctx.Value(atOnceKey{}) != nil }

// Choose takes an option, an index into State.Options. Until a factor succeeded, another may be chosen.
func (f *Flow) Choose(ctx context.Context, handle string, option int) (*State, error) {
	rec, err := f.update(ctx, handle, nil, func(r *record) error {
		switch {
		case option == r.Option:
			return errStay
		case !r.choosable(), option < 0, option >= len(r.Options):
			return ErrStep
		}
		r.Option = option
		r.Editing = r.Code != nil
		return nil
	})
	return f.present(ctx, handle, rec, err)
}

// Back goes one step back from the given one: from the code to the identifier, and from the identifier or the password
// to the choice of an option, if there is one. A login that stands elsewhere stays there, so that going back twice from
// one page is going back once. Once a factor succeeded there is no way back behind it.
func (f *Flow) Back(ctx context.Context, handle string, from Step) (*State, error) {
	rec, err := f.update(ctx, handle, nil, func(r *record) error {
		step := r.step()
		switch {
		case step != from:
			return errStay
		case step == StepVerify && r.factor() == authenticator.OTP:
			r.Editing = true
		case step != StepIdentify && step != StepVerify, r.identified(), len(r.Options) == 1:
			return ErrStep
		default:
			r.Option = -1
		}
		return nil
	})
	return f.present(ctx, handle, rec, err)
}
