package authenticatortest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"

	"github.com/gosignet/signet/authenticator"
)

var fieldName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

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
				if err := checkForm(form); err != nil {
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

func checkForm(form *authenticator.Form) error {
	fields := form.Fields
	if form.Identifier != nil {
		fields = append([]authenticator.FormField{*form.Identifier}, fields...)
	}
	if len(form.Fields) == 0 {
		return errors.New("the form has no fields")
	}
	seen := map[string]bool{}
	for _, f := range fields {
		_, badPattern := regexp.Compile(f.Pattern)
		switch {
		case !fieldName.MatchString(f.Name):
			return fmt.Errorf("%q is not the name of a field", f.Name)
		case seen[f.Name]:
			return fmt.Errorf("the field %q is there twice", f.Name)
		case f.Type != "" && f.Type != authenticator.FieldText && f.Type != authenticator.FieldDigits && f.Type != authenticator.FieldDate:
			return fmt.Errorf("the field %q has the type %q, which there is not", f.Name, f.Type)
		case badPattern != nil || f.MaxLength < 0:
			return fmt.Errorf("the field %q has a pattern that is none, or a negative length", f.Name)
		case f.Type == authenticator.FieldDate && f.Pattern != "" || f.Type != authenticator.FieldDate && f.Format != "":
			return fmt.Errorf("the field %q is a date with a pattern, or no date with a format", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}
