package login

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store"
)

// departureLifetime is how long a person has to get to the portal and back to the provider.
const departureLifetime = 5 * time.Minute

// Departure is how a person leaves for the [Verifier].
type Departure struct {
	// URI is where the browser goes.
	URI string
	// IDToken is what Config.Portal brings back as id_token_hint, for an authorization of its own with the Nonce, which the
	// browser has to prove that it was given, too. Its subject is the handle of the login, with which the portal is trusted.
	// Both are empty where there is no such portal.
	IDToken, Nonce string
	// Lifetime is how long the ID Token is good.
	Lifetime time.Duration
}

// Portal returns Config.Portal.
func (f *Flow) Portal() string { return f.verification.client }

// handOver adds what Config.Portal brings back.
func (f *Flow) handOver(ctx context.Context, handle string, rec *record, d *Departure) error {
	client, err := f.clients.Client(ctx, f.verification.client)
	if err != nil {
		return fmt.Errorf("login: look up the client of the portal: %w", err)
	}
	d.Nonce, d.Lifetime = store.NewHandle(), departureLifetime
	acr, _ := f.met(rec, rec.Succeeded)
	d.IDToken, err = f.openID.HandOver(ctx, client, &oidc.Handover{
		Login: handle, Nonce: d.Nonce, ACR: acr, AMR: names(rec.Succeeded), AuthTime: rec.authTime(), Lifetime: d.Lifetime,
	})
	return err
}

type returningKey struct{}

// WithReturning returns a context in which [Flow.Begin] begins a login of the client of Config.Portal, for the person of the
// halted login, who left it with the nonce that the request has: an ID Token with that nonce is then an answer for the
// factor [authenticator.IDToken]. Where no login is halted so, Begin returns an *[oauth.Error] that names the parameter
// id_token_hint. The caller has to know that the ID Token is the provider's, and that the browser is the one that left.
func WithReturning(ctx context.Context, halted string) context.Context {
	return context.WithValue(ctx, returningKey{}, halted)
}

// welcome gives the login what an ID Token has to answer, if it is that of somebody who returns.
func (f *Flow) welcome(ctx context.Context, rec *record) error {
	halted, ok := ctx.Value(returningKey{}).(string)
	if !ok {
		return nil
	}
	nonce := rec.OpenID.Nonce
	_, err := f.Halted(ctx, halted, nonce)
	_, refused := errors.AsType[*authenticator.Error](err)
	switch {
	case refused, err == nil && rec.Request.ClientID != f.verification.client:
		return &oauth.Error{
			Code: oauth.InvalidRequest, Parameter: "id_token_hint", Description: "no login waits for the person", Cause: err,
		}
	case err != nil:
		return err
	}
	rec.Devices = []device{f.newDevice(authenticator.IDToken, authenticator.Identifier{}, &authenticator.Device{State: []byte(nonce)})}
	return nil
}

// Halted returns the person of a login that they left with the nonce, for the Verifier, and have not come back to. If there
// is no such login the error is an *[authenticator.Error] with the reason WrongCredentials.
func (f *Flow) Halted(ctx context.Context, handle, nonce string) (*authenticator.Identity, error) {
	rec, err := f.read(ctx, handle)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return nil, err
	}
	if err == nil && rec.step() == StepVerification && rec.Verification != nil && rec.Verification.Nonce != "" &&
		subtle.ConstantTimeCompare([]byte(rec.Verification.Nonce), []byte(nonce)) == 1 {
		identity := *rec.identity()
		return &identity, nil
	}
	return nil, &authenticator.Error{Reason: authenticator.WrongCredentials, Err: errors.New("login: no login is halted with this nonce")}
}
