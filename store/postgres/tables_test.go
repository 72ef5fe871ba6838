package postgres_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/postgres"
)

// useEverything makes the Store send each of its statements.
func useEverything(t testing.TB, s *postgres.Store) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.Put(ctx, "key", nil, time.Hour))
	require.ErrorIs(t, s.Add(ctx, "key", nil, time.Hour), store.ErrExists)
	require.NoError(t, s.Replace(ctx, "key", nil, []byte("new"), time.Hour))
	_, err := s.Get(ctx, "key")
	require.NoError(t, err)
	_, err = s.Take(ctx, "key")
	require.NoError(t, err)
	for _, delta := range []int64{1, 0, -1} {
		_, err = s.Increment(ctx, "key", delta, time.Hour)
		require.NoError(t, err)
	}
	r, err := s.Write(ctx, "consents", store.Record{ID: "id", Owner: "owner", Value: []byte("1")})
	require.NoError(t, err)
	_, err = s.Write(ctx, "consents", r)
	require.NoError(t, err)
	_, err = s.Read(ctx, "consents", "id")
	require.NoError(t, err)
	for _, q := range []store.Query{{}, {After: "5000", Limit: 10}, {Owner: "owner"}, {Owner: "owner 7", After: "5000"}} {
		q.Owner = strings.ReplaceAll(q.Owner, " ", "-")
		_, err = s.List(ctx, "consents", q)
		require.NoError(t, err)
	}
	_, err = s.History(ctx, "consents", "id")
	require.NoError(t, err)
	require.NoError(t, s.Erase(ctx, "consents", "id"))
	_, err = s.Sweep(ctx)
	require.NoError(t, err)
}

func TestEveryStatementFindsItsRowsThroughAnIndex(t *testing.T) {
	t.Parallel()
	dsn, ctx := migrated(t), t.Context()
	conn := connect(t, dsn)
	// As much as makes the difference, and most of it live.
	_, err := conn.Exec(ctx, `
		INSERT INTO signet.ephemeral
			SELECT n, 'value', now() + interval '1 hour', now() + interval '1 hour', now() FROM generate_series(1, 10000) AS n;
		INSERT INTO signet.counter
			SELECT n, 1, now() + interval '1 hour', now() + interval '1 hour', now() FROM generate_series(1, 10000) AS n;
		INSERT INTO signet.ledger
			SELECT 'consents', n, 2, 'owner-' || n % 1000, '1', now(), CASE WHEN n % 2 = 0 THEN now() + interval '1 hour' END
			FROM generate_series(1, 10000) AS n;
		INSERT INTO signet.ledger_history SELECT collection, id, 1, owner, value, written_at, expires_at FROM signet.ledger;
		ANALYZE signet.ephemeral, signet.counter, signet.ledger, signet.ledger_history`)
	require.NoError(t, err)

	seen := &tracer{}
	pool := newPool(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.Tracer = seen })
	useEverything(t, newStore(t, postgres.Config{Pool: pool}))
	polling := newStore(t, postgres.Config{Pool: pool, Poll: time.Millisecond})
	hints, err := polling.Subscribe(ctx, "topic")
	require.NoError(t, err)
	woken(t, hints)
	require.NoError(t, polling.Close())

	explained := 0
	for sql, arguments := range seen.statements {
		if !strings.Contains(sql, `"signet".`) {
			continue
		}
		rows, err := conn.Query(ctx, "EXPLAIN "+sql, arguments...)
		require.NoError(t, err, sql)
		var plan []string
		for rows.Next() {
			var line string
			require.NoError(t, rows.Scan(&line))
			plan = append(plan, line)
		}
		require.NoError(t, rows.Err(), sql)
		assert.NotContains(t, strings.Join(plan, "\n"), "Seq Scan", sql)
		explained++
	}
	assert.Equal(t, 20, explained, "all statements are explained")
}

