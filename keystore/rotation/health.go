package rotation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// Health is how the keys are.
type Health struct {
	// Ready says that there is a usable key for each of Config.Keys.
	Ready bool
	// LoadedAt is when the ledger was last read.
	LoadedAt time.Time
	// Problems are what somebody should look at, in words: keys that cannot be opened or were not rotated in time, a ledger
	// that is away, certificates that expire within 30 days. There may be some although Ready.
	Problems []string
}

// Health returns how the keys are by what the instance knows. It reaches for neither vault nor ledger.
func (k *Keystore) Health(ctx context.Context) Health {
	s := k.snapshot.Load()
	if s == nil {
		return Health{Problems: []string{"the keystore was not started"}}
	}
	now := k.now()
	h := Health{Ready: true, LoadedAt: s.loadedAt}
	problem := func(format string, args ...any) { h.Problems = append(h.Problems, fmt.Sprintf(format, args...)) }
	if old := now.Sub(s.loadedAt); old > 3*k.refresh+ClockSkew/4 {
		problem("the ledger was not read for %s", old.Round(time.Second))
	}
	for _, err := range s.problems {
		problem("%v", err)
	}
	for _, err := range s.expiring(now) {
		problem("%v", err)
	}
	for _, spec := range k.specs {
		id := recordID(spec.Role, spec.Algorithm)
		if !k.usable(ctx, s, spec) {
			h.Ready = false
			problem("no key for %s", id)
		}
		last := s.find(spec).last()
		if last == nil || last.state(now) == Next {
			continue
		}
		if end := last.Activates.Add(k.policies[spec.Role].Lifetime); now.After(end) {
			problem("the key %s of %s should have been replaced by %s", last.Public.KeyID, id, end.UTC().Format(time.RFC3339))
		}
	}
	slices.Sort(h.Problems)
	return h
}

func (k *Keystore) usable(ctx context.Context, s *snapshot, spec Spec) bool {
	if spec.Role == keystore.RequestDecryption {
		return slices.ContainsFunc(s.decrypts, func(key *keystore.DecryptionKey) bool { return key.Public().Algorithm == spec.Algorithm })
	}
	_, err := k.Signer(ctx, spec.Role, jose.SignatureAlgorithm(spec.Algorithm))
	return err == nil
}
