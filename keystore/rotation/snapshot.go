package rotation

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

// openTime bounds how long keys are opened until an instance goes on without them: a vault that hangs must not keep it from
// seeing that a key was revoked.
const openTime = 5 * time.Second

// snapshot is what an instance knows of all keys. It never changes: a newer one takes its place.
type snapshot struct {
	records  []store.Entry[record]
	loadedAt time.Time
	signers  map[slot][]signer
	public   []jose.JSONWebKey
	decrypts []*keystore.DecryptionKey
	// problems are why keys that should be usable are not; they are tried again.
	problems []error
	// until is when a certificate expires that is published.
	until time.Time
}

// slot is what Signer is asked for.
type slot struct {
	role keystore.Role
	alg  jose.SignatureAlgorithm
}

// signer is a key with the time in which it signs.
type signer struct {
	key                *keystore.Key
	activates, retires time.Time
}

// Signer implements [keystore.Keystore].
func (k *Keystore) Signer(_ context.Context, role keystore.Role, alg jose.SignatureAlgorithm) (*keystore.Key, error) {
	s := k.snapshot.Load()
	if s == nil {
		return nil, fmt.Errorf("%w: the keystore was not started", keystore.ErrNoKey)
	}
	if key := signerAt(s.signers[slot{role, alg}], k.now()); key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("%w: %s for %s", keystore.ErrNoKey, alg, role)
}

// signerAt returns the key that signs: the last that has activated and not retired. If there is none, it is the first
// that is to come (the clock that dated it is ahead of ours), or else the last that was there (this instance cannot open
// its successor): each of them is published.
func signerAt(keys []signer, now time.Time) *keystore.Key {
	var current, coming, gone *signer
	for i := range keys {
		s := &keys[i]
		switch {
		case !s.retires.IsZero() && !now.Before(s.retires):
			if gone == nil || s.retires.After(gone.retires) {
				gone = s
			}
		case now.Before(s.activates):
			if coming == nil || s.activates.Before(coming.activates) {
				coming = s
			}
		case current == nil || s.activates.After(current.activates):
			current = s
		}
	}
	for _, s := range []*signer{current, coming, gone} {
		if s != nil {
			return s.key
		}
	}
	return nil
}

// Keys implements [keystore.Keystore]. The keys of BindingCA are not among them.
func (k *Keystore) Keys(context.Context) ([]jose.JSONWebKey, error) {
	s := k.snapshot.Load()
	if s == nil {
		return nil, errors.New("rotation: the keystore was not started")
	}
	return slices.Clone(s.public), nil
}

// Decrypt implements [keystore.Decrypter] with all keys of RequestDecryption that are published.
func (k *Keystore) Decrypt(ctx context.Context, jwe string) ([]byte, error) {
	s := k.snapshot.Load()
	if s == nil {
		return nil, errors.New("rotation: the keystore was not started")
	}
	content, err := keystore.Decrypt(ctx, jwe, s.decrypts...)
	if errors.Is(err, keystore.ErrDecrypt) && len(s.decrypts) == 0 && len(s.problems) > 0 {
		return nil, s.problems[0] // it says nothing of the JWE
	}
	return content, err
}

// Certificates returns the chain of the key that signs in the role now, its own certificate first, or none.
func (k *Keystore) Certificates(ctx context.Context, role keystore.Role, alg jose.SignatureAlgorithm) ([]*x509.Certificate, error) {
	key, err := k.Signer(ctx, role, alg)
	if err != nil {
		return nil, err
	}
	return key.Certificates(), nil
}

// load reads the ledger, and makes a snapshot of it if anything changed. What is wrong with single keys is logged, and
// is in the snapshot; at start it is the error.
func (k *Keystore) load(ctx context.Context, start bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	raw, err := k.listRaw(ctx)
	if err != nil {
		return err
	}
	old := k.snapshot.Load()
	if old != nil && !start && len(old.problems) == 0 && (old.until.IsZero() || now.Before(old.until)) && old.isOf(raw) {
		same := *old
		same.loadedAt = now
		k.snapshot.Store(&same)
		return nil
	}
	records, err := decode(raw)
	if err != nil {
		return err
	}
	if !start {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, openTime)
		defer cancel()
	}
	s := k.build(ctx, records, now)
	if start {
		if err := errors.Join(s.problems...); err != nil {
			return err
		}
	}
	for _, problem := range s.problems {
		k.warn(ctx, problem.Error(), "key not usable", "error", problem)
	}
	k.snapshot.Store(s)
	return nil
}

