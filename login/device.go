package login

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"

	"github.com/gosignet/signet/authenticator"
)

// ErrCaptcha says that the response to the captcha was no solution, or that one has to be solved before SendCode or Answer
// does anything. It comes with the present State, whose Captcha is what to show.
var ErrCaptcha = errors.New("login: the captcha was not solved")

// Challenge returns what the person's device is to answer for the factor: the one that is asked for, or one of
// [State.DeviceFactors].
func (f *Flow) Challenge(ctx context.Context, handle string, factor authenticator.Factor) (json.RawMessage, error) {
	return nil, ErrStep
}

// WishToEnroll says that the person wants to register a device for the factor, one of [State.Enrollable], once they have
// proved who they are. An empty factor takes the wish back.
func (f *Flow) WishToEnroll(ctx context.Context, handle string, factor authenticator.Factor) (*State, error) {
	return nil, ErrStep
}

// EnrollmentOptions returns what the person's device is to make a credential from, in StepEnroll.
func (f *Flow) EnrollmentOptions(ctx context.Context, handle string) (json.RawMessage, error) {
	return nil, ErrStep
}

// Enroll registers the credential that the person's device made, and goes on. An empty response goes on without.
func (f *Flow) Enroll(ctx context.Context, handle, response string) (*State, error) {
	return nil, ErrStep
}

type sourceKey struct{}

// WithSource returns a context that says where the person's request comes from, so that attempts are limited per source
// too. The address is the one of the person's network, not that of a proxy.
func WithSource(ctx context.Context, source netip.Addr) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}
