package storetest

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/gosignet/signet/store"
)

var valueRules = []rule[*subject]{
	{
		name:  "OneBackend",
		rule:  "what one handle stores, the other reads, changes and removes",
		why:   "the person's next request may reach another instance of the provider",
		check: checkOneBackend,
	},
	{
		name:  "Missing",
		rule:  "Get and Take of a key that holds nothing return ErrNotFound, Replace returns ErrConflict and stores nothing",
		why:   "callers decide by these errors; a Replace that stores would bring back what was taken",
		check: checkMissing,
	},
	{
		name:  "PutOverwrites",
		rule:  "Put stores the value whatever was there before",
		why:   "a handle is blocked by putting the block over its record",
		check: checkPutOverwrites,
	},
	{
		name:  "AddKeepsTheFirst",
		rule:  "Add over a live value returns ErrExists and leaves the value, and succeeds once the value was taken",
		why:   "the second use of a nonce must be refused, and every later one",
		check: checkAddKeepsTheFirst,
	},
	{
		name:  "TakeRemoves",
		rule:  "a value that was taken is gone",
		why:   "an authorization code is accepted once",
		check: checkTakeRemoves,
	},
	{
		name:  "ReplaceCompares",
		rule:  "Replace stores only over a value that equals old byte for byte",
		why:   "a login moves on from exactly the state that the caller looked at",
		check: checkReplaceCompares,
	},
	{
		name:  "NoAliasing",
		rule:  "the backend copies what it is given and what it returns",
		why:   "a caller that reuses its buffer must not change what is stored or what another caller reads",
		check: checkNoAliasing,
	},
	{
		name:  "AnyBytes",
		rule:  "a value may hold any byte, may be empty, and may have 64 KiB",
		why:   "records are encrypted, so every byte occurs; a wallet's request fills them",
		check: checkAnyBytes,
	},
	{
		name:  "AnyKey",
		rule:  "keys of 1 to 256 printable ASCII bytes are told apart byte for byte",
		why:   "a key that is folded, cut, escaped or taken for a pattern reaches somebody else's state",
		check: checkAnyKey,
	},
}

func checkOneBackend(ctx context.Context, s *subject) error {
	key := s.key("key")
	return first(
		func() error { return expectError("Add through A", s.A.Add(ctx, key, []byte("one"), long), nil) },
		func() error { return expectStored(ctx, s, key, []byte("one")) },
		func() error {
			return expectError("Add through B", s.B.Add(ctx, key, []byte("two"), long), store.ErrExists)
		},
		func() error {
			return expectError("Replace through B", s.B.Replace(ctx, key, []byte("one"), []byte("two"), long), nil)
		},
		func() error { return expectStored(ctx, s, key, []byte("two")) },
		func() error { return expectError("Put through A", s.A.Put(ctx, key, []byte("three"), long), nil) },
		func() error { return expectStored(ctx, s, key, []byte("three")) },
		func() error {
			got, err := s.B.Take(ctx, key)
			return expectValue("Take through B", got, err, []byte("three"))
		},
		func() error { return expectAbsent(ctx, s, key) },
	)
}

func checkMissing(ctx context.Context, s *subject) error {
	key := s.key("key")
	return first(
		func() error { return expectAbsent(ctx, s, key) },
		func() error {
			_, err := s.A.Take(ctx, key)
			return expectError("Take", err, store.ErrNotFound)
		},
		func() error {
			return expectError("Replace", s.A.Replace(ctx, key, []byte("old"), []byte("new"), long), store.ErrConflict)
		},
		func() error {
			err := s.A.Replace(ctx, key, nil, []byte("new"), long)
			return expectError("Replace of an empty value", err, store.ErrConflict)
		},
		func() error { return expectAbsent(ctx, s, key) },
	)
}

func checkPutOverwrites(ctx context.Context, s *subject) error {
	key := s.key("key")
	for _, value := range []string{"first", "second", ""} {
		if err := expectError("Put", s.A.Put(ctx, key, []byte(value), long), nil); err != nil {
			return err
		}
		if err := expectStored(ctx, s, key, []byte(value)); err != nil {
			return err
		}
	}
	return nil
}

func checkAddKeepsTheFirst(ctx context.Context, s *subject) error {
	key := s.key("key")
	add := func(value string) error { return s.A.Add(ctx, key, []byte(value), long) }
	return first(
		func() error { return expectError("first Add", add("first"), nil) },
		func() error { return expectError("second Add", add("second"), store.ErrExists) },
		func() error { return expectError("Add of the same value", add("first"), store.ErrExists) },
		func() error {
			got, err := s.B.Take(ctx, key)
			return expectValue("Take", got, err, []byte("first"))
		},
		func() error { return expectError("Add after Take", add("third"), nil) },
		func() error { return expectStored(ctx, s, key, []byte("third")) },
	)
}

