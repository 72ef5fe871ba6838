package login

import (
	"context"
	"errors"
	"net/netip"
)

// ErrCaptcha says that the response to the captcha was no solution. It comes with the present State.
var ErrCaptcha = errors.New("login: the captcha was not solved")

// SolveCaptcha takes the response to the captcha that [State.Captcha] shows. A solution is good for one answer, or one
// code.
func (f *Flow) SolveCaptcha(ctx context.Context, handle, response string) (*State, error) {
	return nil, ErrStep
}

type sourceKey struct{}

// WithSource returns a context that says where the person's request comes from, so that attempts are limited per source
// too. The address is the one of the person's network, not that of a proxy.
func WithSource(ctx context.Context, source netip.Addr) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}
