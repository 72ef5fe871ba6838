package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// MaxKey is the length of the longest key in bytes.
	MaxKey = 256
	// MaxValue is the length of the longest value in bytes.
	MaxValue = 64 << 10
	// MaxDelta is the most that one Increment adds or takes away.
	MaxDelta = 1 << 31
	// MaxRecord is the length of the longest value of a [Record] in bytes.
	MaxRecord = 256 << 10
	// MaxCollection is the length of the longest name of a collection of a [Ledger] in bytes.
	MaxCollection = 64
	// MaxList is how many records a [Ledger] returns at most in one call.
	MaxList = 1000
)

// CheckKey returns an error that wraps ErrInvalid unless key is 1 to [MaxKey] bytes of printable ASCII without spaces.
// A backend calls it first in Get and Take.
func CheckKey(key string) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("%w: a key has 1 to %d bytes, not %d", ErrInvalid, MaxKey, len(key))
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return fmt.Errorf("%w: byte %d of the key is not printable ASCII", ErrInvalid, i)
		}
	}
	return nil
}

// CheckWrite returns an error that wraps ErrInvalid unless key passes [CheckKey], value has at most [MaxValue] bytes
// and ttl is positive. A backend calls it first in Put, Add and, with the new value, in Replace.
func CheckWrite(key string, value []byte, ttl time.Duration) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if len(value) > MaxValue {
		return fmt.Errorf("%w: a value has at most %d bytes, not %d", ErrInvalid, MaxValue, len(value))
	}
	return checkTTL(ttl)
}

// CheckIncrement returns an error that wraps ErrInvalid unless key passes [CheckKey], delta is at most [MaxDelta] up or
// down, and ttl is positive. A backend calls it first in Increment.
func CheckIncrement(key string, delta int64, ttl time.Duration) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if delta > MaxDelta || delta < -MaxDelta {
		return fmt.Errorf("%w: an increment is at most %d, not %d", ErrInvalid, MaxDelta, delta)
	}
	return checkTTL(ttl)
}

// CheckCollection returns an error that wraps ErrInvalid unless name is 1 to [MaxCollection] lower-case letters, digits
// and hyphens.
func CheckCollection(name string) error {
	if name == "" || len(name) > MaxCollection || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("%w: name of a collection: %q", ErrInvalid, name)
	}
	return nil
}

// CheckRecord returns an error that wraps ErrInvalid unless r can be written: its ID passes [CheckKey], and so does its
// Owner if it has one; its Version is not negative; and its Value is JSON of at most [MaxRecord] bytes. A backend calls
// it first in Write.
func CheckRecord(r *Record) error {
	if err := CheckKey(r.ID); err != nil {
		return err
	}
	if r.Owner != "" {
		if err := CheckKey(r.Owner); err != nil {
			return fmt.Errorf("owner: %w", err)
		}
	}
	if r.Version < 0 {
		return fmt.Errorf("%w: a version is not negative", ErrInvalid)
	}
	if len(r.Value) > MaxRecord {
		return fmt.Errorf("%w: a record has at most %d bytes, not %d", ErrInvalid, MaxRecord, len(r.Value))
	}
	if !utf8.Valid(r.Value) || !json.Valid(r.Value) {
		return fmt.Errorf("%w: a record is JSON", ErrInvalid)
	}
	return nil
}

// CheckQuery returns an error that wraps ErrInvalid unless q can be answered, and the limit to answer it with.
func CheckQuery(q Query) (limit int, err error) {
	for _, key := range []string{q.Owner, q.After} {
		if key != "" {
			if err := CheckKey(key); err != nil {
				return 0, err
			}
		}
	}
	switch {
	case q.Limit < 0:
		return 0, fmt.Errorf("%w: a limit is not negative", ErrInvalid)
	case q.Limit == 0 || q.Limit > MaxList:
		return MaxList, nil
	}
	return q.Limit, nil
}

func checkTTL(ttl time.Duration) error {
	if ttl <= 0 {
		return fmt.Errorf("%w: a time to live is positive, not %s", ErrInvalid, ttl)
	}
	return nil
}
