package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/store"
)

// retryAfter is how long work that failed is left alone. A vault that is full, or away, is not asked every few seconds.
const retryAfter = time.Minute

// Start loads the keys, and makes those that are missing: of several instances that start at once, one does. It returns
// everything that is wrong with a key that is published: the vault has another, it fails its test, a certificate has
// expired. Nothing is changed then.
func (k *Keystore) Start(ctx context.Context) error {
	for _, spec := range k.specs {
		if err := k.ensure(ctx, spec); err != nil {
			return err
		}
	}
	return k.load(ctx, true)
}

// ensure makes the first key of a spec if there is none.
func (k *Keystore) ensure(ctx context.Context, spec Spec) error {
	for {
		r, err := k.read(ctx, spec)
		if err != nil {
			return err
		}
		if r.last() != nil {
			return nil
		}
		if err := k.tend(ctx, spec); err != nil && !errors.Is(err, errLeased) {
			return err
		} else if err == nil {
			continue // to see that it is there
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("rotation: no keys for %s yet: %w", recordID(spec.Role, spec.Algorithm), ctx.Err())
		case <-time.After(leasePoll):
		}
	}
}

// Run keeps the keys up to date until the context ends, and then returns nil: it sees what other instances changed, makes
// the next key when the time has come, and removes what has been retired for long enough. Every instance runs it. If
// nobody has started the Keystore it does so, and returns the error of [Keystore.Start].
func (k *Keystore) Run(ctx context.Context) error {
	if k.snapshot.Load() == nil {
		if err := k.Start(ctx); err != nil {
			return err
		}
	}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { k.upkeepLoop(ctx) }) // apart: it may wait for the vault, while a key is revoked
	ticker := time.NewTicker(k.refresh)
	defer ticker.Stop()
	var changed <-chan struct{}
	for {
		if changed == nil && k.notifier != nil {
			var err error
			if changed, err = k.notifier.Subscribe(ctx, Topic); err != nil && ctx.Err() == nil {
				k.warn(ctx, "subscribe", "changes of keys are seen late", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-ticker.C:
		}
		if err := k.load(ctx, false); err != nil && ctx.Err() == nil {
			k.warn(ctx, "load", "going on with the keys that are known", "error", err)
		}
	}
}

func (k *Keystore) upkeepLoop(ctx context.Context) {
	ticker := time.NewTicker(k.refresh)
	defer ticker.Stop()
	failed := map[string]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			k.upkeep(ctx, failed)
		}
	}
}

// upkeep does what is due by the present snapshot.
func (k *Keystore) upkeep(ctx context.Context, failed map[string]time.Time) {
	now := k.now()
	k.warnOfCertificates(ctx, now)
	for _, spec := range k.tended() {
		id := recordID(spec.Role, spec.Algorithm)
		if now.Before(failed[id].Add(retryAfter)) || k.snapshot.Load().find(spec).due(k.specified(spec), k.policies[spec.Role], now).none() {
			continue
		}
		if err := k.tend(ctx, spec); err != nil && !errors.Is(err, errLeased) && ctx.Err() == nil {
			failed[id] = now
			k.logger.ErrorContext(ctx, "keys not kept up", "keys", id, "error", err)
		}
	}
}

// tended returns the specs, and what has records without being named by one.
func (k *Keystore) tended() []Spec {
	all := slices.Clone(k.specs)
	for _, e := range k.snapshot.Load().records {
		if spec := (Spec{e.Value.Role, e.Value.Algorithm}); !slices.Contains(all, spec) {
			all = append(all, spec)
		}
	}
	return all
}

func (k *Keystore) specified(spec Spec) bool { return slices.Contains(k.specs, spec) }

// find returns the record of a spec, empty if there is none.
func (s *snapshot) find(spec Spec) *record {
	for i := range s.records {
		if r := &s.records[i].Value; r.Role == spec.Role && r.Algorithm == spec.Algorithm {
			return r
		}
	}
	return &record{Role: spec.Role, Algorithm: spec.Algorithm}
}

