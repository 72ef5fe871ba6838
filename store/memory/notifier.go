package memory

import (
	"context"
	"strings"
	"sync"

	"github.com/gosignet/signet/store"
)

// topics is what a Store keeps as a [store.Notifier].
type topics struct {
	mu          sync.Mutex
	subscribers map[string]map[chan struct{}]struct{} // nil when the Store is closed
}

// Notify implements [store.Notifier].
func (s *Store) Notify(ctx context.Context, topic string) error {
	if err := s.topics.lock(ctx, topic); err != nil {
		return err
	}
	defer s.topics.mu.Unlock()
	for hints := range s.topics.subscribers[topic] {
		select {
		case hints <- struct{}{}:
		default: // one is waiting to be read, and a second says no more
		}
	}
	return nil
}

// Subscribe implements [store.Notifier]. A subscription costs no goroutine.
func (s *Store) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	t := &s.topics
	if err := t.lock(ctx, topic); err != nil {
		return nil, err
	}
	defer t.mu.Unlock()
	topic, hints := strings.Clone(topic), make(chan struct{}, 1)
	if t.subscribers[topic] == nil {
		t.subscribers[topic] = map[chan struct{}]struct{}{}
	}
	t.subscribers[topic][hints] = struct{}{}
	context.AfterFunc(ctx, func() { t.unsubscribe(topic, hints) })
	return hints, nil
}

func (t *topics) unsubscribe(topic string, hints chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.subscribers[topic], hints)
	if len(t.subscribers[topic]) == 0 {
		delete(t.subscribers, topic)
	}
}

func (t *topics) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscribers = nil
}

// lock begins a call. Without an error the caller unlocks.
func (t *topics) lock(ctx context.Context, topic string) error {
	if err := store.CheckKey(topic); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	if t.subscribers == nil {
		t.mu.Unlock()
		return ErrClosed
	}
	return nil
}
