package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/gosignet/signet/store"
)

const (
	// short is a time to live that pause outlives, whatever the backend rounds to.
	short = time.Second
	pause = 2500 * time.Millisecond
)

var expiryRules = []rule[*subject]{
	{
		name:  "ExpiredIsAbsent",
		rule:  "an expired value is absent for every method",
		why:   "a code that has expired must not be accepted, nor stand in the way of what comes after it",
		check: checkExpiredIsAbsent,
	},
	{
		name:  "LivesAsLongAsAsked",
		rule:  "a value lives until its time to live has passed",
		why:   "a replay is only noticed while the backend remembers the first use, and a login must not end early",
		check: checkLivesAsLongAsAsked,
	},
	{
		name:  "LastWriteDecidesExpiry",
		rule:  "Put and Replace give the value a new time to live, longer or shorter; a refused Add or Replace changes nothing",
		why:   "a record that changes state gets the life of its new state, and a failed attempt must not prolong it",
		check: checkLastWriteDecidesExpiry,
	},
	{
		name:  "FractionsOfASecond",
		rule:  "a time to live below a second is neither refused nor taken for none",
		why:   "what is left of a record's life is often less than a second, and zero often means for ever",
		check: checkFractionsOfASecond,
	},
}

func checkExpiredIsAbsent(ctx context.Context, s *subject) error {
	writers := map[string]func(key string) error{
		"Put": func(key string) error { return s.A.Put(ctx, key, []byte("old"), short) },
		"Add": func(key string) error { return s.A.Add(ctx, key, []byte("old"), short) },
		"Replace": func(key string) error {
			if err := s.A.Put(ctx, key, []byte("older"), long); err != nil {
				return err
			}
			return s.A.Replace(ctx, key, []byte("older"), []byte("old"), short)
		},
	}
	readers := map[string]func(key string) error{
		"Get": func(key string) error { return expectAbsent(ctx, s, key) },
		"Take": func(key string) error {
			_, err := s.B.Take(ctx, key)
			return expectError("Take", err, store.ErrNotFound)
		},
		"Replace": func(key string) error {
			return expectError("Replace", s.B.Replace(ctx, key, []byte("old"), []byte("new"), long), store.ErrConflict)
		},
		"Add": func(key string) error {
			if err := expectError("Add", s.B.Add(ctx, key, []byte("new"), long), nil); err != nil {
				return err
			}
			return expectStored(ctx, s, key, []byte("new"))
		},
		"Put": func(key string) error {
			if err := expectError("Put", s.B.Put(ctx, key, []byte("new"), long), nil); err != nil {
				return err
			}
			return expectStored(ctx, s, key, []byte("new"))
		},
	}
	for w, write := range writers {
		for r := range readers {
			if err := write(s.key(w + r)); err != nil {
				return expectError(w, err, nil)
			}
		}
	}
	s.Advance(pause)
	for w := range writers {
		for r, read := range readers {
			if err := read(s.key(w + r)); err != nil {
				return fmt.Errorf("%s after a value stored by %s for %s expired: %w", r, w, short, err)
			}
		}
	}
	return nil
}

func checkLivesAsLongAsAsked(ctx context.Context, s *subject) error {
	keys := map[string]func(key string) error{
		"Put": func(key string) error { return s.A.Put(ctx, key, []byte("value"), long) },
		"Add": func(key string) error { return s.A.Add(ctx, key, []byte("value"), long) },
		"Replace": func(key string) error {
			if err := s.A.Put(ctx, key, nil, long); err != nil {
				return err
			}
			return s.A.Replace(ctx, key, nil, []byte("value"), long)
		},
	}
	for name, write := range keys {
		if err := write(s.key(name)); err != nil {
			return expectError(name, err, nil)
		}
	}
	s.Advance(pause)
	for name := range keys {
		if err := expectStored(ctx, s, s.key(name), []byte("value")); err != nil {
			return fmt.Errorf("%s after %s gave it %s: %w", pause, name, long, err)
		}
		err := s.B.Add(ctx, s.key(name), []byte("other"), long)
		if err := expectError("Add over the live value", err, store.ErrExists); err != nil {
			return err
		}
	}
	return nil
}

func checkLastWriteDecidesExpiry(ctx context.Context, s *subject) error {
	value := []byte("value")
	tests := []struct {
		name   string
		first  time.Duration
		second func(key string) error
		want   error // of the second write
		lives  bool  // when short has passed
	}{
		{"LongerPut", short, func(key string) error { return s.B.Put(ctx, key, value, long) }, nil, true},
		{"ShorterPut", long, func(key string) error { return s.B.Put(ctx, key, value, short) }, nil, false},
		{"LongerReplace", short, func(key string) error { return s.B.Replace(ctx, key, value, value, long) }, nil, true},
		{"ShorterReplace", long, func(key string) error { return s.B.Replace(ctx, key, value, value, short) }, nil, false},
		{"RefusedAdd", short, func(key string) error { return s.B.Add(ctx, key, value, long) }, store.ErrExists, false},
		{"RefusedShorterAdd", long, func(key string) error { return s.B.Add(ctx, key, value, short) }, store.ErrExists, true},
		{"RefusedReplace", short, func(key string) error {
			return s.B.Replace(ctx, key, []byte("other"), value, long)
		}, store.ErrConflict, false},
	}
	for _, tt := range tests {
		if err := s.A.Put(ctx, s.key(tt.name), value, tt.first); err != nil {
			return expectError("Put", err, nil)
		}
		if err := expectError(tt.name, tt.second(s.key(tt.name)), tt.want); err != nil {
			return err
		}
	}
	s.Advance(pause)
	for _, tt := range tests {
		var err error
		if tt.lives {
			err = expectStored(ctx, s, s.key(tt.name), value)
		} else {
			err = expectAbsent(ctx, s, s.key(tt.name))
		}
		if err != nil {
			return fmt.Errorf("%s over a value stored for %s, %s later: %w", tt.name, tt.first, pause, err)
		}
	}
	return nil
}

func checkFractionsOfASecond(ctx context.Context, s *subject) error {
	ttls := []time.Duration{time.Nanosecond, time.Millisecond, 40 * time.Millisecond, 999 * time.Millisecond}
	for _, ttl := range ttls {
		if err := expectError("Add for "+ttl.String(), s.A.Add(ctx, s.key(ttl.String()), nil, ttl), nil); err != nil {
			return err
		}
	}
	s.Advance(pause)
	for _, ttl := range ttls {
		if err := expectAbsent(ctx, s, s.key(ttl.String())); err != nil {
			return fmt.Errorf("%s after Add for %s: %w", pause, ttl, err)
		}
	}
	return nil
}
