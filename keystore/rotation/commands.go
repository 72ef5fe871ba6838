package rotation

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

var (
	// ErrNoKey says that no key has the kid.
	ErrNoKey = errors.New("rotation: no such key")
	// ErrState says that what is asked for cannot be done to a key in its state.
	ErrState = errors.New("rotation: not possible in the key's state")
)

// Info is what there is to know of a key. Dates that are not fixed yet are zero.
type Info struct {
	KeyID     string
	Role      keystore.Role
	Algorithm string
	State     State
	// VaultID names the private key in the vault.
	VaultID string
	// Created is when the key was first published, Activates when it begins to sign, Retires when it stops, Removes when it
	// is not published any more and is destroyed.
	Created, Activates, Retires, Removes time.Time
	// Revoked is when it was withdrawn.
	Revoked time.Time
	// Certificates is its chain, its own certificate first.
	Certificates []*x509.Certificate
}

// List returns all keys in the ledger, those of one role and algorithm together, the oldest of them first. It needs no
// Start, as all commands.
func (k *Keystore) List(ctx context.Context) ([]Info, error) {
	records, err := k.list(ctx)
	if err != nil {
		return nil, err
	}
	now := k.now()
	var all []Info
	for _, r := range records {
		for _, e := range r.Value.Keys {
			all = append(all, k.info(&r.Value, &e, now))
		}
	}
	return all, nil
}

func (k *Keystore) info(r *record, e *entry, now time.Time) Info {
	return Info{
		KeyID: e.Public.KeyID, Role: r.Role, Algorithm: r.Algorithm, State: e.state(now), VaultID: e.VaultID,
		Created: e.Created, Activates: e.Activates, Retires: e.Retires, Removes: e.removes(k.policies[r.Role]), Revoked: e.Revoked,
		Certificates: e.Public.Certificates,
	}
}

// Rotate lets the next key take over, and makes one first if there is none. It does so when the next key has been
// published for as long as the policy demands, which may be now or later. With force it does so now: relying parties that
// have cached the older keys will then refuse tokens until they look again. It returns the key that takes over.
func (k *Keystore) Rotate(ctx context.Context, role keystore.Role, alg string, force bool) (Info, error) {
	spec := Spec{role, alg}
	if !k.specified(spec) {
		return Info{}, fmt.Errorf("rotation: Config.Keys do not name %s", recordID(role, alg))
	}
	if err := k.ensureNext(ctx, spec); err != nil {
		return Info{}, err
	}
	return k.promote(ctx, spec, force)
}

// ensureNext makes a next key if there is none.
func (k *Keystore) ensureNext(ctx context.Context, spec Spec) error {
	work, release, err := k.awaitLease(ctx, recordID(spec.Role, spec.Algorithm))
	if err != nil {
		return err
	}
	defer release()
	r, err := k.read(work, spec)
	if err != nil || r.next(k.now()) != nil {
		return err
	}
	if r.last() == nil { // not even a first one
		if err := k.addKey(work, spec, r); err != nil {
			return err
		}
		if r, err = k.read(work, spec); err != nil || r.next(k.now()) != nil {
			return err
		}
	}
	return k.addKey(work, spec, r)
}

// promote fixes when the next key takes over.
func (k *Keystore) promote(ctx context.Context, spec Spec, force bool) (info Info, err error) {
	err = k.update(ctx, spec, func(r *record) error {
		now := k.now().UTC()
		next := r.next(now)
		if next == nil {
			return fmt.Errorf("%w: another instance was faster", ErrState)
		}
		at := latest(now, next.Created.Add(k.policies[spec.Role].PublishAhead))
		if force {
			at = now
		}
		r.takeOver(next, at)
		info = k.info(r, next, now)
		return nil
	})
	if err == nil {
		k.record(ctx, audit.KeyRotated, spec, info.KeyID)
	}
	return info, err
}

// Retire takes a key out of the line: a next key that shall not take over, or a current one that nothing follows because
// Config.Keys do not name its role and algorithm any more. A current key that others follow is rotated instead.
func (k *Keystore) Retire(ctx context.Context, kid string) error {
	spec, err := k.specOf(ctx, kid)
	if err != nil {
		return err
	}
	err = k.update(ctx, spec, func(r *record) error {
		now := k.now().UTC()
		e := r.find(kid)
		if e == nil {
			return ErrNoKey
		}
		switch state := e.state(now); {
		case state == Next && (len(r.Keys) > 1 || !k.specified(spec)):
			r.withdraw(e)
			e.Removed = now // it never signed: nobody has to verify anything
		case state == Current && !k.specified(spec):
			e.Retires = now
		case state == Current:
			return fmt.Errorf("%w: %s signs; rotate it, or revoke it", ErrState, kid)
		default:
			return fmt.Errorf("%w: %s is %s", ErrState, kid, state)
		}
		return nil
	})
	if err == nil {
		k.record(ctx, audit.KeyRetired, spec, kid)
	}
	return err
}

