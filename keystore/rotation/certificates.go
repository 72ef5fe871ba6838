package rotation

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/keystore"
)

// warnAhead is how long before a certificate expires there are warnings.
const warnAhead = 30 * 24 * time.Hour

// CSR returns a request for a certificate of a key, signed by it, in PEM (PKCS #10, RFC 2986). Keys that decrypt sign
// nothing, and have none.
func (k *Keystore) CSR(ctx context.Context, kid string, subject pkix.Name) ([]byte, error) {
	_, _, o, err := k.openByID(ctx, kid)
	if err != nil {
		return nil, err
	}
	if o.signs == nil {
		return nil, fmt.Errorf("%w: %s decrypts, and cannot sign a request", ErrState, kid)
	}
	der, err := o.signs.CreateCertificateRequest(ctx, &x509.CertificateRequest{Subject: subject})
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// SetCertificate stores and publishes a chain for a key, its own certificate first, in place of an earlier one. A chain
// that is not one for the key or not valid now, and for [keystore.BindingCA] one that is not that of an authority, is
// an error that wraps [keystore.ErrCertificate], and changes nothing.
func (k *Keystore) SetCertificate(ctx context.Context, kid string, chain []*x509.Certificate) error {
	spec, e, o, err := k.openByID(ctx, kid)
	if err != nil {
		return err
	}
	public, err := o.certified(chain, k.now())
	if err != nil {
		return err
	}
	if spec.Role == keystore.BindingCA && !chain[0].IsCA {
		return fmt.Errorf("%w of %q is not that of an authority", keystore.ErrCertificate, chain[0].Subject)
	}
	if err := k.vault.SetCertificates(ctx, e.VaultID, chain); err != nil {
		return fmt.Errorf("rotation: store the certificates: %w", err)
	}
	err = k.update(ctx, spec, func(r *record) error {
		e := r.find(kid)
		if e == nil || !e.published() {
			return ErrNoKey
		}
		e.Public = public
		return nil
	})
	if err == nil {
		k.record(ctx, audit.KeyCertified, spec, kid)
	}
	return err
}

// openByID opens a key that is published.
func (k *Keystore) openByID(ctx context.Context, kid string) (Spec, *entry, opened, error) {
	spec, err := k.specOf(ctx, kid)
	if err != nil {
		return Spec{}, nil, opened{}, err
	}
	r, err := k.read(ctx, spec)
	if err != nil {
		return Spec{}, nil, opened{}, err
	}
	e := r.find(kid)
	if e == nil || !e.published() {
		return Spec{}, nil, opened{}, fmt.Errorf("%w: %s is not published", ErrState, kid)
	}
	o, err := k.open(ctx, r, e)
	return spec, e, o, err
}

// expiring returns what is to be said of certificates that expire soon, by kid.
func (s *snapshot) expiring(now time.Time) map[string]error {
	soon := map[string]error{}
	for _, r := range s.records {
		for i := range r.Value.Keys {
			e := &r.Value.Keys[i]
			if state := e.state(now); state != Next && state != Current {
				continue
			}
			for _, c := range e.Public.Certificates {
				if left := c.NotAfter.Sub(now); left < warnAhead {
					soon[e.Public.KeyID] = errors.Join(soon[e.Public.KeyID], fmt.Errorf("rotation: certificate of %q for the key %s of %s expires at %s",
						c.Subject, e.Public.KeyID, r.ID, c.NotAfter.UTC().Format(time.RFC3339)))
				}
			}
		}
	}
	return soon
}

func (k *Keystore) warnOfCertificates(ctx context.Context, now time.Time) {
	for kid, problem := range k.snapshot.Load().expiring(now) {
		k.warn(ctx, "certificate "+kid, "certificate expires soon", "kid", kid, "error", problem)
	}
}
