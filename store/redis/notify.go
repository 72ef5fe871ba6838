package redis

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gosignet/signet/store"
)

const (
	// defaultHeartbeat is how often a connection that listens is tried. One that said nothing in the meantime is dead.
	defaultHeartbeat = 5 * time.Second

	minPause, maxPause = 50 * time.Millisecond, time.Second // between attempts to connect
)

// Notify implements [store.Notifier].
func (s *Store) Notify(ctx context.Context, topic string) error {
	if err := store.CheckKey(topic); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c := command{goredis.NewCmd(ctx, "publish", s.listener.prefix+topic, "")}
	if err := s.client.Process(ctx, c); err != nil {
		return failure(ctx, err)
	}
	return nil
}

// Subscribe implements [store.Notifier]. It returns when Redis has confirmed the subscription, at once if somebody else
// waits for the topic here.
//
// Each topic is a channel of Redis, so that an instance hears only what somebody in it waits for. In a cluster a hint
// can also get lost while nodes do not reach each other: who waits looks for themselves now and then.
func (s *Store) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	if err := store.CheckKey(topic); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.listener.subscribe(ctx, topic)
}

// listener has the connection over which hints come, and passes them on.
type listener struct {
	client goredis.UniversalClient
	prefix string
	beat   time.Duration
	ctx    context.Context // ends with the Store
	cancel context.CancelFunc
	done   sync.WaitGroup

	// writing keeps the order of commands to the server the same as that of the changes to topics. It is taken before mu,
	// which is never held while writing, so that hints pass.
	writing sync.Mutex

	mu      sync.Mutex
	running bool
	conn    *goredis.PubSub   // nil while there is none
	topics  map[string]*topic // by channel
	outage  chan struct{}     // closed when connecting fails, and replaced
	err     error             // of the last outage
}

// topic is what somebody waits for.
type topic struct {
	subscribers map[chan struct{}]struct{}
	live        bool          // the server has confirmed the subscription once
	ready       chan struct{} // closed when live
}

func (l *listener) start(client goredis.UniversalClient, prefix string) {
	l.client, l.prefix, l.beat = client, prefix, defaultHeartbeat
	l.topics, l.outage = map[string]*topic{}, make(chan struct{})
	l.ctx, l.cancel = context.WithCancel(context.Background())
}

func (l *listener) close() {
	l.cancel()
	l.mu.Lock()
	for _, t := range l.topics {
		t.wake()
	}
	l.mu.Unlock()
	l.done.Wait()
}

func (l *listener) subscribe(ctx context.Context, name string) (<-chan struct{}, error) {
	channel, hint := l.prefix+name, make(chan struct{}, 1)
	t, outage, err := l.add(channel, hint)
	if err != nil {
		return nil, err
	}
	select {
	case <-t.ready:
		context.AfterFunc(ctx, func() { l.remove(channel, hint) })
		return hint, nil
	case <-outage:
		l.remove(channel, hint)
		l.mu.Lock()
		defer l.mu.Unlock()
		return nil, failure(ctx, l.err)
	case <-ctx.Done():
		l.remove(channel, hint)
		return nil, ctx.Err()
	case <-l.ctx.Done():
		l.remove(channel, hint)
		return nil, ErrClosed
	}
}

// add makes hint a subscriber of the channel.
func (l *listener) add(channel string, hint chan struct{}) (t *topic, outage <-chan struct{}, err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	if l.ctx.Err() != nil {
		l.mu.Unlock()
		return nil, nil, ErrClosed
	}
	if !l.running {
		l.running = true
		l.done.Go(l.run)
	}
	t = l.topics[channel]
	isNew := t == nil
	if isNew {
		t = &topic{subscribers: map[chan struct{}]struct{}{}, ready: make(chan struct{})}
		l.topics[channel] = t
	}
	t.subscribers[hint] = struct{}{}
	conn, outage := l.conn, l.outage
	l.mu.Unlock()
	if isNew && conn != nil {
		// If that fails, so does the connection, and the next one has all topics.
		conn.Subscribe(l.ctx, channel)
	}
	return t, outage, nil
}

func (l *listener) remove(channel string, hint chan struct{}) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	t, conn := l.topics[channel], l.conn
	delete(t.subscribers, hint)
	isLast := len(t.subscribers) == 0
	if isLast {
		delete(l.topics, channel)
	}
	l.mu.Unlock()
	if isLast && conn != nil {
		conn.Unsubscribe(l.ctx, channel)
	}
}

// run keeps a connection until the Store is closed.
func (l *listener) run() {
	for pause := minPause; l.ctx.Err() == nil; pause = min(2*pause, maxPause) {
		began := time.Now()
		err := l.listen()
		l.mu.Lock()
		l.conn, l.err = nil, err
		close(l.outage)
		l.outage = make(chan struct{})
		l.mu.Unlock()
		if time.Since(began) > maxPause {
			pause = minPause
		}
		select {
		case <-l.ctx.Done():
		case <-time.After(pause):
		}
	}
}

// listen connects, subscribes to all topics and passes hints on until the connection fails.
func (l *listener) listen() error {
	conn := l.client.Subscribe(l.ctx)
	defer conn.Close()
	defer context.AfterFunc(l.ctx, func() { conn.Close() })() // Receive does not look at the context
	if err := conn.Ping(l.ctx); err != nil {                  // connects
		return err
	}
	if err := l.resume(conn); err != nil {
		return err
	}
	var heard atomic.Bool
	ended := make(chan struct{})
	defer close(ended)
	l.done.Go(func() { l.tend(conn, &heard, ended) })
	for {
		message, err := conn.Receive(l.ctx)
		if err != nil {
			return err
		}
		heard.Store(true)
		switch m := message.(type) {
		case *goredis.Message:
			l.wake(m.Channel)
		case *goredis.Subscription:
			if m.Kind == "subscribe" {
				l.confirm(m.Channel)
			}
		}
	}
}

// resume makes conn the connection and subscribes it to all topics that there are.
func (l *listener) resume(conn *goredis.PubSub) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	l.conn = conn
	channels := make([]string, 0, len(l.topics))
	for channel := range l.topics {
		channels = append(channels, channel)
	}
	l.mu.Unlock()
	if len(channels) == 0 {
		return nil
	}
	return conn.Subscribe(l.ctx, channels...)
}

// tend closes the connection when nothing is heard from it between two heartbeats.
func (l *listener) tend(conn *goredis.PubSub, heard *atomic.Bool, ended <-chan struct{}) {
	tick := time.NewTicker(l.beat)
	defer tick.Stop()
	for alive := true; alive; alive = heard.Swap(false) {
		conn.Ping(l.ctx)
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
	conn.Close()
}

func (l *listener) wake(channel string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.topics[channel]; t != nil {
		t.wake()
	}
}

// confirm notes that the server has subscribed us. When it does so again, it was gone in the meantime, and hints with it.
func (l *listener) confirm(channel string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch t := l.topics[channel]; {
	case t == nil:
	case t.live:
		t.wake()
	default:
		t.live = true
		close(t.ready)
	}
}

// wake makes every subscriber's channel readable.
func (t *topic) wake() {
	for hint := range t.subscribers {
		select {
		case hint <- struct{}{}:
		default: // it is already
		}
	}
}
