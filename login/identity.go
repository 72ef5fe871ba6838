package login

import (
	"context"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
)

// Bounds of what an identity system says, from the contract of package authenticator, and of what a record has room for.
const (
	maxSubject       = 256
	maxState         = 8 << 10
	maxDestinations  = 8
	maxDestination   = 256
	maxDeviceState   = 4 << 10
	maxDeviceOptions = 8 << 10
)

const (
	errIdentity breach = "no identity, or one that is empty, too long or not UTF-8"
	errReceipt  breach = "no receipt, or one that is too long"
	errDevice   breach = "nothing for a device, or nothing that is JSON, or too much"
)

func (m *method) authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	return ask(ctx, m.system, r.Transaction, func(ctx context.Context) (*authenticator.Identity, error) {
		i, err := m.verifier.Authenticate(ctx, r)
		return checked(i, err, validIdentity, errIdentity)
	})
}

func (m *method) sendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	return ask(ctx, m.system, r.Transaction, func(ctx context.Context) (*authenticator.CodeReceipt, error) {
		receipt, err := m.codes.SendCode(ctx, r)
		return checked(receipt, err, validReceipt, errReceipt)
	})
}

// challenge remembers whether there is any for the factor.
func (m *method) challenge(ctx context.Context, r *authenticator.DeviceRequest) (*authenticator.Device, error) {
	d, err := ask(ctx, m.system, r.Transaction, func(ctx context.Context) (*authenticator.Device, error) {
		d, err := m.challenger.Challenge(ctx, r)
		return checked(d, err, validDevice, errDevice)
	})
	switch {
	case err == nil:
		m.challenged.Store(always)
	case reasonIs(err, authenticator.Unsupported):
		m.challenged.Store(never)
	}
	return d, err
}

func (m *method) beginEnrollment(ctx context.Context, r *authenticator.EnrollmentRequest) (*authenticator.Device, error) {
	return ask(ctx, m.system, r.Transaction, func(ctx context.Context) (*authenticator.Device, error) {
		d, err := m.enroller.BeginEnrollment(ctx, r)
		return checked(d, err, validDevice, errDevice)
	})
}

func (m *method) finishEnrollment(ctx context.Context, r *authenticator.EnrollmentRequest) error {
	_, err := ask(ctx, m.system, r.Transaction, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, m.enroller.FinishEnrollment(ctx, r)
	})
	return err
}

// checked is an answer of an identity system if it is valid.
func checked[T any](v *T, err error, valid func(*T) bool, b breach) (*T, error) {
	if err == nil && (v == nil || !valid(v)) {
		err = b
	}
	return v, err
}

func validIdentity(i *authenticator.Identity) bool {
	return i.Subject != "" && len(i.Subject) <= maxSubject && len(i.State) <= maxState && utf8.ValidString(i.Subject)
}

func validReceipt(r *authenticator.CodeReceipt) bool {
	tooLong := func(destination string) bool { return len(destination) > maxDestination }
	return r.Length >= 0 && len(r.Destinations) <= maxDestinations && !slices.ContainsFunc(r.Destinations, tooLong)
}

func validDevice(d *authenticator.Device) bool {
	return len(d.State) <= maxDeviceState && len(d.Options) <= maxDeviceOptions && json.Valid(d.Options)
}
