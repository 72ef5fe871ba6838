package postgres

import (
	"context"
	"time"
)

const (
	// topicPrefix makes the key of a topic's counter one that nobody else can use.
	topicPrefix = "topic "
	// topicTTL is how long a topic's counter lives. It only has to be longer than any pause between two looks.
	topicTTL = time.Hour
)

// notifyPolling leaves a trace for those who poll: the topic's counter changes.
func (s *Store) notifyPolling(ctx context.Context, topic string) error {
	_, err := s.affect(ctx, s.sql.increment, topicPrefix+topic, 1, topicTTL)
	return err
}

// trace is the state of a topic's counter. The time tells a counter from the next one, when it has expired.
type trace struct {
	n  int64
	at time.Time
}

// pollNews looks for traces that changed until the context ends. All topics that somebody waits for are one question.
func (s *Store) pollNews(ctx context.Context) {
	s.news.heard(nil)
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for seen := map[string]trace{}; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		topics := s.topics.names()
		if len(topics) == 0 {
			clear(seen)
			continue
		}
		found, err := s.traces(ctx, topics)
		if err != nil {
			if ctx.Err() == nil {
				s.logger.WarnContext(ctx, "postgres: nothing is heard from other instances, trying again", "error", err)
			}
			clear(seen) // so that everybody is woken when it works again
			continue
		}
		for _, topic := range topics {
			// A topic that was not looked for before may have changed since somebody subscribed to it: that is a hint too.
			if last, known := seen[topic]; !known || last != found[topic] {
				s.topics.wake(topic)
			}
		}
		seen = found
	}
}

// traces returns the traces of topics, the zero trace for those without one.
func (s *Store) traces(ctx context.Context, topics []string) (map[string]trace, error) {
	keys := make([]string, len(topics))
	for i, topic := range topics {
		keys[i] = topicPrefix + topic
	}
	var found map[string]trace
	err := s.run(ctx, func(ctx context.Context) error {
		found = make(map[string]trace, len(topics))
		for _, topic := range topics {
			found[topic] = trace{}
		}
		rows, err := s.pool.Query(ctx, s.sql.news, keys)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key string
			var t trace
			if err := rows.Scan(&key, &t.n, &t.at); err != nil {
				return err
			}
			found[key[len(topicPrefix):]] = t
		}
		return rows.Err()
	})
	return found, err
}
