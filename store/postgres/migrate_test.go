package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/store/postgres"
)

// current is the version of the schema that this program needs.
const current = 1

func TestInstancesMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Shared(t).NewDatabase(t)
	const instances = 8
	type result struct {
		from, to int
		err      error
	}
	results := make([]result, instances)
	start := make(chan struct{})
	var done sync.WaitGroup
	for i := range instances {
		s := newStore(t, postgres.Config{DSN: dsn})
		done.Go(func() {
			<-start
			r := &results[i]
			r.from, r.to, r.err = s.Migrate(t.Context())
		})
	}
	close(start)
	done.Wait()
	migrated := 0
	for _, r := range results {
		require.NoError(t, r.err)
		assert.Equal(t, current, r.to)
		if r.from != r.to {
			assert.Zero(t, r.from)
			migrated++
		}
	}
	assert.Equal(t, 1, migrated, "one does it and the others wait")
	conn := connect(t, dsn)
	assert.Equal(t, current+1, one[int](t, conn, "SELECT count(*) FROM signet.migration"), "each version is applied once")
	assert.NoError(t, newStore(t, postgres.Config{DSN: dsn}).Check(t.Context()))
}

func TestMigrateWaitsForOthersLongerThanAnOperationMayTake(t *testing.T) {
	t.Parallel()
	dsn, ctx := migrated(t), t.Context()
	conn := connect(t, dsn)
	tx, err := conn.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "SELECT FROM signet.migration FOR UPDATE")
	require.NoError(t, err)

	s := newStore(t, postgres.Config{DSN: dsn, Timeout: time.Second})
	ended := make(chan error, 1)
	go func() {
		_, _, err := s.Migrate(ctx)
		ended <- err
	}()
	_, err = tx.Exec(ctx, "SELECT pg_sleep(1.5)")
	require.NoError(t, err)
	watching := connect(t, dsn)
	require.Eventually(t, func() bool {
		return one[int](t, watching, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, tx.Rollback(ctx))
	assert.NoError(t, <-ended)
}

func TestMigrateAgainChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgres.Config{DSN: migrated(t)})
	require.NoError(t, s.Add(t.Context(), "key", []byte("value"), time.Hour))
	from, to, err := s.Migrate(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int{current, current}, []int{from, to})
	value, err := s.Get(t.Context(), "key")
	require.NoError(t, err)
	assert.Equal(t, "value", string(value))
}

func TestMissingSchemaIsNamedWithTheCommandThatMakesIt(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgres.Config{DSN: postgrestest.Shared(t).NewDatabase(t), Schema: "state"})
	_, get := s.Get(t.Context(), "key")
	_, read := s.Read(t.Context(), "clients", "id")
	for name, err := range map[string]error{"Check": s.Check(t.Context()), "Get": get, "Read": read} {
		require.ErrorIs(t, err, postgres.ErrNotMigrated, name)
		assert.ErrorContains(t, err, `run the migrate command (Store.Migrate) to bring schema "state" to version 1`, name)
	}
}

func TestOldSchemaIsRefused(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	_, err := connect(t, dsn).Exec(t.Context(), "DELETE FROM signet.migration WHERE version > 0")
	require.NoError(t, err)
	err = newStore(t, postgres.Config{DSN: dsn}).Check(t.Context())
	require.ErrorIs(t, err, postgres.ErrNotMigrated)
	assert.ErrorContains(t, err, "it is at version 0")
}

func TestSchemaOfANewerProgramIsLeftAlone(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	_, err := connect(t, dsn).Exec(t.Context(), "INSERT INTO signet.migration VALUES (1000, now())")
	require.NoError(t, err)
	s := newStore(t, postgres.Config{DSN: dsn})
	assert.ErrorIs(t, s.Check(t.Context()), postgres.ErrTooNew)
	_, _, err = s.Migrate(t.Context())
	require.ErrorIs(t, err, postgres.ErrTooNew)
	assert.ErrorContains(t, err, `schema "signet" is at version 1000 and this program knows 1`)
}

// newRole returns a role without rights of its own, in the shared server, and the DSN with which it connects.
func newRole(t *testing.T, dsn string) (role, limited string) {
	t.Helper()
	conn := connect(t, dsn)
	role = "limited_" + one[string](t, conn, "SELECT current_database()")
	_, err := conn.Exec(t.Context(), "CREATE ROLE "+role)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, dsn)
		require.NoError(t, err)
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, "DROP OWNED BY "+role+"; DROP ROLE "+role)
		assert.NoError(t, err)
	})
	return role, dsn + "&role=" + role
}

func TestRoleThatMayNotCreateSchemasMigratesIntoOneThatItWasGiven(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Shared(t).NewDatabase(t)
	role, limited := newRole(t, dsn)
	_, err := connect(t, dsn).Exec(t.Context(), "CREATE SCHEMA signet AUTHORIZATION "+role)
	require.NoError(t, err)
	s := newStore(t, postgres.Config{DSN: limited})
	_, _, err = s.Migrate(t.Context())
	require.NoError(t, err)
	assert.NoError(t, s.Check(t.Context()))
}

func TestRoleThatMayChangeNoTablesIsEnoughToServe(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	role, limited := newRole(t, dsn)
	_, err := connect(t, dsn).Exec(t.Context(), "GRANT USAGE ON SCHEMA signet TO "+role+
		"; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA signet TO "+role)
	require.NoError(t, err)
	s := newStore(t, postgres.Config{DSN: limited})
	require.NoError(t, s.Check(t.Context()))
	useEverything(t, s)
}

func TestDatabaseThatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgres.Config{DSN: migrated(t, "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")})
	assert.ErrorContains(t, s.Check(t.Context()), "encoding of the database is LATIN1")
}
