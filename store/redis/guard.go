package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gosignet/signet/store"
)

// ErrQuarantine says that Redis has lost its records, and with them the memory of what was used, or that it is new. Add
// is refused until nothing that was used before can be used again; see [Config].
var ErrQuarantine = errors.New("redis: records of what was used are lost, and until they would have expired nothing is accepted as unused")

// A marker is the time, in Unix milliseconds by the clock of Redis, from which on Add is allowed to keys of its tag. It
// has no time to live: whoever does not find it knows that Redis has lost what it had.

// admission is what the answer of addScript means.
func (s *Store) admission(ctx context.Context, n int64, unmarked bool) error {
	switch {
	case unmarked:
		// All markers are laid now, so that the quarantine ends everywhere at once. One call does it; the others need
		// not wait, for they are refused anyway.
		if s.marking.TryLock() {
			defer s.marking.Unlock()
			s.lay(context.WithoutCancel(ctx))
		}
		return ErrQuarantine
	case n < 0:
		return fmt.Errorf("%w: for %s", ErrQuarantine, time.Duration(-n)*time.Millisecond)
	case n == 0:
		return store.ErrExists
	}
	return nil
}

// Quarantine returns for how long Redis still refuses Add; zero is not at all. Where markers are missing it lays them:
// the quarantine begins.
func (s *Store) Quarantine(ctx context.Context) (time.Duration, error) {
	if s.quarantine <= 0 {
		return 0, nil
	}
	return s.lay(ctx)
}

// EndQuarantine makes Redis accept Add at once. It is for a new deployment, where nothing was used before, and for an
// operator who is sure of that or accepts the risk.
func (s *Store) EndQuarantine(ctx context.Context) error {
	_, err := s.mark(ctx, func(marker string, _ form) []any { return []any{"set", marker, 0} })
	return err
}

func (s *Store) lay(ctx context.Context) (time.Duration, error) {
	return s.mark(ctx, func(marker string, as form) []any {
		return markScript.call(as, []string{marker}, milliseconds(s.quarantine))
	})
}

// mark sends a command for each marker and returns the longest time that was answered.
func (s *Store) mark(ctx context.Context, args func(marker string, as form) []any) (longest time.Duration, err error) {
	commands := s.pipeline(ctx, tags, func(i int, as form) command {
		return command{goredis.NewCmd(ctx, args(s.prefix+numberedTag(i)+kindMarker, as)...)}
	})
	for _, c := range commands {
		if c.Err() != nil {
			return 0, failure(ctx, c.Err())
		}
		left, _ := c.Val().(int64)
		longest = max(longest, time.Duration(left)*time.Millisecond)
	}
	return longest, nil
}