// Revoke withdraws a key at once: it is for a key that somebody else may have. Within Refresh, and mostly at once, no
// instance publishes it or signs with it any more, and what it signed is refused by whoever looks at the JSON Web Key Set
// again. If it was the current key then the next one, or a fresh one, takes over now. The key is destroyed in the vault.
//
// An error that wraps neither ErrNoKey nor one of the ledger means that the key was revoked, and the rest has yet to be
// done: Run goes on with it.
func (k *Keystore) Revoke(ctx context.Context, kid string) error {
	spec, err := k.specOf(ctx, kid)
	if err != nil {
		return err
	}
	// A fresh key comes first, so that there is always one. But whatever it fails from, nothing keeps the other from going.
	fresh := k.freshFor(ctx, spec, kid)
	err = k.update(ctx, spec, func(r *record) error {
		now := k.now().UTC()
		e := r.find(kid)
		if e == nil {
			return ErrNoKey
		}
		state := e.state(now)
		if state == Revoked {
			return nil
		}
		next := r.next(now)
		if state == Next {
			r.withdraw(e)
		}
		e.Revoked = now
		if state == Current && next != nil {
			r.takeOver(next, now)
		}
		return nil
	})
	if err != nil {
		return err
	}
	k.record(ctx, audit.KeyRevoked, spec, kid)
	return errors.Join(fresh, k.destroy(ctx, spec, kid))
}

// freshFor makes a key that can take over from the one with the kid, if that one signs and none is there.
func (k *Keystore) freshFor(ctx context.Context, spec Spec, kid string) error {
	r, err := k.read(ctx, spec)
	if err != nil {
		return err
	}
	last := r.last()
	if !k.specified(spec) || last == nil || last.Public.KeyID != kid || last.state(k.now()) != Current {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	return k.ensureNext(ctx, spec)
}

// Import takes a private key that was made elsewhere, with its chain if it has one, as the next key. It takes over when
// it has been published for as long as the policy demands, or at once if it is the first. The vault must be a
// [keystore.Importer].
func (k *Keystore) Import(ctx context.Context, role keystore.Role, alg string, key crypto.PrivateKey, chain []*x509.Certificate) (Info, error) {
	spec := Spec{role, alg}
	importer, ok := k.vault.(keystore.Importer)
	if !ok {
		return Info{}, errors.New("rotation: this vault takes no keys that were made elsewhere")
	}
	if !k.specified(spec) {
		return Info{}, fmt.Errorf("rotation: Config.Keys do not name %s", recordID(role, alg))
	}
	private, err := keystore.Opaque(alg, key)
	if err != nil {
		return Info{}, err
	}
	o, err := try(ctx, role, alg, private)
	if err != nil {
		return Info{}, err
	}
	kid := o.public().KeyID
	if len(chain) > 0 {
		if _, err := o.certified(chain, k.now()); err != nil {
			return Info{}, err
		}
	}
	work, release, err := k.awaitLease(ctx, recordID(role, alg))
	if err != nil {
		return Info{}, err
	}
	defer release()
	records, err := k.list(work)
	if err != nil {
		return Info{}, err
	}
	for _, r := range records {
		if e := r.Value.find(kid); e != nil {
			return Info{}, fmt.Errorf("%w: %s is there already, %s for %s; a key serves one algorithm", ErrState, kid, e.state(k.now()), r.ID)
		}
		if r.ID == recordID(role, alg) && r.Value.next(k.now()) != nil {
			return Info{}, fmt.Errorf("%w: retire it first", errHasNext)
		}
	}
	made, err := importer.Import(work, label(role, alg, k.now()), alg, key, chain)
	if err != nil {
		return Info{}, fmt.Errorf("rotation: import: %w", err)
	}
	if err := k.addVaultKey(work, spec, made, audit.KeyImported); err != nil {
		return Info{}, err
	}
	r, err := k.read(work, spec)
	if err != nil {
		return Info{}, err
	}
	if r.next(k.now()) != nil {
		return k.promote(work, spec, false)
	}
	if e := r.find(kid); e != nil {
		return k.info(r, e, k.now()), nil
	}
	return Info{}, ErrNoKey
}

// specOf returns whose key it is.
func (k *Keystore) specOf(ctx context.Context, kid string) (Spec, error) {
	records, err := k.list(ctx)
	if err != nil {
		return Spec{}, err
	}
	i := slices.IndexFunc(records, func(r store.Entry[record]) bool { return r.Value.find(kid) != nil })
	if i < 0 {
		return Spec{}, fmt.Errorf("%w: %q", ErrNoKey, kid)
	}
	return Spec{records[i].Value.Role, records[i].Value.Algorithm}, nil
}
