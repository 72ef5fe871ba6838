package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/store"
)

var counterRules = []rule[*subject]{
	{
		name:  "IncrementCounts",
		rule:  "a counter begins at zero, and every Increment returns what it then stands at, through either handle",
		why:   "attempts are counted per person, not per instance of the provider",
		check: checkIncrementCounts,
	},
	{
		name:  "IncrementStopsAtZero",
		rule:  "a counter never goes below zero, and stays where it was afterwards",
		why:   "a credit that a fault gave twice must not become free attempts",
		check: checkIncrementStopsAtZero,
	},
	{
		name:  "IncrementOfNothing",
		rule:  "adding nothing to a counter that does not exist, or taking away from it, makes none",
		why:   "a counter that is only looked at must not begin to live, nor keep what comes later from its own time to live",
		check: checkIncrementOfNothing,
	},
	{
		name:  "IncrementKeepsTheFirstTTL",
		rule:  "a counter lives for the time to live of its first Increment, whatever later ones ask for, and begins again after it",
		why:   "a window that each attempt prolongs locks a person out for ever; one that each attempt renews never fills",
		check: checkIncrementKeepsTheFirstTTL,
	},
	{
		name:  "CountersAreNotValues",
		rule:  "no other method sees, changes or removes a counter, and Increment does so to no value, under any key",
		why:   "a key that a stranger chose must not reach the number of their own attempts",
		check: checkCountersAreNotValues,
	},
	{
		name:  "IncrementAnyKey",
		rule:  "counters under keys of 1 to 256 printable ASCII bytes are told apart byte for byte",
		why:   "a key that is folded or cut counts one person's attempts against another",
		check: checkIncrementAnyKey,
	},
	{
		name:  "IncrementLimits",
		rule:  "an increment of up to 2³¹ is counted exactly; a larger one, or a time to live that is not positive, is ErrInvalid",
		why:   "a counter that wraps around or loses digits begins to let everything through",
		check: checkIncrementLimits,
	},
	{
		name:  "IncrementRace",
		rule:  "of many callers that Increment one counter at once, through any handle, each sees a number of its own and none is lost",
		why:   "a limit of five attempts means that of a thousand requests at once five get through",
		check: checkIncrementRace,
	},
	{
		name:  "DecrementRace",
		rule:  "of many callers that take away from a counter at once, each sees what it then stood at, never below zero",
		why:   "the same attempt that is given back by two requests at once is counted down twice, and no further",
		check: checkDecrementRace,
	},
	{
		name:  "IncrementRaceOverExpired",
		rule:  "of many callers that Increment an expired counter at once, none is lost",
		why:   "two callers that each begin the new window count one attempt for two",
		check: checkIncrementRaceOverExpired,
	},
}

// expectCounter increments and compares. A TTL of zero is wanted exactly, and any other within what a test takes.
func expectCounter(ctx context.Context, h store.Ephemeral, key string, delta int64, ttl time.Duration, want store.Counter) error {
	what := fmt.Sprintf("Increment by %d", delta)
	got, err := h.Increment(ctx, key, delta, ttl)
	if err != nil {
		return expectError(what, err, nil)
	}
	if got.N != want.N {
		return fmt.Errorf("%s returned %d, want %d", what, got.N, want.N)
	}
	if want.TTL == 0 && got.TTL != 0 || want.TTL > 0 && (got.TTL <= 0 || got.TTL > want.TTL+time.Second || got.TTL < want.TTL/2-short) {
		return fmt.Errorf("%s says that the counter still lives for %s, want %s", what, got.TTL, want.TTL)
	}
	return nil
}

func checkIncrementCounts(ctx context.Context, s *subject) error {
	key := s.key("key")
	return first(
		func() error { return expectCounter(ctx, s.A, key, 1, long, store.Counter{N: 1, TTL: long}) },
		func() error { return expectCounter(ctx, s.B, key, 1, long, store.Counter{N: 2, TTL: long}) },
		func() error { return expectCounter(ctx, s.A, key, 40, long, store.Counter{N: 42, TTL: long}) },
		func() error { return expectCounter(ctx, s.B, key, -2, long, store.Counter{N: 40, TTL: long}) },
		func() error { return expectCounter(ctx, s.B, key, 0, long, store.Counter{N: 40, TTL: long}) },
		func() error { return expectCounter(ctx, s.A, s.key("other"), 1, long, store.Counter{N: 1, TTL: long}) },
	)
}

