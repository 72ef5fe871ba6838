package authenticatortest

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/gosignet/signet/authenticator"
)

// formRules are for Authenticators that are FormProviders.
var formRules = []rule{
	{
		name: "Forms",
		rule: "A factor's form has valid fields, each name once, and is the same every time.",
		why:  "Pages are drawn and checked from it, and keep it.",
		check: func(ctx context.Context, s *subject) error {
			forms, ok := s.Authenticator.(authenticator.FormProvider)
			if !ok {
				return nil
			}
			return s.eachFactor(func(f authenticator.Factor) error {
				form, err := s.form(ctx, forms, f)
				if e, ok := errors.AsType[*authenticator.Error](err); ok && e.Reason == authenticator.Unsupported {
					return nil // it is answered by one text
				}
				if err != nil {
					return err
				}
				if err := form.Validate(); err != nil {
					return fmt.Errorf("%s: %w", f, err)
				}
				again, err := s.form(ctx, forms, f)
				if err != nil || !reflect.DeepEqual(form, again) {
					return fmt.Errorf("%s: the form was another the second time", f)
				}
				return nil
			})
		},
	},
	{
		name: "NoSuchForm",
		rule: "A factor without a form is Unsupported.",
		why:  "Pages then ask for one text; any other error is an outage to them.",
		check: func(ctx context.Context, s *subject) error {
			forms, ok := s.Authenticator.(authenticator.FormProvider)
			if !ok {
				return nil
			}
			_, err := s.form(ctx, forms, "authenticatortest")
			return expectReason("the form of an unknown factor", err, authenticator.Unsupported)
		},
	},
}

func (s *subject) form(ctx context.Context, p authenticator.FormProvider, f authenticator.Factor) (*authenticator.Form, error) {
	return call(s.patience, "Form", func() (*authenticator.Form, error) { return p.Form(ctx, f) })
}