// read reads the record of a spec, empty if there is none.
func (k *Keystore) read(ctx context.Context, spec Spec) (*record, error) {
	e, err := k.records.Get(ctx, recordID(spec.Role, spec.Algorithm))
	if errors.Is(err, store.ErrNotFound) {
		return &record{Role: spec.Role, Algorithm: spec.Algorithm}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("rotation: read the ledger: %w", err)
	}
	return &e.Value, nil
}

// update changes the record of a spec, and tells the other instances.
func (k *Keystore) update(ctx context.Context, spec Spec, change func(*record) error) error {
	_, err := k.records.Update(ctx, recordID(spec.Role, spec.Algorithm), func(e *store.Entry[record]) error {
		e.Value.Role, e.Value.Algorithm = spec.Role, spec.Algorithm
		return change(&e.Value)
	})
	if err != nil {
		return fmt.Errorf("rotation: write the ledger: %w", err)
	}
	if k.notifier != nil {
		if err := k.notifier.Notify(ctx, Topic); err != nil {
			k.warn(ctx, "notify", "other instances see a change of keys late", "error", err)
		}
	}
	if k.snapshot.Load() != nil {
		if err := k.load(ctx, false); err != nil {
			k.warn(ctx, "load", "going on with the keys that are known", "error", err)
		}
	}
	return nil
}

// tend does what is due for a record, under its lease.
func (k *Keystore) tend(ctx context.Context, spec Spec) error {
	ctx, release, err := k.lease(ctx, recordID(spec.Role, spec.Algorithm))
	if err != nil {
		return err
	}
	defer release()
	r, err := k.read(ctx, spec)
	if err != nil {
		return err
	}
	w := r.due(k.specified(spec), k.policies[spec.Role], k.now())
	var errs []error
	if w.add {
		errs = append(errs, k.addKey(ctx, spec, r))
	}
	if len(w.remove) > 0 {
		errs = append(errs, k.update(ctx, spec, func(r *record) error {
			for _, kid := range w.remove {
				if e := r.find(kid); e != nil && e.state(k.now()) == Retired {
					e.Removed = k.now().UTC()
				}
			}
			return nil
		}))
	}
	for _, kid := range slices.Concat(w.remove, w.destroy) {
		errs = append(errs, k.destroy(ctx, spec, kid))
	}
	return errors.Join(errs...)
}

// destroy destroys a key that is removed or revoked. The entry of one that was removed goes with it; that of one that was
// revoked stays, so that the key never comes back with a vault that is restored.
func (k *Keystore) destroy(ctx context.Context, spec Spec, kid string) error {
	r, err := k.read(ctx, spec)
	if err != nil {
		return err
	}
	e := r.find(kid)
	if e == nil || e.published() || !e.Destroyed.IsZero() {
		return nil
	}
	if err := k.vault.Delete(ctx, e.VaultID); err != nil {
		return fmt.Errorf("rotation: destroy key %s: %w", kid, err)
	}
	err = k.update(ctx, spec, func(r *record) error {
		if e := r.find(kid); e != nil && e.state(k.now()) == Revoked {
			e.Destroyed = k.now().UTC()
			return nil
		}
		r.Keys = slices.DeleteFunc(r.Keys, func(e entry) bool { return e.Public.KeyID == kid && !e.published() })
		return nil
	})
	if err == nil {
		k.record(ctx, audit.KeyDestroyed, spec, kid)
	}
	return err
}

// record tells the audit trail and the log of a change.
func (k *Keystore) record(ctx context.Context, what audit.Type, spec Spec, kid string) {
	k.sink.Record(ctx, audit.Event{Time: k.now(), Type: what, Outcome: audit.Success, KeyID: kid, Reason: string(spec.Role)})
	k.logger.InfoContext(ctx, string(what), "kid", kid, "role", spec.Role, "alg", spec.Algorithm)
}

// warn logs at most once an hour for each key of what is wrong.
func (k *Keystore) warn(ctx context.Context, key, message string, args ...any) {
	k.warnings.Lock()
	defer k.warnings.Unlock()
	now := k.now()
	if last, ok := k.warned[key]; ok && now.Sub(last) < time.Hour {
		return
	}
	k.warned[key] = now
	k.logger.WarnContext(ctx, message, args...)
}
