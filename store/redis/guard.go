package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gosignet/signet/store"
)

// A marker says since when Redis has known everything that was added to keys of its tag, in Unix milliseconds by its own
// clock. It has no time to live: whoever does not find it knows that Redis has lost what it had.

// admission is what the answer of addScript means.
func (s *Store) admission(ctx context.Context, n int64, unmarked bool) error {
	switch {
	case unmarked:
		// All markers are laid now, so that what is made from now on is accepted everywhere. One call does it; the others
		// need not wait, for they are refused anyway.
		if s.marking.TryLock() {
			defer s.marking.Unlock()
			s.lay(context.WithoutCancel(ctx))
		}
		return fmt.Errorf("%w: redis has lost its records, or is new", store.ErrForgotten)
	case n < 0:
		return fmt.Errorf("%w: redis lost its records; what is %s younger is accepted", store.ErrForgotten, time.Duration(-n)*time.Millisecond)
	case n == 0:
		return store.ErrExists
	}
	return nil
}

// Since returns since when Redis has known everything that was added, by its own clock; zero is since ever. Where markers are
// missing it lays them: then that is now.
func (s *Store) Since(ctx context.Context) (time.Time, error) {
	since, err := s.lay(ctx)
	if err != nil || since == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(since), nil
}

// Begin tells Redis that nothing was used before which it does not know. It is for a new deployment, and for an operator who
// is sure of that or accepts the risk.
func (s *Store) Begin(ctx context.Context) error {
	_, err := s.mark(ctx, func(marker string, _ form) []any { return []any{"set", marker, 0} })
	return err
}

func (s *Store) lay(ctx context.Context) (since int64, err error) {
	return s.mark(ctx, func(marker string, as form) []any { return markScript.call(as, []string{marker}) })
}

// mark sends a command for each marker and returns the latest time that was answered.
func (s *Store) mark(ctx context.Context, args func(marker string, as form) []any) (latest int64, err error) {
	commands := s.pipeline(ctx, tags, func(i int, as form) command {
		return command{goredis.NewCmd(ctx, args(s.prefix+numberedTag(i)+kindMarker, as)...)}
	})
	for _, c := range commands {
		if c.Err() != nil {
			return 0, failure(ctx, c.Err())
		}
		since, _ := c.Val().(int64)
		latest = max(latest, since)
	}
	return latest, nil
}
