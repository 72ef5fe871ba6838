package postgres

import (
	"context"

	"time"
)

const (
	// sweepBatch is how many rows one statement removes: few enough to be done in milliseconds and to delay nobody.
	sweepBatch = 1000
	// sweepTurn is the key under which an instance claims the turn to sweep. It has a space, which keys of others cannot.
	sweepTurn = "sweep turn"
)

// Maintain sweeps at intervals until the context ends, and returns its error. Every instance should run it: in each
// interval the first one sweeps. Nothing depends on it but the size of the database, because what has expired is absent
// at once.
func (s *Store) Maintain(ctx context.Context) error {
	tick := time.NewTicker(s.sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if _, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "postgres: sweep", "error", err)
		}
	}
}

// Sweep removes expired rows in small batches if no instance has done so in this interval, and says how many it removed;
// the history of a record is not counted. What it does not manage within the interval is left to whoever is the first in
// the next one, so that two never sweep at once.
func (s *Store) Sweep(ctx context.Context) (removed int, err error) {
	// A turn ends a little before the interval, or the holder's own next tick could find it still taken. This instance
	// stops when it ends, and the database's clock says when the next may begin: both measure from the claim.
	turn, cancel := context.WithTimeout(ctx, s.sweepInterval*9/10)
	defer cancel()
	claimed, err := s.affect(ctx, s.sql.add, sweepTurn, []byte{}, s.sweepInterval*9/10)
	if err != nil || claimed == 0 {
		return 0, err
	}
	for _, sql := range []string{s.sql.sweepEphemeral, s.sql.sweepCounters, s.sql.sweepLedger} {
		for more := true; more; {
			n, err := s.affect(turn, sql, sweepBatch)
			removed += n
			if err != nil {
				if turn.Err() != nil && ctx.Err() == nil {
					err = nil
				}
				return removed, err
			}
			more = n == sweepBatch
		}
	}
	return removed, nil
}

// affect runs a statement and returns how many rows it inserted, changed or removed.
func (s *Store) affect(ctx context.Context, sql string, arguments ...any) (rows int, err error) {
	err = s.run(ctx, func(ctx context.Context) error {
		tag, err := s.pool.Exec(ctx, sql, arguments...)
		rows = int(tag.RowsAffected())
		return err
	})
	return rows, err
}
