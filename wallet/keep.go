package wallet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// maxIndividuals is with how many individual IDs a person can use a wallet. The one that was used for binding longest ago is
// forgotten first.
const maxIndividuals = 8

// keep writes the binding down. What leads to it is written before, and holds nothing that was not proved, so that the
// binding itself is replaced in one step.
func (r *Registry) keep(ctx context.Context, at, hash string, b *Bound, who *authenticator.Identity) error {
	print, err := thumbprint(b.Certificate.PublicKey)
	if err != nil {
		return err
	}
	if err := r.claim(ctx, print, at, b.ExpiresAt); err != nil {
		return err
	}
	if err := r.lead(ctx, at, hash, who.Subject, b.ExpiresAt); err != nil {
		return err
	}
	state, err := r.seal("state", who.Subject, who.State)
	if err != nil {
		return err
	}
	pointer := r.name("individual", hash)
	now := r.config.Now()
	e, err := r.bindings.Update(ctx, at, func(e *store.Entry[binding]) error {
		v := &e.Value
		b.Replaced = v.Certificate != nil && v.RevokedAt.IsZero()
		if b.Replaced { // which another request may have bound just now
			b.WalletUserID = v.WalletUserID
		}
		individuals := append(slices.DeleteFunc(slices.Clone(v.Individuals), func(s string) bool { return s == pointer }), pointer)
		*v = binding{
			WalletUserID: b.WalletUserID, Certificate: b.Certificate.Raw, Key: print, State: state, BoundAt: now,
			Individuals: individuals[max(0, len(individuals)-maxIndividuals):],
		}
		e.ExpiresAt = b.ExpiresAt
		return nil
	})
	if err != nil {
		return fmt.Errorf("wallet: the ledger: %w", err)
	}
	for _, other := range e.Value.Individuals { // the others live as long as what they lead to
		if other == pointer {
			continue
		}
		if err := r.prolong(ctx, other, at, b.ExpiresAt); err != nil {
			r.config.Logger.WarnContext(ctx, "an individual ID may stop to lead to its wallet early", "error", err)
		}
	}
	return nil
}

// claim makes a key the person's own, unless it is somebody else's.
func (r *Registry) claim(ctx context.Context, print, at string, until time.Time) error {
	_, err := r.keys.Update(ctx, print, func(e *store.Entry[key]) error {
		switch {
		case e.Version > 0 && e.Value.Binding != at:
			return fmt.Errorf("%w: it is somebody else's", ErrKey)
		case e.Value.Revoked:
			return fmt.Errorf("%w: it was revoked", ErrKey)
		}
		e.Value.Binding = at
		if until.After(e.ExpiresAt) {
			e.ExpiresAt = until
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrKey) {
		err = fmt.Errorf("wallet: the ledger: %w", err)
	}
	return err
}

// lead makes the individual ID lead to the binding.
func (r *Registry) lead(ctx context.Context, at, hash, subject string, until time.Time) error {
	sealed, err := r.seal("subject", hash, []byte(subject))
	if err != nil {
		return err
	}
	_, err = r.individuals.Update(ctx, r.name("individual", hash), func(e *store.Entry[individual]) error {
		e.Value, e.Owner, e.ExpiresAt = individual{Binding: at, Subject: sealed}, at, until
		return nil
	})
	if err != nil {
		return fmt.Errorf("wallet: the ledger: %w", err)
	}
	return nil
}

var errGone = errors.New("wallet: it leads elsewhere now")

func (r *Registry) prolong(ctx context.Context, pointer, at string, until time.Time) error {
	_, err := r.individuals.Update(ctx, pointer, func(e *store.Entry[individual]) error {
		if e.Value.Binding != at {
			return errGone
		}
		e.ExpiresAt = until
		return nil
	})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}
