package audit_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
)

// sink records what it gets once gate, if there is one, lets it.
type sink struct {
	gate chan struct{}

	mu   sync.Mutex
	got  []audit.Event
	last context.Context
}

func (s *sink) Record(ctx context.Context, e audit.Event) {
	if s.gate != nil {
		<-s.gate
	}
	if e.Reason == "panic" {
		panic("a person's name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got, s.last = append(s.got, e), ctx
}

func newQueue(t *testing.T, c audit.QueueConfig) *audit.Queue {
	t.Helper()
	q, err := audit.NewQueue(c)
	require.NoError(t, err)
	return q
}

func TestNewQueueReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := audit.NewQueue(audit.QueueConfig{Size: -1, AnnounceEvery: -time.Second})
	assert.ErrorContains(t, err, "needs a Sink")
	assert.ErrorContains(t, err, "Size is negative: -1")
	assert.ErrorContains(t, err, "AnnounceEvery is negative: -1s")
}

func TestEventsReachTheSinkInOrderBeforeCloseReturns(t *testing.T) {
	t.Parallel()
	s := &sink{}
	q := newQueue(t, audit.QueueConfig{Sink: s, Size: 1000})
	for i := range 1000 {
		q.Record(t.Context(), audit.Event{Reason: strconv.Itoa(i)})
	}
	require.NoError(t, q.Close(t.Context()))
	require.NoError(t, q.Close(t.Context()), "closing again does nothing")
	require.Len(t, s.got, 1000)
	for i, e := range s.got {
		require.Equal(t, strconv.Itoa(i), e.Reason)
	}
	assert.Zero(t, q.Dropped())
}

func TestFullQueueDropsAndCountsWithoutBlocking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{gate: make(chan struct{})}
		q := newQueue(t, audit.QueueConfig{Sink: s, Size: 2})
		q.Record(t.Context(), audit.Event{}) // the sink is busy with it
		synctest.Wait()
		for range 5 {
			q.Record(t.Context(), audit.Event{})
		}
		assert.EqualValues(t, 3, q.Dropped())
		close(s.gate)
		require.NoError(t, q.Close(t.Context()))
		assert.Len(t, s.got, 3)
		assert.EqualValues(t, 3, q.Dropped())
	})
}

func TestLossesAreAnnouncedOncePerIntervalWithTheirNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log buffer
		s := &sink{gate: make(chan struct{})}
		q := newQueue(t, audit.QueueConfig{Sink: s, Size: 1, Logger: logger(&log), AnnounceEvery: time.Minute})
		record := func(n int) {
			for range n {
				q.Record(t.Context(), audit.Event{})
				synctest.Wait()
			}
		}
		record(2) // one with the sink, one in the queue
		assert.Empty(t, log.take())

		record(1)
		assert.Equal(t, "level=ERROR msg=\"audit events lost\" count=1 total=1\n", log.take())
		record(5)
		pass(59 * time.Second)
		assert.Empty(t, log.take())
		pass(time.Second)
		assert.Equal(t, "level=ERROR msg=\"audit events lost\" count=5 total=6\n", log.take())

		record(2)
		close(s.gate)
		require.NoError(t, q.Close(t.Context()))
		assert.Equal(t, "level=ERROR msg=\"audit events lost\" count=2 total=8\n", log.take(), "Close does not wait for the interval")
	})
}

// pass lets time pass in a synctest bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestSinkThatPanicsLosesOneEventAndTellsNothingOfIt(t *testing.T) {
	t.Parallel()
	var log buffer
	s := &sink{}
	q := newQueue(t, audit.QueueConfig{Sink: s, Logger: logger(&log)})
	q.Record(t.Context(), audit.Event{Reason: "panic"})
	q.Record(t.Context(), audit.Event{Reason: "fine"})
	require.NoError(t, q.Close(t.Context()))
	assert.Equal(t, []audit.Event{{Reason: "fine"}}, s.got)
	assert.EqualValues(t, 1, q.Dropped())
	assert.Equal(t, "level=ERROR msg=\"audit events lost\" count=1 total=1\n", log.take())
}

func TestEventsAfterCloseAreCountedAsDropped(t *testing.T) {
	t.Parallel()
	s := &sink{}
	q := newQueue(t, audit.QueueConfig{Sink: s})
	require.NoError(t, q.Close(t.Context()))
	q.Record(t.Context(), audit.Event{})
	assert.EqualValues(t, 1, q.Dropped())
	assert.Empty(t, s.got)
}

func TestCloseGivesUpWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{gate: make(chan struct{})}
		q := newQueue(t, audit.QueueConfig{Sink: s})
		for range 4 {
			q.Record(t.Context(), audit.Event{})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := q.Close(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "3 events given up")
		assert.EqualValues(t, 3, q.Dropped())

		close(s.gate) // the sink comes back, and no goroutine stays behind
		require.NoError(t, q.Close(t.Context()))
		assert.Len(t, s.got, 1)
	})
}

func TestEventIsIndependentOfTheRequestThatRecordedIt(t *testing.T) {
	t.Parallel()
	type key struct{}
	s := &sink{gate: make(chan struct{})}
	q := newQueue(t, audit.QueueConfig{Sink: s})
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "trace"))
	factors := []string{"otp"}
	q.Record(ctx, audit.Event{Factors: factors})
	cancel()
	factors[0] = "changed"
	close(s.gate)
	require.NoError(t, q.Close(t.Context()))
	assert.Equal(t, []string{"otp"}, s.got[0].Factors)
	assert.NoError(t, s.last.Err(), "the end of the request does not end the recording")
	assert.Equal(t, "trace", s.last.Value(key{}))
}

func TestRecordAndCloseRace(t *testing.T) {
	t.Parallel()
	const callers, each = 8, 200
	s := &sink{}
	q := newQueue(t, audit.QueueConfig{Sink: s, Size: 16})
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			for range each {
				q.Record(t.Context(), audit.Event{})
			}
		})
	}
	require.NoError(t, q.Close(t.Context()))
	done.Wait()
	assert.EqualValues(t, callers*each, uint64(len(s.got))+q.Dropped(), "every event is delivered or counted")
}

// buffer is a log that is read while it is written.
type buffer struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

// take returns what was written since the last time.
func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.log.Reset()
	return b.log.String()
}

// logger writes text without the time.
func logger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func BenchmarkQueue(b *testing.B) {
	q, err := audit.NewQueue(audit.QueueConfig{Sink: audit.Discard})
	require.NoError(b, err)
	e := audit.Event{Type: audit.Authenticated, Outcome: audit.Success, Factors: strings.Fields("otp pwd")}
	b.ReportAllocs()
	for b.Loop() {
		q.Record(b.Context(), e)
	}
	require.NoError(b, q.Close(context.Background()))
}
