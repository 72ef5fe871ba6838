package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/postgres"
	"github.com/gosignet/signet/store/storetest"
)

// newStore returns a Store that is closed with the test.
func newStore(t testing.TB, c postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// migrated returns the DSN of a new database with the schema.
func migrated(t testing.TB, options ...string) string {
	t.Helper()
	dsn := postgrestest.Shared(t).NewDatabase(t, options...)
	_, _, err := newStore(t, postgres.Config{DSN: dsn}).Migrate(t.Context())
	require.NoError(t, err)
	return dsn
}

// connect returns a connection of the database's administrator.
func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// one returns the only value of the only row.
func one[T any](t testing.TB, conn *pgx.Conn, sql string, arguments ...any) (value T) {
	t.Helper()
	require.NoError(t, conn.QueryRow(t.Context(), sql, arguments...).Scan(&value))
	return value
}

// A database whose text sorts and compares in some language must not make a difference.
const inALanguage = `TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'`

func TestStoreKeepsTheContracts(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]string{
		"AsItIs": "",
		// As behind a pooler that knows no prepared statements; and with an engine that serializes all transactions, and
		// therefore gives up on some of them.
		"Serializable": "&default_query_exec_mode=exec&default_transaction_isolation=serializable",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := migrated(t, inALanguage) + options
			a, b := newStore(t, postgres.Config{DSN: dsn}), newStore(t, postgres.Config{DSN: dsn})
			t.Run("Ephemeral", func(t *testing.T) {
				storetest.Run(t, func(testing.TB) storetest.Backend { return storetest.Backend{A: a, B: b} })
			})
			t.Run("Ledger", func(t *testing.T) {
				storetest.RunLedger(t, func(testing.TB) storetest.LedgerBackend { return storetest.LedgerBackend{A: a, B: b} })
			})
			t.Run("Notifier", func(t *testing.T) {
				storetest.RunNotifier(t, func(testing.TB) storetest.NotifierBackend { return storetest.NotifierBackend{A: a, B: b} })
			})
		})
	}
}

func TestNotifierThatPollsKeepsTheContract(t *testing.T) {
	t.Parallel()
	c := postgres.Config{DSN: migrated(t), Poll: 5 * time.Millisecond}
	a, b := newStore(t, c), newStore(t, c)
	storetest.RunNotifier(t, func(testing.TB) storetest.NotifierBackend { return storetest.NotifierBackend{A: a, B: b} })
}

func TestStoreSurvivesOutages(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*postgrestest.Server, testing.TB){
		"Stopped": (*postgrestest.Server).Stop,
		"Killed":  (*postgrestest.Server).Kill,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.RunOutage(t, func(t testing.TB) storetest.OutageBackend {
				server := postgrestest.Start(t, postgrestest.Config{Durable: true})
				s := newStore(t, postgres.Config{DSN: server.NewDatabase(t)})
				_, _, err := s.Migrate(t.Context())
				require.NoError(t, err)
				return storetest.OutageBackend{
					Ephemeral: s, Ledger: s, Notifier: s,
					Stop:  func() { stop(server, t) },
					Start: func() { server.Restart(t) },
				}
			})
		})
	}
}

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := postgres.New(postgres.Config{Schema: `x"; DROP`, Timeout: -1, SweepInterval: -2, Poll: -3})
	for _, want := range []string{`Schema "x\"; DROP"`, "Timeout is negative", "SweepInterval is negative", "Poll is negative", "one of DSN and Pool"} {
		assert.ErrorContains(t, err, want)
	}
	_, err = postgres.New(postgres.Config{DSN: "postgres://someone:secret@host:port/"})
	require.ErrorContains(t, err, "DSN")
	assert.NotContains(t, err.Error(), "secret")
}

func TestSchemasShareADatabase(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Shared(t).NewDatabase(t)
	stores := map[string]*postgres.Store{}
	for _, schema := range []string{"", "user", "other_2"} { // user is a reserved word
		s := newStore(t, postgres.Config{DSN: dsn, Schema: schema})
		_, _, err := s.Migrate(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.Check(t.Context()))
		stores[schema] = s
	}
	for schema, s := range stores {
		require.NoError(t, s.Add(t.Context(), "key", []byte(schema), time.Hour), "the same key in another schema is another one")
	}
	got, err := stores["user"].Get(t.Context(), "key")
	require.NoError(t, err)
	assert.Equal(t, "user", string(got))
}

func TestGivenPoolStaysOpen(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), migrated(t))
	require.NoError(t, err)
	defer pool.Close()
	s, err := postgres.New(postgres.Config{Pool: pool})
	require.NoError(t, err)
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, s.Close())
	assert.NoError(t, pool.Ping(t.Context()))
}

func TestServerThatDoesNotAnswerIsAnOutageAndNotTheCallersDoing(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	s := newStore(t, postgres.Config{DSN: dsn, Timeout: 500 * time.Millisecond})
	tx, err := connect(t, dsn).Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), "LOCK TABLE signet.ephemeral")
	require.NoError(t, err)

	_, err = s.Get(t.Context(), "key")
	require.Error(t, err)
	assert.NotErrorIs(t, err, context.DeadlineExceeded)
	assert.NotErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, tx.Rollback(t.Context()))
	require.Eventually(t, func() bool {
		_, err = s.Get(t.Context(), "key")
		return errors.Is(err, store.ErrNotFound)
	}, time.Minute, 10*time.Millisecond, "it heals")
}

func TestSubscribeFailsAfterClose(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	for name, s := range map[string]*postgres.Store{
		"never subscribed": newStore(t, postgres.Config{DSN: dsn}),
		"listens":          newStore(t, postgres.Config{DSN: dsn}),
		"polls":            newStore(t, postgres.Config{DSN: dsn, Poll: time.Hour}),
	} {
		if name != "never subscribed" {
			_, err := s.Subscribe(t.Context(), "topic")
			require.NoError(t, err)
		}
		require.NoError(t, s.Close())
		_, err := s.Subscribe(t.Context(), "topic")
		assert.ErrorIs(t, err, postgres.ErrClosed, name)
	}
}
