package rotation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gosignet/signet/store"
)

const (
	// leaseTime is how long a lease lasts if nobody gives it back. Clocks that are skewed leave at least workTime of it.
	leaseTime = workTime + 2*ClockSkew
	// workTime bounds what is done under a lease.
	workTime = time.Minute
	// leasePoll is how often whoever has to wait for a lease looks.
	leasePoll = 250 * time.Millisecond
)

// errLeased says that another instance is at work.
var errLeased = errors.New("rotation: another instance is at work on these keys")

// lease lets one instance at a time make and destroy the keys of a record. It returns what ends it, with a context for the
// work, or errLeased. What is written to the record is compared with what was read all the same.
func (k *Keystore) lease(ctx context.Context, id string) (work context.Context, release func(), err error) {
	holder, err := json.Marshal(k.instance + "/" + rand.Text())
	if err != nil {
		return nil, nil, err
	}
	ledger := k.records.Ledger
	_, err = ledger.Write(ctx, leaseCollection, store.Record{ID: id, Value: holder, ExpiresAt: k.now().Add(leaseTime)})
	if errors.Is(err, store.ErrConflict) {
		return nil, nil, errLeased
	}
	if err != nil {
		return nil, nil, fmt.Errorf("rotation: lease: %w", err)
	}
	work, cancel := context.WithTimeout(ctx, workTime)
	return work, func() {
		cancel()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		held, err := ledger.Read(ctx, leaseCollection, id)
		if err == nil && string(held.Value) == string(holder) {
			err = ledger.Erase(ctx, leaseCollection, id)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			k.logger.WarnContext(ctx, "lease not given back, it will expire", "id", id, "error", err)
		}
	}, nil
}

// awaitLease is lease, and waits as long as others have it.
func (k *Keystore) awaitLease(ctx context.Context, id string) (work context.Context, release func(), err error) {
	for {
		work, release, err := k.lease(ctx, id)
		if !errors.Is(err, errLeased) {
			return work, release, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("%w: %w", errLeased, ctx.Err())
		case <-time.After(leasePoll):
		}
	}
}
