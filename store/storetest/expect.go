package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gosignet/signet/store"
)

// long is a time to live that no rule outlives, and a thousandth of it is less than pause.
const long = 30 * time.Minute

// expectError describes the difference when err is not want.
func expectError(what string, err, want error) error {
	switch {
	case errors.Is(err, want): // also when both are nil
		return nil
	case err == nil:
		return fmt.Errorf("%s returned no error, want %q", what, want)
	case want == nil:
		return fmt.Errorf("%s returned the error %q", what, err)
	}
	return fmt.Errorf("%s returned the error %q, want %q", what, err, want)
}

// expectValue describes the difference when a read did not return want.
func expectValue(what string, got []byte, err error, want []byte) error {
	if err != nil {
		return expectError(what, err, nil)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s returned %s, want %s", what, show(got), show(want))
	}
	return nil
}

// expectStored reads key through both handles.
func expectStored(ctx context.Context, s *subject, key string, want []byte) error {
	for name, h := range s.handles() {
		got, err := h.Get(ctx, key)
		if err := expectValue("Get through "+name, got, err, want); err != nil {
			return err
		}
	}
	return nil
}

// expectAbsent reads key through both handles.
func expectAbsent(ctx context.Context, s *subject, key string) error {
	for name, h := range s.handles() {
		got, err := h.Get(ctx, key)
		if err == nil {
			return fmt.Errorf("through %s, Get returned %s, want %q", name, show(got), store.ErrNotFound)
		}
		if err := expectError("Get through "+name, err, store.ErrNotFound); err != nil {
			return err
		}
	}
	return nil
}

// first runs the steps until one fails.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func show(value []byte) string {
	if len(value) > 32 {
		return fmt.Sprintf("%d bytes beginning with %q", len(value), value[:32])
	}
	return fmt.Sprintf("%q", value)
}