func checkTakeRemoves(ctx context.Context, s *subject) error {
	key := s.key("key")
	if err := s.A.Put(ctx, key, []byte("value"), long); err != nil {
		return expectError("Put", err, nil)
	}
	got, err := s.A.Take(ctx, key)
	if err := expectValue("first Take", got, err, []byte("value")); err != nil {
		return err
	}
	for name, h := range s.handles() {
		_, err := h.Take(ctx, key)
		if err := expectError("second Take through "+name, err, store.ErrNotFound); err != nil {
			return err
		}
	}
	return expectAbsent(ctx, s, key)
}

func checkReplaceCompares(ctx context.Context, s *subject) error {
	key, value := s.key("key"), []byte("Value\x00\xff")
	if err := s.A.Put(ctx, key, value, long); err != nil {
		return expectError("Put", err, nil)
	}
	for _, old := range []string{"", "Value", "Value\x00", "value\x00\xff", "Value\x00\xff ", "other"} {
		err := s.B.Replace(ctx, key, []byte(old), []byte("new"), long)
		if err := expectError(fmt.Sprintf("Replace of %q over %q", old, value), err, store.ErrConflict); err != nil {
			return err
		}
		if err := expectStored(ctx, s, key, value); err != nil {
			return err
		}
	}
	if err := s.B.Replace(ctx, key, value, []byte("new"), long); err != nil {
		return expectError("Replace of the live value", err, nil)
	}
	return expectStored(ctx, s, key, []byte("new"))
}

func checkNoAliasing(ctx context.Context, s *subject) error {
	key, original := s.key("key"), []byte("value")
	writes := map[string]func(value []byte) error{
		"Put": func(value []byte) error { return s.A.Put(ctx, key, value, long) },
		"Add": func(value []byte) error { return s.A.Add(ctx, key, value, long) },
		"Replace": func(value []byte) error {
			old := []byte("old")
			if err := s.A.Put(ctx, key, old, long); err != nil {
				return err
			}
			return s.A.Replace(ctx, key, old, value, long)
		},
	}
	for name, write := range writes {
		value := bytes.Clone(original)
		if err := write(value); err != nil {
			return expectError(name, err, nil)
		}
		if !bytes.Equal(value, original) {
			return fmt.Errorf("%s changed the slice that it was given to %s", name, show(value))
		}
		clear(value)
		if err := expectStored(ctx, s, key, original); err != nil {
			return fmt.Errorf("after changing what was given to %s: %w", name, err)
		}
		got, err := s.A.Get(ctx, key)
		if err != nil {
			return expectError("Get", err, nil)
		}
		clear(got)
		if err := expectStored(ctx, s, key, original); err != nil {
			return fmt.Errorf("after changing what Get returned: %w", err)
		}
		if _, err := s.A.Take(ctx, key); err != nil {
			return expectError("Take", err, nil)
		}
	}
	return nil
}

func checkAnyBytes(ctx context.Context, s *subject) error {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	values := map[string][]byte{
		"nil":      nil,
		"empty":    {},
		"zero":     {0},
		"allBytes": all,
		"not-utf8": []byte("\xc3\x28\xff\xfe"),
		"quotes":   []byte(`'"\%_{}$1;--`),
		"largest":  bytes.Repeat(all, store.MaxValue/len(all)),
	}
	for name, value := range values {
		key := s.key(name)
		err := first(
			func() error { return expectError("Add", s.A.Add(ctx, key, value, long), nil) },
			func() error { return expectStored(ctx, s, key, value) },
			func() error { return expectError("Replace", s.B.Replace(ctx, key, value, value, long), nil) },
			func() error { return expectError("Put", s.B.Put(ctx, key, value, long), nil) },
			func() error {
				got, err := s.A.Take(ctx, key)
				return expectValue("Take", got, err, value)
			},
		)
		if err != nil {
			return fmt.Errorf("value %s: %w", show(value), err)
		}
	}
	return nil
}

// oddNames are names whose keys a backend may mistake for each other. One has the longest key that there is.
func (s *subject) oddNames() []string {
	names := []string{"key", "KEY", "key*", "ke?", "k_y", "k%", "[key]", "{key}", `k\ey`, `'key'`, `"key"`, "key;--", "../key",
		"key/", "key:", "~key!", s.prefix}
	for c := byte('!'); c <= '~'; c++ {
		names = append(names, "each"+string(c))
	}
	rest := strings.Repeat("x", store.MaxKey-len(s.prefix)-1)
	return append(names, rest, rest+"a", rest+"b")
}

func checkAnyKey(ctx context.Context, s *subject) error {
	names := s.oddNames()
	for _, name := range names {
		if err := expectError("Add under "+name, s.A.Add(ctx, s.key(name), []byte(name), long), nil); err != nil {
			return err
		}
	}
	for _, name := range names {
		got, err := s.B.Take(ctx, s.key(name))
		if err := expectValue("Take of "+name, got, err, []byte(name)); err != nil {
			return err
		}
	}
	// The shortest key cannot be this subject's own, so that its value does not matter.
	return expectError("Put under the shortest key", s.A.Put(ctx, "k", []byte("value"), short), nil)
}