// list reads all records.
func (k *Keystore) list(ctx context.Context) ([]store.Entry[record], error) {
	raw, err := k.listRaw(ctx)
	if err != nil {
		return nil, err
	}
	return decode(raw)
}

// listRaw reads all records as they are stored: every instance does so every few seconds, and mostly nothing changed.
func (k *Keystore) listRaw(ctx context.Context) (all []store.Record, err error) {
	for after := ""; ; after = all[len(all)-1].ID {
		page, err := k.records.Ledger.List(ctx, collection, store.Query{After: after})
		if err != nil {
			return nil, fmt.Errorf("rotation: read the ledger: %w", err)
		}
		all = append(all, page...)
		if len(page) < store.MaxList {
			return all, nil
		}
	}
}

func decode(raw []store.Record) ([]store.Entry[record], error) {
	all := make([]store.Entry[record], len(raw))
	for i, r := range raw {
		all[i].ID, all[i].Version, all[i].WrittenAt = r.ID, r.Version, r.WrittenAt
		if err := json.Unmarshal(r.Value, &all[i].Value); err != nil {
			return nil, fmt.Errorf("rotation: the record %s in the ledger: %w", r.ID, err)
		}
	}
	return all, nil
}

// isOf reports whether the snapshot was made of these versions.
func (s *snapshot) isOf(raw []store.Record) bool {
	return slices.EqualFunc(s.records, raw, func(a store.Entry[record], b store.Record) bool {
		return a.ID == b.ID && a.Version == b.Version && a.WrittenAt.Equal(b.WrittenAt)
	})
}

func (k *Keystore) build(ctx context.Context, records []store.Entry[record], now time.Time) *snapshot {
	s := &snapshot{records: records, loadedAt: now, signers: map[slot][]signer{}}
	known := map[string]bool{}
	for i := range records {
		r := &records[i].Value
		for j := range r.Keys {
			e := &r.Keys[j]
			if !e.published() {
				continue
			}
			if known[e.Public.KeyID] {
				s.problems = append(s.problems, fmt.Errorf("rotation: key %s is there twice, and does not serve %s", e.Public.KeyID, records[i].ID))
				continue
			}
			known[e.Public.KeyID] = true
			k.include(ctx, s, r, e)
		}
	}
	maps.DeleteFunc(k.opened, func(kid string, _ opened) bool { return !known[kid] })
	for _, role := range []keystore.Role{keystore.UserinfoSigning, keystore.ResponseSigning} {
		if slices.ContainsFunc(k.specs, func(spec Spec) bool { return spec.Role == role }) {
			continue
		}
		for from, keys := range maps.Clone(s.signers) {
			if from.role == keystore.TokenSigning {
				s.signers[slot{role, from.alg}] = keys
			}
		}
	}
	return s
}

// include adds a key to the snapshot: to what is published in any case, and to what is used if it can be opened.
func (k *Keystore) include(ctx context.Context, s *snapshot, r *record, e *entry) {
	public, chain := e.Public, e.Public.Certificates
	if err := keystore.CheckCertificateTime(chain, s.loadedAt); err != nil {
		s.problems = append(s.problems, fmt.Errorf("rotation: key %s of %s is published without it: %w", public.KeyID, recordID(r.Role, r.Algorithm), err))
		public.Certificates, public.CertificateThumbprintSHA256, chain = nil, nil, nil
	}
	for _, c := range chain {
		if s.until.IsZero() || c.NotAfter.Before(s.until) {
			s.until = c.NotAfter
		}
	}
	if r.Role != keystore.BindingCA {
		s.public = append(s.public, public)
	}
	o, ok := k.opened[public.KeyID]
	if !ok {
		// Keys that are retired, or not named any more, do not sign; those that decrypt are used while clients may have them.
		if r.Role != keystore.RequestDecryption && (e.retired(s.loadedAt) || !k.specified(Spec{r.Role, r.Algorithm})) {
			return
		}
		var err error
		if o, err = k.open(ctx, r, e); err != nil {
			s.problems = append(s.problems, err)
			return
		}
		k.opened[public.KeyID] = o
	}
	if o.decrypts != nil {
		s.decrypts = append(s.decrypts, o.decrypts)
		return
	}
	key := o.signs
	if len(chain) > 0 {
		var err error
		if key, err = key.WithCertificates(chain, s.loadedAt); err != nil {
			s.problems = append(s.problems, err)
			key = o.signs
		}
	}
	in := slot{r.Role, key.Algorithm()}
	s.signers[in] = append(s.signers[in], signer{key, e.Activates, e.Retires})
}