func checkIncrementStopsAtZero(ctx context.Context, s *subject) error {
	key := s.key("key")
	return first(
		func() error { return expectCounter(ctx, s.A, key, 2, long, store.Counter{N: 2, TTL: long}) },
		func() error { return expectCounter(ctx, s.B, key, -3, long, store.Counter{N: 0, TTL: long}) },
		func() error {
			return expectCounter(ctx, s.A, key, -store.MaxDelta, long, store.Counter{N: 0, TTL: long})
		},
		// The counter is still the one of the first increment: it only stands at zero.
		func() error { return expectCounter(ctx, s.B, key, 1, short, store.Counter{N: 1, TTL: long}) },
	)
}

func checkIncrementOfNothing(ctx context.Context, s *subject) error {
	for _, delta := range []int64{0, -1, -store.MaxDelta} {
		key := s.key(fmt.Sprint(delta))
		err := first(
			func() error { return expectCounter(ctx, s.A, key, delta, long, store.Counter{}) },
			func() error { return expectCounter(ctx, s.B, key, delta, long, store.Counter{}) },
			func() error { return expectCounter(ctx, s.A, key, 1, 2*long, store.Counter{N: 1, TTL: 2 * long}) },
		)
		if err != nil {
			return err
		}
	}
	return nil
}

func checkIncrementKeepsTheFirstTTL(ctx context.Context, s *subject) error {
	ended, lives, zero, fraction := s.key("ended"), s.key("lives"), s.key("zero"), s.key("fraction")
	err := first(
		func() error { return expectCounter(ctx, s.A, ended, 5, short, store.Counter{N: 5, TTL: short}) },
		func() error { return expectCounter(ctx, s.B, ended, 1, long, store.Counter{N: 6, TTL: short}) },
		func() error { return expectCounter(ctx, s.A, lives, 5, long, store.Counter{N: 5, TTL: long}) },
		func() error { return expectCounter(ctx, s.B, lives, 1, short, store.Counter{N: 6, TTL: long}) },
		func() error { return expectCounter(ctx, s.A, zero, 1, short, store.Counter{N: 1, TTL: short}) },
		func() error {
			_, err := s.A.Increment(ctx, fraction, 5, time.Nanosecond)
			return expectError("Increment for "+time.Nanosecond.String(), err, nil)
		},
	)
	if err != nil {
		return err
	}
	s.Advance(pause)
	err = first(
		func() error { return expectCounter(ctx, s.A, ended, 1, long, store.Counter{N: 1, TTL: long}) },
		func() error { return expectCounter(ctx, s.B, lives, 1, short, store.Counter{N: 7, TTL: long}) },
		func() error { return expectCounter(ctx, s.B, zero, -1, long, store.Counter{}) },
		func() error { return expectCounter(ctx, s.A, fraction, 1, long, store.Counter{N: 1, TTL: long}) },
	)
	if err != nil {
		return fmt.Errorf("%s later: %w", pause, err)
	}
	return nil
}

func checkCountersAreNotValues(ctx context.Context, s *subject) error {
	key, value := s.key("key"), []byte("7")
	count := func(n int64) func() error {
		return func() error { return expectCounter(ctx, s.B, key, 1, long, store.Counter{N: n, TTL: long}) }
	}
	err := first(
		count(1),
		func() error { return expectAbsent(ctx, s, key) },
		func() error {
			_, err := s.A.Take(ctx, key)
			return expectError("Take beside a counter", err, store.ErrNotFound)
		},
		func() error {
			return expectError("Replace beside a counter", s.A.Replace(ctx, key, []byte("1"), value, long), store.ErrConflict)
		},
		func() error { return expectError("Add beside a counter", s.A.Add(ctx, key, value, long), nil) },
		count(2),
		func() error { return expectStored(ctx, s, key, value) },
		func() error { return expectError("Put beside a counter", s.A.Put(ctx, key, value, long), nil) },
		count(3),
		func() error {
			return expectError("Replace beside a counter", s.A.Replace(ctx, key, value, []byte("8"), long), nil)
		},
		count(4),
		func() error {
			got, err := s.A.Take(ctx, key)
			return expectValue("Take beside a counter", got, err, []byte("8"))
		},
		count(5),
	)
	if err != nil {
		return err
	}
	// However a backend tells the two apart, the difference must not be something that a key can spell.
	for _, affix := range []string{"c", "c:", "n:", "ctr:", "cnt:", "count:", "counter:", "counters:", "incr:", "v:", "value:", "k:", "{c}", "c/", "#", ":c", ":n",
		":count", ":counter", "#c", "/c"} {
		for _, odd := range []string{affix + key, key + affix} {
			if err := expectError("Put under "+odd, s.A.Put(ctx, odd, []byte("100"), short), nil); err != nil {
				return err
			}
		}
	}
	return count(6)()
}

