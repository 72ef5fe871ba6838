package store

import (
	"fmt"
	"time"
)

const (
	// MaxKey is the length of the longest key in bytes.
	MaxKey = 256
	// MaxValue is the length of the longest value in bytes.
	MaxValue = 64 << 10
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

func checkTTL(ttl time.Duration) error {
	if ttl <= 0 {
		return fmt.Errorf("%w: a time to live is positive, not %s", ErrInvalid, ttl)
	}
	return nil
}
