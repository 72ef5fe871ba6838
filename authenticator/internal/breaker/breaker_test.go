package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/internal/breaker"
)

// world is a Breaker for two calls at once that opens for a minute after three failures, and its clock.
type world struct {
	*breaker.Breaker
	now     time.Time
	changes []bool
}

func newWorld() *world {
	w := &world{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.Breaker = breaker.New(breaker.Config{
		MaxInFlight: 2, Failures: 3, Pause: time.Minute,
		Now:      func() time.Time { return w.now },
		OnChange: func(open bool) { w.changes = append(w.changes, open) },
	})
	return w
}

func (w *world) call(t *testing.T, outcomes ...breaker.Outcome) {
	t.Helper()
	for _, o := range outcomes {
		release, err := w.Acquire()
		require.NoError(t, err)
		release(o)
	}
}

func (w *world) requireOpen(t *testing.T, until time.Time) {
	t.Helper()
	_, err := w.Acquire()
	var open *breaker.OpenError
	require.ErrorAs(t, err, &open)
	assert.Equal(t, until, open.Until)
}

const (
	unknown = breaker.Unknown
	success = breaker.Success
	failure = breaker.Failure
)

func TestCallsAreSuspendedAfterARowOfFailures(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.call(t, failure, failure, success, failure, failure, unknown, failure)
	w.requireOpen(t, w.now.Add(time.Minute))
	assert.Equal(t, []bool{true}, w.changes)
}

func TestOneCallIsTriedAfterThePauseAndItsSuccessHeals(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.call(t, failure, failure, failure)
	w.now = w.now.Add(time.Minute - 1)
	w.requireOpen(t, w.now.Add(1))
	w.now = w.now.Add(1)

	release, err := w.Acquire()
	require.NoError(t, err)
	w.requireOpen(t, time.Time{}) // one at a time
	release(success)
	w.call(t, failure, failure, success)
	assert.Equal(t, []bool{true, false}, w.changes)
}

func TestATrialThatFailsProlongsThePause(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.call(t, failure, failure, failure)
	w.now = w.now.Add(time.Minute)
	w.call(t, failure)
	w.requireOpen(t, w.now.Add(time.Minute))
	assert.Equal(t, []bool{true}, w.changes)
}

func TestATrialThatSaysNothingIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.call(t, failure, failure, failure)
	w.now = w.now.Add(time.Minute)
	w.call(t, unknown, success, success)
	assert.Equal(t, []bool{true, false}, w.changes)
}

func TestCallsFromBeforeTheSuspensionDecideNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	slow, err := w.Acquire()
	require.NoError(t, err)
	w.call(t, failure, failure, failure)
	slow(success)
	w.requireOpen(t, w.now.Add(time.Minute))

	w.now = w.now.Add(time.Minute)
	trial, err := w.Acquire()
	require.NoError(t, err)
	slow(failure)
	w.requireOpen(t, time.Time{}) // the trial is still under way
	trial(success)
	w.call(t, success, success, success)
}

func TestOnlySoManyCallsAreUnderWayAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	first, err := w.Acquire()
	require.NoError(t, err)
	_, err = w.Acquire()
	require.NoError(t, err)
	_, err = w.Acquire()
	require.ErrorIs(t, err, breaker.ErrBusy)

	first(success)
	first(success) // counts once
	_, err = w.Acquire()
	require.NoError(t, err)
	_, err = w.Acquire()
	require.ErrorIs(t, err, breaker.ErrBusy)
}

func TestBoundHoldsUnderConcurrency(t *testing.T) {
	t.Parallel()
	b := breaker.New(breaker.Config{MaxInFlight: 4, Failures: 1000, Pause: time.Minute, Now: time.Now})
	var now, most, made atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				release, err := b.Acquire()
				if err != nil {
					continue
				}
				made.Add(1)
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				now.Add(-1)
				release(success)
			}
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, most.Load(), int64(4))
	assert.Positive(t, made.Load())
	for range 4 {
		_, err := b.Acquire()
		require.NoError(t, err, "every slot was given back")
	}
}

func TestCallIsUnmadeIfThereWasNoConnection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err             error
		refused, unmade bool
	}{
		"too many at once":         {fmt.Errorf("x: %w", breaker.ErrBusy), true, true},
		"suspended":                {fmt.Errorf("x: %w", &breaker.OpenError{}), true, true},
		"no connection":            {fmt.Errorf("x: %w", &net.OpError{Op: "dial"}), false, true},
		"a connection that breaks": {&net.OpError{Op: "read"}, false, false},
		"half a request":           {&net.OpError{Op: "write"}, false, false},
		"a timeout":                {context.DeadlineExceeded, false, false},
		"something else":           {errors.New("dial"), false, false},
		"nothing":                  {nil, false, false},
	} {
		assert.Equal(t, test.refused, breaker.Refused(test.err), name)
		assert.Equal(t, test.unmade, breaker.Unmade(test.err), name)
	}
}
