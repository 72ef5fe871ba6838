package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/gosignet/signet/store"
)

const (
	// racers is how many goroutines want the same thing at once, half of them through each handle.
	racers = 64
	// rounds is how often they race.
	rounds = 8
)

var raceRules = []rule[*subject]{
	{
		name:  "AddRace",
		rule:  "of many callers that Add under one key at once, through any handle, exactly one succeeds",
		why:   "the same assertion, proof or nonce sent to all instances at once is accepted once",
		check: checkAddRace,
	},
	{
		name:  "TakeRace",
		rule:  "of many callers that Take one value at once, through any handle, exactly one gets it",
		why:   "an authorization code sent to all instances at once gives one set of tokens",
		check: checkTakeRace,
	},
	{
		name:  "ReplaceRace",
		rule:  "Replace loses no change: a counter that many callers increment through any handle reaches their number",
		why:   "attempts at a login are counted; a lost count is a free guess",
		check: checkReplaceRace,
	},
	{
		name:  "TakeOrReplace",
		rule:  "a value is either taken or replaced: Replace does not bring back what was taken",
		why:   "a login that was finished must not be continued by a request that came at the same time",
		check: checkTakeOrReplace,
	},
}

// race calls f for every racer at once, half of them through each handle, and returns what it returned for each.
func race[H any](a, b H, f func(h H, racer int) error) []error {
	errs := make([]error, racers)
	start := make(chan struct{})
	var done sync.WaitGroup
	for i := range racers {
		h := a
		if i%2 == 1 {
			h = b
		}
		done.Go(func() {
			<-start
			errs[i] = f(h, i)
		})
	}
	close(start)
	done.Wait()
	return errs
}

// winner returns the one racer without an error. All others must have got the error lost.
func winner(errs []error, lost error) (int, error) {
	winner, won := 0, 0
	for i, err := range errs {
		if err == nil {
			winner = i
			won++
		} else if err := expectError("a caller that did not succeed", err, lost); err != nil {
			return 0, err
		}
	}
	if won != 1 {
		return 0, fmt.Errorf("%d of %d callers succeeded, want 1", won, len(errs))
	}
	return winner, nil
}

func checkAddRace(ctx context.Context, s *subject) error {
	for round := range rounds {
		key := s.key(strconv.Itoa(round))
		errs := race(s.A, s.B, func(h store.Ephemeral, racer int) error {
			return h.Add(ctx, key, []byte(strconv.Itoa(racer)), long)
		})
		won, err := winner(errs, store.ErrExists)
		if err != nil {
			return err
		}
		if err := expectStored(ctx, s, key, []byte(strconv.Itoa(won))); err != nil {
			return fmt.Errorf("after caller %d succeeded: %w", won, err)
		}
	}
	return nil
}

func checkTakeRace(ctx context.Context, s *subject) error {
	for round := range rounds {
		key, value := s.key(strconv.Itoa(round)), []byte("value")
		if err := s.A.Put(ctx, key, value, long); err != nil {
			return expectError("Put", err, nil)
		}
		errs := race(s.A, s.B, func(h store.Ephemeral, _ int) error {
			got, err := h.Take(ctx, key)
			if err != nil {
				return err
			}
			return expectValue("Take", got, nil, value)
		})
		if _, err := winner(errs, store.ErrNotFound); err != nil {
			return err
		}
	}
	return nil
}

func checkReplaceRace(ctx context.Context, s *subject) error {
	key := s.key("counter")
	if err := s.A.Put(ctx, key, []byte("0"), long); err != nil {
		return expectError("Put", err, nil)
	}
	errs := race(s.A, s.B, func(h store.Ephemeral, _ int) error { return increment(ctx, h, key) })
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return expectStored(ctx, s, key, []byte(strconv.Itoa(racers)))
}

// increment adds one to a counter. Somebody else has succeeded whenever it has to try again, so that it needs at most
// as many tries as there are racers.
func increment(ctx context.Context, h store.Ephemeral, key string) error {
	for range racers {
		old, err := h.Get(ctx, key)
		if err != nil {
			return expectError("Get", err, nil)
		}
		n, err := strconv.Atoi(string(old))
		if err != nil {
			return fmt.Errorf("the counter is %s, want a number", show(old))
		}
		err = h.Replace(ctx, key, old, []byte(strconv.Itoa(n+1)), long)
		if err == nil {
			return nil
		}
		if err := expectError("Replace", err, store.ErrConflict); err != nil {
			return err
		}
	}
	return fmt.Errorf("%d calls of Replace returned %q, more than the others can have changed the value", racers, store.ErrConflict)
}

func checkTakeOrReplace(ctx context.Context, s *subject) error {
	for round := range rounds * rounds {
		key := s.key(strconv.Itoa(round))
		if err := s.A.Put(ctx, key, []byte("old"), long); err != nil {
			return expectError("Put", err, nil)
		}
		var taken []byte
		var take, replace error
		var done sync.WaitGroup
		done.Go(func() { taken, take = s.A.Take(ctx, key) })
		done.Go(func() { replace = s.B.Replace(ctx, key, []byte("old"), []byte("new"), long) })
		done.Wait()

		want := []byte("new") // Replace was first
		if replace != nil {
			want = []byte("old")
			if err := expectError("Replace", replace, store.ErrConflict); err != nil {
				return err
			}
		}
		if err := expectValue("Take", taken, take, want); err != nil {
			return fmt.Errorf("when Replace returned %v: %w", replace, err)
		}
		if err := expectAbsent(ctx, s, key); err != nil {
			return err
		}
	}
	return nil
}
