package storetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gosignet/signet/store"
)

var argumentRules = []rule[*subject]{
	{
		name:  "PositiveTTL",
		rule:  "a time to live that is not positive is refused with ErrInvalid and changes nothing",
		why:   "many engines take zero for \"for ever\", and what never expires is personal data kept for ever",
		check: checkPositiveTTL,
	},
	{
		name:  "InvalidKeys",
		rule:  "a key that is empty, longer than 256 bytes, or not printable ASCII without spaces is refused with ErrInvalid",
		why:   "engines cut, fold or fail on such keys in different ways, and the mistake must show with every one of them",
		check: checkInvalidKeys,
	},
	{
		name:  "TooLargeValues",
		rule:  "a value above 64 KiB is refused with ErrInvalid and changes nothing",
		why:   "what a stranger sends must not fill the backend, nor work with one backend and fail with the next",
		check: checkTooLargeValues,
	},
	{
		name:  "EndedContext",
		rule:  "when the context has ended, every method returns its error",
		why:   "a request whose person has gone must not hold a connection, and an outage is told from an answer by its error",
		check: checkEndedContext,
	},
}

// methods calls every method with one key, value and time to live.
func methods(ctx context.Context, h store.Ephemeral, key string, value []byte, ttl time.Duration) map[string]error {
	_, get := h.Get(ctx, key)
	errs := writes(ctx, h, key, value, ttl)
	errs["Get"] = get
	_, errs["Take"] = h.Take(ctx, key)
	_, errs["Increment"] = h.Increment(ctx, key, 1, ttl)
	return errs
}

func writes(ctx context.Context, h store.Ephemeral, key string, value []byte, ttl time.Duration) map[string]error {
	return map[string]error{
		"Put":     h.Put(ctx, key, value, ttl),
		"Add":     h.Add(ctx, key, value, ttl),
		"Replace": h.Replace(ctx, key, []byte("stored"), value, ttl),
	}
}

// expectRefused tries the writes over a live value and over nothing.
func expectRefused(ctx context.Context, s *subject, value []byte, ttl time.Duration) error {
	live, free := s.key("live"), s.key("free")
	if err := s.A.Put(ctx, live, []byte("stored"), long); err != nil {
		return expectError("Put", err, nil)
	}
	for _, key := range []string{live, free} {
		for name, err := range writes(ctx, s.A, key, value, ttl) {
			if err := expectError(name, err, store.ErrInvalid); err != nil {
				return err
			}
		}
	}
	if err := expectStored(ctx, s, live, []byte("stored")); err != nil {
		return fmt.Errorf("after the refusal: %w", err)
	}
	return expectAbsent(ctx, s, free)
}

func checkPositiveTTL(ctx context.Context, s *subject) error {
	for _, ttl := range []time.Duration{0, -1, -time.Hour} {
		if err := expectRefused(ctx, s, []byte("value"), ttl); err != nil {
			return fmt.Errorf("with a time to live of %s: %w", ttl, err)
		}
	}
	return nil
}

func checkInvalidKeys(ctx context.Context, s *subject) error {
	keys := []string{"", strings.Repeat("x", store.MaxKey+1), s.key("a b"), s.key("tab\t"), s.key("line\n"), s.key("nul\x00"),
		s.key("del\x7f"), s.key("é"), s.key("\xff")}
	for _, key := range keys {
		for name, err := range methods(ctx, s.A, key, []byte("value"), long) {
			if err := expectError(fmt.Sprintf("%s of the key %q", name, key), err, store.ErrInvalid); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkTooLargeValues(ctx context.Context, s *subject) error {
	return expectRefused(ctx, s, make([]byte, store.MaxValue+1), long)
}

func checkEndedContext(ctx context.Context, s *subject) error {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	late, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancel()
	for _, ended := range []context.Context{cancelled, late} {
		for name, err := range methods(ended, s.A, s.key("key"), []byte("value"), long) {
			if err := expectError(name, err, ended.Err()); err != nil {
				return err
			}
		}
	}
	return nil
}
