package login

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
)

// WishToEnroll says that the person wants to register a device for the factor, one of [State.Enrollable], once they have
// proved who they are. An empty factor takes the wish back.
func (f *Flow) WishToEnroll(ctx context.Context, handle string, factor authenticator.Factor) (*State, error) {
	rec, err := f.update(ctx, handle, nil, func(r *record) error {
		switch {
		case r.Enrolling == factor:
			return errStay
		case r.factor() == "" && r.step() != StepChoose, factor != "" && !slices.Contains(f.enrollable(r), factor):
			return ErrStep
		}
		r.Enrolling = factor
		return nil
	})
	return f.present(ctx, handle, rec, err)
}

// enrollable are the factors for which the person may register a device once all factors of the option are proved. That
// one of them is proved in this login is for [record.step] to see.
func (f *Flow) enrollable(r *record) []authenticator.Factor {
	if r.Option < 0 || !f.reachEnrollment(r.Options[r.Option]) {
		return nil
	}
	var factors []authenticator.Factor
	for _, factor := range f.methods.enrollable {
		if !slices.Contains(r.Options[r.Option], factor) {
			factors = append(factors, factor)
		}
	}
	return factors
}

func (f *Flow) reachEnrollment(factors authenticator.FactorSet) bool {
	_, ok := f.enrollmentACRs.Met(factors)
	return ok
}

// EnrollmentOptions returns what the person's device is to make a credential from, in StepEnroll. For a while it is the
// same for each page, until a credential was made from it.
func (f *Flow) EnrollmentOptions(ctx context.Context, handle string) (json.RawMessage, error) {
	rec, m, err := f.enrolling(ctx, handle)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, ErrStep
	}
	if d := rec.Enrollment; d.serves(m.factor, rec.Identifier, f.now()) {
		return d.Options, nil
	}
	given, err := m.beginEnrollment(ctx, f.enrollmentRequest(handle, rec))
	if err != nil {
		f.auditEnrollment(ctx, handle, rec, err)
		return nil, err
	}
	d := f.newDevice(m.factor, rec.Identifier, given)
	_, err = f.update(ctx, handle, rec, func(r *record) error {
		if r.step() != StepEnroll || r.Enrolling != m.factor {
			return ErrStep
		}
		if other := r.Enrollment; other.serves(m.factor, r.Identifier, f.now()) { // that of another page
			d = *other
			return errStay
		}
		r.Enrollment = &d
		return nil
	})
	if err != nil && !errors.Is(err, errStay) {
		return nil, err
	}
	return d.Options, nil
}

// Enroll registers the credential that the person's device made, and goes on. An empty response goes on without.
//
// An enrollment that fails is an *[authenticator.Error], and the login stays at StepEnroll: the person may try again, from
// new options, or go on without. After the last of as many tries as there are wrong answers to a login, the login goes on
// by itself, without an error. Of concurrent calls with one credential one registers it; the others get ErrStep as long as
// it is under way.
func (f *Flow) Enroll(ctx context.Context, handle, response string) (*State, error) {
	rec, m, err := f.enrolling(ctx, handle)
	if err != nil {
		return nil, err
	}
	if rec.step() != StepEnroll {
		return f.present(ctx, handle, rec, rec.afterEnrollment())
	}
	if response == "" || m == nil {
		return f.leaveEnrollment(ctx, handle, rec)
	}
	if len(response) > m.traits.MaxResponse {
		return f.present(ctx, handle, rec, &authenticator.Error{Reason: authenticator.WrongCredentials})
	}
	var made device
	rec, err = f.update(ctx, handle, rec, func(r *record) error {
		switch {
		case r.step() != StepEnroll:
			return r.afterEnrollment()
		case r.Enrollment == nil:
			return ErrStep
		}
		made = *r.Enrollment
		r.Enrollment = nil
		r.Enrollments++
		return nil
	})
	if err != nil {
		return f.present(ctx, handle, rec, err)
	}
	request := f.enrollmentRequest(handle, rec)
	request.State, request.Response = made.State, response
	err = m.finishEnrollment(ctx, request)
	f.auditEnrollment(ctx, handle, rec, err)
	if _, ok := errors.AsType[*authenticator.Error](err); err != nil && !ok {
		return nil, err
	}
	if err != nil && rec.Enrollments < f.maxAttempts {
		return f.present(ctx, handle, rec, err)
	}
	return f.leaveEnrollment(ctx, handle, rec)
}

// enrolling returns the login and, if it stands at StepEnroll, the method with which to register a device, nil if the
// configuration has none any more.
func (f *Flow) enrolling(ctx context.Context, handle string) (*record, *method, error) {
	rec, err := f.read(ctx, handle)
	if err != nil {
		return nil, nil, err
	}
	if rec.step() == StepEnroll { // for which the session may stand
		if rec, err = f.checkSession(ctx, handle, rec); err != nil {
			return nil, nil, err
		}
	}
	if rec.step() != StepEnroll || !slices.Contains(f.enrollable(rec), rec.Enrolling) {
		return rec, nil, nil
	}
	return rec, f.methods.of[rec.Enrolling], nil
}

func (f *Flow) leaveEnrollment(ctx context.Context, handle string, rec *record) (*State, error) {
	rec, err := f.update(ctx, handle, rec, func(r *record) error {
		if r.step() != StepEnroll {
			return r.afterEnrollment()
		}
		r.Enrolling, r.Enrollment, r.Enrolled = "", nil, true
		return nil
	})
	return f.present(ctx, handle, rec, err)
}

// afterEnrollment is the error of one who registers a device at another step than StepEnroll, none if it lies behind.
func (r *record) afterEnrollment() error {
	if r.Enrolled {
		return errStay
	}
	return ErrStep
}

func (f *Flow) enrollmentRequest(handle string, r *record) *authenticator.EnrollmentRequest {
	return &authenticator.EnrollmentRequest{
		Transaction: ID(handle),
		ClientID:    r.Request.ClientID,
		Factor:      r.Enrolling,
		Identity:    *r.Identity,
		Account:     r.account(),
		Locales:     slices.Clone(r.OpenID.UILocales),
	}
}

func (f *Flow) auditEnrollment(ctx context.Context, handle string, rec *record, err error) {
	outcome, reason := verdict(err)
	f.audit(ctx, handle, rec, audit.Event{
		Type: audit.DeviceEnrolled, Outcome: outcome, Reason: reason, Factors: []string{string(rec.Enrolling)},
	})
}