func checkIncrementAnyKey(ctx context.Context, s *subject) error {
	keys := s.oddNames()
	for i, name := range keys {
		err := expectCounter(ctx, s.A, s.key(name), int64(i+1), long, store.Counter{N: int64(i + 1), TTL: long})
		if err != nil {
			return fmt.Errorf("the key %q: %w", name, err)
		}
	}
	for i, name := range keys {
		if err := expectCounter(ctx, s.B, s.key(name), 0, long, store.Counter{N: int64(i + 1), TTL: long}); err != nil {
			return fmt.Errorf("the key %q: %w", name, err)
		}
	}
	return nil
}

func checkIncrementLimits(ctx context.Context, s *subject) error {
	key := s.key("key")
	for i := range int64(5) {
		n := (i + 1) * store.MaxDelta
		if err := expectCounter(ctx, s.A, key, store.MaxDelta, long, store.Counter{N: n, TTL: long}); err != nil {
			return err
		}
	}
	const stands = 5*store.MaxDelta + 1
	if err := expectCounter(ctx, s.B, key, 1, long, store.Counter{N: stands, TTL: long}); err != nil {
		return err
	}
	refused := []struct {
		key   string
		delta int64
		ttl   time.Duration
	}{
		{key, store.MaxDelta + 1, long},
		{key, -store.MaxDelta - 1, long},
		{key, 1, 0},
		{key, 1, -time.Second},
		{s.key("free"), 1, 0},
		{s.key("free"), -1, 0},
		{s.key(strings.Repeat("x", store.MaxKey)), 1, long},
	}
	for _, r := range refused {
		_, err := s.A.Increment(ctx, r.key, r.delta, r.ttl)
		what := fmt.Sprintf("Increment by %d for %s", r.delta, r.ttl)
		if err := expectError(what, err, store.ErrInvalid); err != nil {
			return err
		}
	}
	if err := expectCounter(ctx, s.B, key, 0, long, store.Counter{N: stands, TTL: long}); err != nil {
		return fmt.Errorf("after what was refused: %w", err)
	}
	return expectCounter(ctx, s.B, s.key("free"), 0, long, store.Counter{})
}

// raceCounter has every racer increment by delta and returns what they saw, in order.
func raceCounter(ctx context.Context, s *subject, key string, delta int64) ([]int64, error) {
	seen := make([]int64, racers)
	errs := race(s.A, s.B, func(h store.Ephemeral, racer int) error {
		c, err := h.Increment(ctx, key, delta, long)
		seen[racer] = c.N
		return expectError("Increment", err, nil)
	})
	slices.Sort(seen)
	return seen, errors.Join(errs...)
}

// expectSequence compares what the racers saw with from, from+1, and so on.
func expectSequence(seen []int64, from int64) error {
	for i, n := range seen {
		if want := from + int64(i); n != want {
			return fmt.Errorf("the callers saw %d, want each number from %d to %d once", seen, from, from+int64(len(seen))-1)
		}
	}
	return nil
}

func checkIncrementRace(ctx context.Context, s *subject) error {
	for round := range rounds {
		key := s.key(fmt.Sprint(round))
		seen, err := raceCounter(ctx, s, key, 1)
		if err != nil {
			return err
		}
		if err := expectSequence(seen, 1); err != nil {
			return err
		}
		if err := expectCounter(ctx, s.B, key, 0, long, store.Counter{N: racers, TTL: long}); err != nil {
			return err
		}
	}
	return nil
}

func checkDecrementRace(ctx context.Context, s *subject) error {
	const half = racers / 2
	for round := range rounds {
		key := s.key(fmt.Sprint(round))
		if err := expectCounter(ctx, s.A, key, half, long, store.Counter{N: half, TTL: long}); err != nil {
			return err
		}
		seen, err := raceCounter(ctx, s, key, -1)
		if err != nil {
			return err
		}
		// Half of them find it at zero.
		if seen[half-1] != 0 {
			return fmt.Errorf("callers who took 1 away from %d saw %d", half, seen)
		}
		if err := expectSequence(seen[half:], 0); err != nil {
			return err
		}
	}
	return nil
}

func checkIncrementRaceOverExpired(ctx context.Context, s *subject) error {
	for round := range rounds {
		key := s.key(fmt.Sprint(round))
		if err := expectCounter(ctx, s.A, key, 100, short, store.Counter{N: 100, TTL: short}); err != nil {
			return err
		}
	}
	s.Advance(pause)
	for round := range rounds {
		seen, err := raceCounter(ctx, s, s.key(fmt.Sprint(round)), 1)
		if err != nil {
			return err
		}
		if err := expectSequence(seen, 1); err != nil {
			return err
		}
	}
	return nil
}
