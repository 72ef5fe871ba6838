package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// heartbeat is how long a connection that listens may be silent before it has to show that it is alive.
	heartbeat = 15 * time.Second
	// A connection that was lost is made again after firstPause, and then after twice as long each time, up to lastPause.
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// channel is what the instances with one schema notify each other on: one for all topics, because each LISTEN would be a
// round trip.
func (s *Store) channel() string { return s.schema }

// listen keeps one connection that listens until the context ends. It is not from the pool: that is for short use.
func (s *Store) listen(ctx context.Context) {
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, lastPause) {
		conn, err := s.connectListener(ctx)
		if err == nil {
			pause = firstPause
			s.news.heard(nil)
			s.topics.wakeAll() // something may have happened before
			err = s.receive(ctx, conn)
			s.news.lost()
			_ = conn.Close(ctx)
		} else {
			s.news.heard(fmt.Errorf("postgres: listen: %w", err))
		}
		if ctx.Err() == nil {
			s.logger.WarnContext(ctx, "postgres: nothing is heard from other instances, connecting again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (s *Store) connectListener(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{s.channel()}.Sanitize()); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// receive passes on what arrives until the connection is lost.
func (s *Store) receive(ctx context.Context, conn *pgx.Conn) error {
	for {
		silence, cancel := context.WithTimeout(ctx, heartbeat)
		notification, err := conn.WaitForNotification(silence)
		cancel()
		if err == nil {
			s.topics.wake(notification.Payload)
			continue
		}
		if ctx.Err() != nil || conn.IsClosed() {
			return err
		}
		ping, cancel := context.WithTimeout(ctx, s.timeout)
		err = conn.Ping(ping)
		cancel()
		if err != nil {
			return err
		}
	}
}
