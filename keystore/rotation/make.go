package rotation

import (
	"cmp"
	"context"

	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/keystore"
)

// addKey adds a key to a record, under its lease: those that are in the vault already if the ledger knows none, one that
// was made and could not be recorded, or else a fresh one.
func (k *Keystore) addKey(ctx context.Context, spec Spec, r *record) error {
	left, err := k.unrecorded(ctx, spec, r)
	if err != nil {
		return err
	}
	if len(r.Keys) == 0 && len(left) > 0 {
		return k.adopt(ctx, spec, left)
	}
	if len(left) > 0 {
		return k.addVaultKey(ctx, spec, left[len(left)-1].VaultKey, audit.KeyCreated)
	}
	made, err := k.vault.Generate(ctx, label(spec.Role, spec.Algorithm, k.now()), spec.Algorithm)
	if err != nil {
		return fmt.Errorf("rotation: make a key for %s: %w", recordID(spec.Role, spec.Algorithm), err)
	}
	return k.addVaultKey(ctx, spec, made, audit.KeyCreated)
}

// addVaultKey adds a key in the vault to the record. If the record needs none any more, or the key is not right, it is
// destroyed.
func (k *Keystore) addVaultKey(ctx context.Context, spec Spec, key keystore.VaultKey, what audit.Type) error {
	e, err := k.entryOf(ctx, spec, key)
	if err == nil {
		err = k.update(ctx, spec, func(r *record) error {
			now := k.now().UTC()
			if r.find(e.Public.KeyID) != nil {
				return nil
			}
			if r.next(now) != nil {
				return errHasNext
			}
			r.add(e, k.policies[spec.Role], now)
			return nil
		})
	}
	if err != nil {
		if r, readErr := k.read(ctx, spec); readErr == nil && r.find(thumbprint(key.Public)) == nil {
			err = errors.Join(err, k.vault.Delete(ctx, key.ID))
		}
		return err
	}
	k.record(ctx, what, spec, e.Public.KeyID)
	return nil
}

// errHasNext says that a record has a next key already.
var errHasNext = errors.New("rotation: there is a next key already")

// entryOf opens and tries a key in the vault, gives it the certificate that it must have, and returns its entry, without
// dates.
func (k *Keystore) entryOf(ctx context.Context, spec Spec, key keystore.VaultKey) (entry, error) {
	private, err := k.vault.Open(ctx, key.ID)
	if err != nil {
		return entry{}, fmt.Errorf("rotation: open a key for %s: %w", recordID(spec.Role, spec.Algorithm), err)
	}
	o, err := try(ctx, spec.Role, spec.Algorithm, private)
	if err != nil {
		return entry{}, err
	}
	if kid := thumbprint(key.Public); kid != o.public().KeyID {
		return entry{}, fmt.Errorf("rotation: the vault lists another public key (%s) than that of the private key (%s)", kid, o.public().KeyID)
	}
	chain := key.Certificates
	if len(chain) == 0 && o.signs != nil && (k.selfSigned || spec.Role == keystore.BindingCA) {
		if chain, err = k.selfSign(ctx, spec, o.signs); err != nil {
			return entry{}, err
		}
		if err := k.vault.SetCertificates(ctx, key.ID, chain); err != nil {
			return entry{}, fmt.Errorf("rotation: store a certificate: %w", err)
		}
	}
	e := entry{Public: o.public(), VaultID: key.ID}
	if len(chain) > 0 {
		if e.Public, err = o.certified(chain, k.now()); err != nil {
			return entry{}, err
		}
	}
	return e, nil
}

// certified returns the public key with a chain.
func (o opened) certified(chain []*x509.Certificate, now time.Time) (jose.JSONWebKey, error) {
	if o.decrypts != nil {
		key, err := o.decrypts.WithCertificates(chain, now)
		if err != nil {
			return jose.JSONWebKey{}, err
		}
		return key.Public(), nil
	}
	key, err := o.signs.WithCertificates(chain, now)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	return key.Public(), nil
}

// selfSign makes the certificate of a key that it signs itself. It outlives the key, its last signature and, so that
// nobody is warned for nothing, the time of warning.
func (k *Keystore) selfSign(ctx context.Context, spec Spec, key *keystore.Key) ([]*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // RFC 5280 section 4.1.2.2
	if err != nil {
		return nil, err
	}
	p := k.policies[spec.Role]
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               k.subject,
		NotBefore:             k.now().Add(-time.Hour),
		NotAfter:              k.now().Add(p.PublishAhead + p.Lifetime + p.KeepFor + 2*warnAhead),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	if spec.Role == keystore.BindingCA {
		template.IsCA, template.MaxPathLenZero = true, true
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	der, err := key.CreateCertificate(ctx, template, key.Public().Key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("rotation: parse the certificate that was made: %w", err)
	}
	return []*x509.Certificate{certificate}, nil
}

// labelled is a key in the vault that is ours by its label.
type labelled struct {
	keystore.VaultKey
	made time.Time
}

// unrecorded returns the keys of a spec in the vault that the ledger does not have, the oldest first. If the ledger has
// others, only those made after them count: older ones were destroyed, and come from a backup.
func (k *Keystore) unrecorded(ctx context.Context, spec Spec, r *record) ([]labelled, error) {
	keys, err := k.vault.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("rotation: list the vault: %w", err)
	}
	var newest time.Time
	for _, e := range r.Keys {
		newest = latest(newest, e.Created.Truncate(time.Second))
	}
	var all []labelled
	for _, key := range keys {
		role, alg, made, ok := parseLabel(key.Label)
		if ok && role == spec.Role && alg == spec.Algorithm && r.find(thumbprint(key.Public)) == nil && !made.Before(newest) {
			all = append(all, labelled{key, made})
		}
	}
	slices.SortFunc(all, func(a, b labelled) int { return cmp.Or(a.made.Compare(b.made), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// adopt records the keys that are in the vault, when the ledger knows none: it was lost, or does not outlive a restart.
// The last that was published long enough is current, a later one is next, and the others retire now.
func (k *Keystore) adopt(ctx context.Context, spec Spec, keys []labelled) error {
	p := k.policies[spec.Role]
	var entries []entry
	for _, key := range keys {
		e, err := k.entryOf(ctx, spec, key.VaultKey)
		if err != nil {
			return err
		}
		e.Created = key.made
		e.Activates = key.made.Add(p.PublishAhead)
		entries = append(entries, e)
	}
	err := k.update(ctx, spec, func(r *record) error {
		if len(r.Keys) > 0 {
			return errors.New("another instance adopted the keys")
		}
		r.Keys = lineUp(slices.Clone(entries), k.now().UTC())
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range entries {
		k.record(ctx, audit.KeyImported, spec, e.Public.KeyID)
	}
	return nil
}

// lineUp dates keys that were found, the oldest first.
func lineUp(keys []entry, now time.Time) []entry {
	keys[0].Activates = keys[0].Created // it was the first, and signed at once
	current := 0
	for i, e := range keys {
		if !now.Before(e.Activates) {
			current = i
		}
	}
	for i := range keys {
		switch {
		case i < current:
			keys[i].Retires = now
		case i+1 < len(keys):
			keys[i].Retires = keys[i+1].Activates
		}
	}
	return keys
}
