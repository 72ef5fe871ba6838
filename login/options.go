package login

import (
	"context"

	"github.com/gosignet/signet/authenticator"
)

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
