package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

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
		name:  "AddRaceOverExpired",
		rule:  "of many callers that Add over an expired value at once, exactly one succeeds",
		why:   "an engine that first removes what has expired lets the second remove what the first has stored",
		check: checkAddRaceOverExpired,
	},
	{
		name:  "PutRace",
		rule:  "many callers that Put under one key at once all succeed, and one value is there as a whole",
		why:   "an engine that makes writers wait for each other, or gives up on one, fails requests for nothing",
		check: checkPutRace,
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
	{
		name:  "EndedMidway",
		rule:  "a call whose context ends while it is under way returns that error, is not repeated and disturbs no other call",
		why:   "a connection that is used on after a call was given up hands its answer, another person's state, to the next",
		check: checkEndedMidway,
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

func checkAddRaceOverExpired(ctx context.Context, s *subject) error {
	for round := range rounds {
		if err := s.A.Put(ctx, s.key(strconv.Itoa(round)), []byte("expired"), short); err != nil {
			return expectError("Put", err, nil)
		}
	}
	s.Advance(pause)
	return checkAddRace(ctx, s)
}

func checkPutRace(ctx context.Context, s *subject) error {
	value := func(racer int) []byte { return bytes.Repeat([]byte{byte(racer)}, 4096) }
	for round := range rounds {
		key := s.key(strconv.Itoa(round))
		errs := race(s.A, s.B, func(h store.Ephemeral, racer int) error { return h.Put(ctx, key, value(racer), long) })
		if err := errors.Join(errs...); err != nil {
			return expectError("Put", err, nil)
		}
		got, err := s.A.Get(ctx, key)
		if err != nil {
			return expectError("Get", err, nil)
		}
		if len(got) == 0 || int(got[0]) >= racers || !bytes.Equal(got, value(int(got[0]))) {
			return fmt.Errorf("Get returned %s, which nobody has stored", show(got))
		}
		if err := expectStored(ctx, s, key, got); err != nil {
			return err
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

// endMidway makes a call again and again with a context that ends sooner or later, before, while or after the call is
// under way. It expects no error, or the context's.
func endMidway(ctx context.Context, racer int, call func(ctx context.Context) error) error {
	for try := range rounds {
		after := time.Duration(racer*(try+1)) * 10 * time.Microsecond
		ending, cancel := context.WithTimeout(ctx, after)
		if try%2 == 1 { // cancelled, and not late
			cancel()
			ending, cancel = context.WithCancel(ctx)
			time.AfterFunc(after, cancel)
		}
		err := call(ending)
		if err != nil {
			<-ending.Done()
			err = expectError("a call whose context ended", err, ending.Err())
		}
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

func checkEndedMidway(ctx context.Context, s *subject) error {
	value := func(racer int) []byte { return fmt.Append(nil, "the value of caller ", racer) }
	for racer := range racers {
		if err := s.A.Put(ctx, s.key(strconv.Itoa(racer)), value(racer), long); err != nil {
			return expectError("Put", err, nil)
		}
	}
	errs := race(s.A, s.B, func(h store.Ephemeral, racer int) error {
		key, counted := s.key(strconv.Itoa(racer)), int64(0)
		read := func(ctx context.Context) error {
			got, err := h.Get(ctx, key)
			if err != nil {
				return err
			}
			return expectValue("Get", got, nil, value(racer))
		}
		count := func(ctx context.Context) error {
			_, err := h.Increment(ctx, key, 1, long)
			if err == nil {
				counted++
			}
			return err
		}
		if err := errors.Join(endMidway(ctx, racer, read), endMidway(ctx, racer, count), read(ctx)); err != nil {
			return err
		}
		c, err := h.Increment(ctx, key, 0, long)
		if err == nil && (c.N < counted || c.N > rounds) {
			err = fmt.Errorf("after %d calls of Increment, of which %d succeeded, the counter stands at %d", rounds, counted, c.N)
		}
		return err
	})
	return errors.Join(errs...)
}
