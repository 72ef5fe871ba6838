package postgres

import (
	"context"
	"sync"

	"github.com/gosignet/signet/store"
)

// news is where the hub gets its hints from.
type news struct {
	mu    sync.Mutex
	tried chan struct{} // closed when it is known whether hints arrive; nil before the first subscription
	err   error         // why they do not
}

// Notify implements [store.Notifier].
func (s *Store) Notify(ctx context.Context, topic string) error {
	if err := store.CheckKey(topic); err != nil {
		return err
	}
	if s.poll > 0 {
		return s.notifyPolling(ctx, topic)
	}
	_, err := s.affect(ctx, s.sql.notify, s.channel(), topic)
	return err
}

// Subscribe implements [store.Notifier]. It fails while the Store cannot hear of anything, because the database is away.
func (s *Store) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	if err := store.CheckKey(topic); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.startNews()
	c := s.topics.add(topic)
	stop := context.AfterFunc(ctx, func() { s.topics.remove(topic, c) })
	if err := s.hear(ctx); err != nil {
		stop()
		s.topics.remove(topic, c)
		return nil, err
	}
	return c, nil
}

// startNews begins to hear with the first subscription, unless the Store is closed.
func (s *Store) startNews() {
	s.news.mu.Lock()
	defer s.news.mu.Unlock()
	if s.news.tried != nil || s.ctx.Err() != nil {
		return
	}
	s.news.tried = make(chan struct{})
	s.background.Go(func() {
		if s.poll > 0 {
			s.pollNews(s.ctx)
		} else {
			s.listen(s.ctx)
		}
	})
}

// hear returns nil once hints arrive, or why they do not.
func (s *Store) hear(ctx context.Context) error {
	s.news.mu.Lock()
	tried := s.news.tried
	s.news.mu.Unlock()
	select {
	case <-tried:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
	}
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	s.news.mu.Lock()
	defer s.news.mu.Unlock()
	return s.news.err
}

// heard says whether hints arrive from now on.
func (n *news) heard(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err = err
	select {
	case <-n.tried:
	default:
		close(n.tried)
	}
}

// lost says that it is not known whether hints arrive, and will be soon.
func (n *news) lost() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tried = make(chan struct{})
}
