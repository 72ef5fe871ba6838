package wallet

import (
	"context"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/store"
)

// ErrNotBound says that there is no such binding, or that it is over.
var ErrNotBound = errors.New("wallet: not bound")

// Binding is a wallet that is or was bound, without whose it is.
type Binding struct {
	// ID names the binding towards [Registry.Revoke]. It is a pseudonym of the person.
	ID           string
	WalletUserID string
	// Certificate is the last that was issued, and Thumbprint its x5t#S256.
	Certificate *x509.Certificate
	Thumbprint  string
	BoundAt     time.Time
	ExpiresAt   time.Time
	// RevokedAt is zero if the binding was not revoked.
	RevokedAt time.Time
}

// WalletBindings implements [wla.Bindings].
func (r *Registry) WalletBindings(ctx context.Context, individualID string) ([]wla.Binding, error) {
	b, who, err := r.find(ctx, individualID)
	if errors.Is(err, ErrNotBound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !r.active(b) {
		return nil, nil
	}
	return []wla.Binding{{Identity: *who, Certificate: b.Certificate}}, nil
}

// Find returns the binding of an individual ID, also one that was revoked, or ErrNotBound.
func (r *Registry) Find(ctx context.Context, individualID string) (*Binding, error) {
	b, _, err := r.find(ctx, individualID)
	return b, err
}

// Validate returns the binding of the individual ID if it is active and its certificate has the thumbprint, the x5t#S256 of
// what a wallet signed; otherwise ErrNotBound. That the wallet signed it is for the caller to see, with the certificate.
func (r *Registry) Validate(ctx context.Context, individualID, thumbprint string) (*Binding, error) {
	b, err := r.Find(ctx, individualID)
	if err != nil {
		return nil, err
	}
	if !r.active(b) || subtle.ConstantTimeCompare([]byte(b.Thumbprint), []byte(thumbprint)) == 0 {
		return nil, ErrNotBound
	}
	return b, nil
}

// List returns bindings in the order of their IDs, those that were revoked too: at most limit, or [store.MaxList] if that is
// zero, after the one with the ID after, or from the first if that is empty.
func (r *Registry) List(ctx context.Context, after string, limit int) ([]Binding, error) {
	entries, err := r.bindings.List(ctx, store.Query{After: after, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("wallet: the ledger: %w", err)
	}
	all := make([]Binding, 0, len(entries))
	for i := range entries {
		b, err := bindingOf(&entries[i])
		if err != nil {
			return nil, err
		}
		all = append(all, *b)
	}
	return all, nil
}

// Revoke ends a binding at once, in all instances. Its key is never bound again; the person may bind another. Revoking again
// changes nothing. One that is not there is ErrNotBound.
func (r *Registry) Revoke(ctx context.Context, id string) error {
	revoked := false
	e, err := r.bindings.Update(ctx, id, func(e *store.Entry[binding]) error {
		if e.Version == 0 {
			return ErrNotBound
		}
		if revoked = e.Value.RevokedAt.IsZero(); revoked {
			e.Value.RevokedAt, e.Value.State = r.config.Now(), nil
		}
		return nil
	})
	if errors.Is(err, ErrNotBound) || errors.Is(err, store.ErrInvalid) {
		return ErrNotBound
	}
	if err == nil {
		_, err = r.keys.Update(ctx, e.Value.Key, func(k *store.Entry[key]) error {
			k.Value, k.ExpiresAt = key{Binding: id, Revoked: true}, time.Time{} // whoever has it has it for good
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("wallet: the ledger: %w", err)
	}
	if revoked {
		r.config.Audit.Record(ctx, audit.Event{
			Time: r.config.Now(), Type: audit.DeviceRevoked, Outcome: audit.Success, Factors: wallets(),
		})
	}
	return nil
}

// find returns the present binding of an individual ID, and whose it is.
func (r *Registry) find(ctx context.Context, individualID string) (*Binding, *authenticator.Identity, error) {
	hash := individualHash(individualID)
	i, err := r.individuals.Get(ctx, r.name("individual", hash))
	if err != nil {
		return nil, nil, notBound(err)
	}
	subject, err := r.open("subject", hash, i.Value.Subject)
	if err != nil {
		return nil, nil, err
	}
	e, err := r.bindings.Get(ctx, i.Value.Binding)
	if err != nil {
		return nil, nil, notBound(err)
	}
	b, err := bindingOf(&e)
	if err != nil {
		return nil, nil, err
	}
	who := &authenticator.Identity{Subject: string(subject)}
	if e.Value.State != nil {
		if who.State, err = r.open("state", who.Subject, e.Value.State); err != nil {
			return nil, nil, err
		}
	}
	return b, who, nil
}

// active reports whether the binding counts.
func (r *Registry) active(b *Binding) bool {
	return b.RevokedAt.IsZero() && r.config.Now().Before(b.ExpiresAt)
}

func bindingOf(e *store.Entry[binding]) (*Binding, error) {
	certificate, err := x509.ParseCertificate(e.Value.Certificate)
	if err != nil {
		return nil, fmt.Errorf("wallet: the certificate of %s: %w", e.ID, err)
	}
	return &Binding{
		ID: e.ID, WalletUserID: e.Value.WalletUserID, Certificate: certificate,
		// Always that of the certificate: what is written down apart gets stale.
		Thumbprint: consent.Thumbprint(certificate.Raw),
		BoundAt:    e.Value.BoundAt, ExpiresAt: certificate.NotAfter, RevokedAt: e.Value.RevokedAt,
	}, nil
}

func notBound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotBound
	}
	return fmt.Errorf("wallet: the ledger: %w", err)
}