// A record that changes state and keeps its expiry leaves no entries in the index and nothing for vacuum; and the room
// of what is gone is used again.
func TestShortLivedTableDoesNotBloat(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	// A server of its own: what others do there keeps old versions alive.
	dsn := postgrestest.Start(t, postgrestest.Config{}).NewDatabase(t)
	pool := newPool(t, dsn, func(c *pgxpool.Config) { c.MaxConns = 1 })
	s := newStore(t, postgres.Config{Pool: pool})
	_, _, err := s.Migrate(ctx)
	require.NoError(t, err)
	const logins, steps, rounds = 50, 6, 10
	value := func(step int) []byte { return []byte(strings.Repeat(string(rune('a'+step)), 1000)) }
	round := func() {
		expires := time.Now().Add(10 * time.Minute)
		for step := range steps + 2 {
			for i := range logins {
				key := fmt.Sprint("login-", i)
				switch step {
				case 0:
					require.NoError(t, s.Add(ctx, key, value(step), time.Until(expires)))
				case steps + 1:
					_, err := s.Take(ctx, key)
					require.NoError(t, err)
				default:
					require.NoError(t, s.Replace(ctx, key, value(step-1), value(step), time.Until(expires)))
				}
			}
		}
	}
	size := func() (bytes int64) {
		_, err := pool.Exec(ctx, "VACUUM signet.ephemeral") // which the server does by itself, some time
		require.NoError(t, err)
		require.NoError(t, pool.QueryRow(ctx, "SELECT pg_total_relation_size('signet.ephemeral')").Scan(&bytes))
		return bytes
	}
	round()
	settled := size()
	for range rounds - 1 {
		round()
		size()
	}
	assert.LessOrEqual(t, size(), 2*settled, "after %d times as many logins", rounds)

	_, err = pool.Exec(ctx, "SELECT pg_stat_force_next_flush()")
	require.NoError(t, err)
	var updates, inPlace int64
	require.NoError(t, pool.QueryRow(ctx, `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
		WHERE schemaname = 'signet' AND relname = 'ephemeral'`).Scan(&updates, &inPlace))
	assert.Equal(t, int64(rounds*logins*steps), updates)
	assert.Greater(t, inPlace, updates*9/10, "of %d updates", updates)
}

func TestBatchIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	var trips atomic.Int64
	pool := newPool(t, migrated(t), func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &countingConn{Conn: conn, trips: &trips}, err
		}
		c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	})
	s := newStore(t, postgres.Config{Pool: pool})
	for i := range 3 {
		before := trips.Load()
		key := fmt.Sprint(i)
		results := s.Do(t.Context(), []store.Operation{
			{Verb: store.VerbAdd, Key: key, Value: make([]byte, store.MaxValue), TTL: time.Hour},
			{Verb: store.VerbTake, Key: key},
			{Verb: store.VerbIncrement, Key: key, Delta: 1, TTL: time.Hour},
		})
		for _, r := range results {
			require.NoError(t, r.Err)
		}
		_, err := s.Write(t.Context(), "consents", store.Record{ID: key, Value: []byte("1")})
		require.NoError(t, err)
		_, err = s.Write(t.Context(), "consents", store.Record{ID: key, Value: []byte("1"), Version: 1})
		require.NoError(t, err)
		if i > 0 { // the first time, the statements are prepared
			assert.Equal(t, int64(3), trips.Load()-before)
		}
	}
}

// countingConn counts how often something is written after something was read.
type countingConn struct {
	net.Conn
	trips   *atomic.Int64
	writing atomic.Bool
}

func (c *countingConn) Write(b []byte) (int, error) {
	if !c.writing.Swap(true) {
		c.trips.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.writing.Store(false)
	}
	return n, err
}

func TestBatchThatTheDatabaseCannotFinishIsUndone(t *testing.T) {
	t.Parallel()
	dsn, ctx := migrated(t), t.Context()
	s := newStore(t, postgres.Config{DSN: dsn, Timeout: 200 * time.Millisecond})
	conn := connect(t, dsn)
	tx, err := conn.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "LOCK TABLE signet.counter")
	require.NoError(t, err)

	for _, r := range s.Do(ctx, []store.Operation{
		{Verb: store.VerbAdd, Key: "jti", TTL: time.Hour},
		{Verb: store.VerbIncrement, Key: "attempts", Delta: 1, TTL: time.Hour},
	}) {
		require.Error(t, r.Err)
		assert.NotErrorIs(t, r.Err, store.ErrExists)
	}
	require.NoError(t, tx.Rollback(ctx))
	require.Eventually(t, func() bool { // when the server has noticed that the client has gone
		return one[int](t, conn, "SELECT count(*) FROM pg_locks WHERE relation = 'signet.counter'::regclass AND pid <> pg_backend_pid()") == 0
	}, time.Minute, 10*time.Millisecond)
	_, err = newStore(t, postgres.Config{DSN: dsn}).Get(ctx, "jti")
	assert.ErrorIs(t, err, store.ErrNotFound, "an Add that has failed has not happened")
}
