package main

import (
	"context"
	"errors"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/passkey"
	"github.com/gosignet/signet/ui"
)

// accountPath is where the account pages are, below the issuer.
const accountPath = "/account/"

// passkeysOf are the passkeys of the method that has them, nil if none does.
func passkeysOf(methods []authenticator.Method) ui.Passkeys {
	for _, m := range methods {
		if p, ok := m.(*passkey.Method); ok {
			return ownPasskeys{p}
		}
	}
	return nil
}

// ownPasskeys are the passkeys of people for the account pages.
type ownPasskeys struct{ method *passkey.Method }

func (p ownPasskeys) List(ctx context.Context, person string) ([]ui.Passkey, error) {
	all, err := p.method.List(ctx, &authenticator.Identity{Subject: person})
	passkeys := make([]ui.Passkey, len(all))
	for i, k := range all {
		passkeys[i] = ui.Passkey{ID: k.ID, CreatedAt: k.CreatedAt, UsedOn: k.UsedOn, BackedUp: k.BackedUp}
	}
	return passkeys, err
}

func (p ownPasskeys) Remove(ctx context.Context, person, id string) error {
	err := p.method.Remove(ctx, &authenticator.Identity{Subject: person}, id)
	if errors.Is(err, passkey.ErrUnknown) {
		return nil
	}
	return err
}
