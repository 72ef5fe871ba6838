package rotation

import (
	"context"
	"time"
)

// Tick does once what Run does again and again.
func (k *Keystore) Tick(ctx context.Context) error {
	if err := k.load(ctx, false); err != nil {
		return err
	}
	k.upkeep(ctx, map[string]time.Time{})
	return nil
}
