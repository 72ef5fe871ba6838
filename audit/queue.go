package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultQueueSize is how many events wait at most if the QueueConfig sets no Size: two seconds of a thousand
	// logins' events, in a few MB.
	DefaultQueueSize = 8192
	// DefaultAnnounceEvery is the least time between two announcements of lost events if the QueueConfig sets none.
	DefaultAnnounceEvery = time.Minute
)

// QueueConfig says what a Queue stands before.
type QueueConfig struct {
	// Sink takes the events, one at a time and in order. It may be slow, and it may panic. Required.
	Sink Sink
	// Size is how many events wait for the Sink at most. Zero means DefaultQueueSize.
	Size int
	// Logger is told that events were lost, and how many. Nil discards.
	Logger *slog.Logger
	// AnnounceEvery is the least time between two such messages. Zero means DefaultAnnounceEvery.
	AnnounceEvery time.Duration
}

// Queue is a Sink that never blocks: it keeps events in a bounded queue and hands them to another Sink, one at a time
// and in order. What does not fit is dropped, counted and announced, so that a slow or broken trail neither holds up a
// login nor loses one silently.
type Queue struct {
	sink     Sink
	logger   *slog.Logger
	interval time.Duration

	mu     sync.RWMutex // held for writing to close events
	closed bool
	events chan *queued // pointers, so that an empty queue is small

	lost    atomic.Uint64
	wake    chan struct{} // tells announce of the first loss since it looked
	drained chan struct{} // closed when deliver has returned
	done    chan struct{} // closed when announce has returned
}

// queued is an event with what its request knew, such as the trace it belongs to.
type queued struct {
	ctx   context.Context
	event Event
}

// NewQueue returns a Queue that runs until Close, or every mistake in the QueueConfig.
func NewQueue(c QueueConfig) (*Queue, error) {
	var errs []error
	if c.Sink == nil {
		errs = append(errs, errors.New("audit: a Queue needs a Sink"))
	}
	if c.Size < 0 {
		errs = append(errs, fmt.Errorf("audit: Size is negative: %d", c.Size))
	}
	if c.AnnounceEvery < 0 {
		errs = append(errs, fmt.Errorf("audit: AnnounceEvery is negative: %s", c.AnnounceEvery))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Size == 0 {
		c.Size = DefaultQueueSize
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.AnnounceEvery == 0 {
		c.AnnounceEvery = DefaultAnnounceEvery
	}
	q := &Queue{
		sink:     c.Sink,
		logger:   c.Logger,
		interval: c.AnnounceEvery,
		events:   make(chan *queued, c.Size),
		wake:     make(chan struct{}, 1),
		drained:  make(chan struct{}),
		done:     make(chan struct{}),
	}
	go q.deliver()
	go q.announce()
	return q, nil
}

// Record implements [Sink]. It never blocks: when the queue is full, or closed, the event is dropped and counted. The
// Sink behind gets the values of ctx, but not its end.
func (q *Queue) Record(ctx context.Context, e Event) {
	e.Factors = slices.Clone(e.Factors) // the caller may go on using its own
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		q.lose()
		return
	}
	select {
	case q.events <- &queued{context.WithoutCancel(ctx), e}:
	default:
		q.lose()
	}
}

// Dropped returns how many events were lost so far: those that found the queue full or closed, those over which the
// Sink panicked, and those that Close gave up on.
func (q *Queue) Dropped() uint64 { return q.lost.Load() }

// Close delivers what is queued, announces what was lost, and ends the Queue; events that are recorded later are
// dropped. If ctx ends first, it drops what is still queued and returns an error that wraps the context's; a Sink that
// hangs in one event keeps its goroutine until it returns. It may be called again.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.events)
	}
	q.mu.Unlock()
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
	}
	given := 0
	for range q.events {
		q.lose()
		given++
	}
	return fmt.Errorf("audit: closed before the sink was done, %d events given up: %w", given, ctx.Err())
}

func (q *Queue) lose() {
	q.lost.Add(1)
	select {
	case q.wake <- struct{}{}:
	default: // it has been told
	}
}

// deliver hands the events to the sink.
func (q *Queue) deliver() {
	defer close(q.drained)
	for e := range q.events {
		q.record(e)
	}
}

// record contains a panic of the sink.
func (q *Queue) record(e *queued) {
	defer func() {
		if recover() != nil { // what it holds may come from the event, and must not be logged
			q.lose()
		}
	}()
	q.sink.Record(e.ctx, e.event)
}

// announce tells the logger of lost events. It has a goroutine of its own, because the sink may be what is stuck and
// the caller of Record must not wait for a logger either.
func (q *Queue) announce() {
	defer close(q.done)
	var announced uint64
	report := func() {
		if lost := q.lost.Load(); lost > announced {
			q.logger.Error("audit events lost", "count", lost-announced, "total", lost)
			announced = lost
		}
	}
	for {
		select {
		case <-q.wake:
			report()
		case <-q.drained:
			report()
			return
		}
		select {
		case <-time.After(q.interval):
		case <-q.drained:
			report()
			return
		}
	}
}
