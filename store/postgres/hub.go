package postgres

import (
	"maps"
	"slices"
	"sync"
)

// hub knows who waits for which topic.
type hub struct {
	mu     sync.Mutex
	topics map[string]map[chan struct{}]struct{}
}

// add returns a new channel that is readable after each wake of the topic.
func (h *hub) add(topic string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics == nil {
		h.topics = map[string]map[chan struct{}]struct{}{}
	}
	if h.topics[topic] == nil {
		h.topics[topic] = map[chan struct{}]struct{}{}
	}
	c := make(chan struct{}, 1)
	h.topics[topic][c] = struct{}{}
	return c
}

func (h *hub) remove(topic string, c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.topics[topic], c)
	if len(h.topics[topic]) == 0 {
		delete(h.topics, topic)
	}
}

func (h *hub) wake(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wake(h.topics[topic])
}

func (h *hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, waiting := range h.topics {
		wake(waiting)
	}
}

func wake(waiting map[chan struct{}]struct{}) {
	for c := range waiting {
		select {
		case c <- struct{}{}:
		default: // there is a hint already that they have not read
		}
	}
}

// names returns all topics that somebody waits for.
func (h *hub) names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.topics))
}
