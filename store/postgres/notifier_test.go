package postgres_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store/postgres"
)

// woken waits for a hint.
func woken(t *testing.T, hints <-chan struct{}) {
	t.Helper()
	select {
	case <-hints:
	case <-time.After(time.Minute):
		t.Fatal("a subscriber was not woken")
	}
}

// Not parallel: it counts goroutines.
func TestSubscribersAreNoGoroutinesAndNoConnections(t *testing.T) {
	dsn := migrated(t)
	conn := connect(t, dsn)
	s := newStore(t, postgres.Config{DSN: dsn})
	first, err := s.Subscribe(t.Context(), "topic-0")
	require.NoError(t, err)
	goroutines := runtime.NumGoroutine()
	channels := []<-chan struct{}{first}
	for i := 1; i < 10_000; i++ {
		c, err := s.Subscribe(t.Context(), fmt.Sprint("topic-", i))
		require.NoError(t, err)
		channels = append(channels, c)
	}
	assert.Less(t, runtime.NumGoroutine(), goroutines+10)
	assert.Equal(t, 1, one[int](t, conn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"))
	require.NoError(t, s.Notify(t.Context(), "topic-9999"))
	woken(t, channels[9999])
}

func TestConnectionThatListensIsMadeAgainAndEverybodyWoken(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	conn := connect(t, dsn)
	s := newStore(t, postgres.Config{DSN: dsn})
	hints, err := s.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	require.NoError(t, s.Notify(t.Context(), "topic"))
	woken(t, hints)
	_, err = conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'")
	require.NoError(t, err)
	woken(t, hints)
	require.NoError(t, s.Notify(t.Context(), "topic"))
	woken(t, hints)
}

func TestSubscribeFailsWhileNothingCanBeHeard(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgres.Config{DSN: "postgres:///?host=/nowhere", Timeout: time.Minute})
	for range 2 {
		_, err := s.Subscribe(t.Context(), "topic")
		assert.ErrorContains(t, err, "postgres: listen: ")
	}
}
