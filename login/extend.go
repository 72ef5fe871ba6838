package login

import (
	"context"
	"errors"
	"time"
)

const (
	// usualExtensions is what WCAG 2.2 asks for (success criterion 2.2.1).
	usualExtensions = 10
	// maxTotal bounds a login with all its extensions. A spent request_uri is remembered for longer (see package par), so that
	// no other login with it can outlive that.
	maxTotal = 115 * time.Minute
)

// extensionsOf are those that a login may have, so that it does not outlive maxTotal.
func extensionsOf(c *Config) int {
	return max(0, min(c.MaxExtensions, int(maxTotal/c.Lifetime)-1))
}

// Extend gives the person a whole [Config.Lifetime] from now, as often as State.ExtensionsLeft says. What counts attempts
// lives as long as the login can, so that there is not one attempt more. Somebody who just began, or was just given more
// time, keeps what they have, so that a form that is sent twice takes one extension. The error is [ErrStep] if there is
// none left, or the login is over.
func (f *Flow) Extend(ctx context.Context, handle string) (*State, error) {
	rec, err := f.read(ctx, handle)
	if err != nil {
		return nil, err
	}
	var before record
	var refusal error
	held, err := f.logins.UpdateHeldFor(ctx, rec.held, f.lifetime, func(r *record) error {
		before, refusal = *r, nil
		until := f.now().Add(f.lifetime)
		switch {
		case r.Response != nil:
			refusal = ErrStep
		case until.Sub(r.ExpiresAt) < f.lifetime/10:
			refusal = errStay
		case r.Extensions >= f.extensions:
			refusal = ErrStep
		default:
			r.Extensions++
			r.ExpiresAt = until
		}
		return refusal
	})
	switch {
	case err == nil:
		return f.present(ctx, handle, recordOf(held), nil)
	case refusal != nil && errors.Is(err, refusal):
		rec, err := f.spent(ctx, handle, &before)
		if err != nil {
			return nil, err
		}
		return f.present(ctx, handle, rec, refusal)
	}
	return nil, outage(err)
}
