package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/postgres"
)

// tracer sees the statements of a pool.
type tracer struct {
	mu         sync.Mutex
	statements map[string][]any // with the arguments of the last time
	deleted    []int64          // rows that each DELETE outside a batch removed
}

func (r *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	r.see(q.SQL, q.Args)
	return context.WithValue(ctx, r, q.SQL)
}

func (r *tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	if sql, _ := ctx.Value(r).(string); strings.HasPrefix(sql, "DELETE") {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.deleted = append(r.deleted, q.CommandTag.RowsAffected())
	}
}

func (r *tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		r.see(q.SQL, q.Arguments)
	}
	return ctx
}

func (r *tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (r *tracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func (r *tracer) see(sql string, arguments []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.statements == nil {
		r.statements = map[string][]any{}
	}
	r.statements[sql] = arguments
}

// newPool returns a pool that was changed before its first use.
func newPool(t testing.TB, dsn string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	change(config)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// expire makes all rows of the table look as if they had been written an hour earlier.
func expire(t testing.TB, conn *pgx.Conn, table string) {
	t.Helper()
	set := "expires_at = expires_at - interval '1 hour'"
	if table != "ledger" {
		set += ", sweep_after = sweep_after - interval '1 hour'"
	}
	_, err := conn.Exec(t.Context(), "UPDATE signet."+table+" SET "+set)
	require.NoError(t, err)
}

func TestSweepRemovesWhatExpiredInSmallBatches(t *testing.T) {
	t.Parallel()
	dsn, ctx := migrated(t), t.Context()
	seen := &tracer{}
	s := newStore(t, postgres.Config{Pool: newPool(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.Tracer = seen })})
	conn := connect(t, dsn)
	const expired = 2500
	var puts []store.Operation
	for i := range expired {
		puts = append(puts, store.Operation{Verb: store.VerbPut, Key: fmt.Sprint(i), TTL: time.Minute})
	}
	for _, r := range s.Do(ctx, puts) {
		require.NoError(t, r.Err)
	}
	_, err := s.Increment(ctx, "expired", 1, time.Minute)
	require.NoError(t, err)
	r, err := s.Write(ctx, "consents", store.Record{ID: "expired", Value: []byte("1"), ExpiresAt: time.Now().Add(time.Minute)})
	require.NoError(t, err)
	_, err = s.Write(ctx, "consents", r)
	require.NoError(t, err)
	for _, table := range []string{"ephemeral", "counter", "ledger"} {
		expire(t, conn, table)
	}
	require.NoError(t, s.Put(ctx, "live", nil, time.Minute))
	_, err = s.Increment(ctx, "live", 1, time.Minute)
	require.NoError(t, err)
	_, err = s.Write(ctx, "consents", store.Record{ID: "live", Value: []byte("1")})
	require.NoError(t, err)

	removed, err := s.Sweep(ctx)
	require.NoError(t, err)
	assert.Equal(t, expired+2, removed)
	for table, want := range map[string]int{"ephemeral": 2, "counter": 1, "ledger": 1, "ledger_history": 0} { // and the turn
		assert.Equal(t, want, one[int](t, conn, "SELECT count(*) FROM signet."+table), table)
	}
	assert.Equal(t, []int64{1000, 1000, 500, 1, 1}, seen.deleted)
}

func TestOneInstanceSweepsInEachInterval(t *testing.T) {
	t.Parallel()
	dsn, ctx := migrated(t), t.Context()
	conn := connect(t, dsn)
	const instances = 8
	stores := make([]*postgres.Store, instances)
	for i := range stores {
		stores[i] = newStore(t, postgres.Config{DSN: dsn, SweepInterval: time.Hour})
	}
	for range 2 {
		require.NoError(t, stores[0].Put(ctx, "key", nil, time.Minute))
		_, err := conn.Exec(ctx, "UPDATE signet.ephemeral SET expires_at = now() - interval '1 hour', sweep_after = now()") // the turn too
		require.NoError(t, err)

		start := make(chan struct{})
		removed := make([]int, instances)
		errs := make([]error, instances)
		var done sync.WaitGroup
		for i, s := range stores {
			done.Go(func() {
				<-start
				removed[i], errs[i] = s.Sweep(ctx)
			})
		}
		close(start)
		done.Wait()
		swept := 0
		for i := range stores {
			require.NoError(t, errs[i])
			swept += removed[i]
		}
		assert.Equal(t, 1, swept)
		require.NoError(t, stores[0].Put(ctx, "key", nil, time.Minute))
		_, err = conn.Exec(ctx, "UPDATE signet.ephemeral SET expires_at = now() - interval '1 hour', sweep_after = now() WHERE key = 'key'")
		require.NoError(t, err)
		for _, s := range stores {
			n, err := s.Sweep(ctx)
			require.NoError(t, err)
			assert.Zero(t, n, "the interval is not over")
		}
	}
}

func TestMaintainSweepsUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	conn := connect(t, dsn)
	s := newStore(t, postgres.Config{DSN: dsn, SweepInterval: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Maintain(ctx) }()
	for range 2 {
		require.NoError(t, s.Put(ctx, "key", nil, time.Minute))
		expire(t, conn, "ephemeral")
		require.Eventually(t, func() bool {
			return one[int](t, conn, "SELECT count(*) FROM signet.ephemeral WHERE key = 'key'") == 0
		}, time.Minute, 10*time.Millisecond)
	}
	cancel()
	assert.ErrorIs(t, <-ended, context.Canceled)
}

func TestMaintainReportsFailuresAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s, err := postgres.New(postgres.Config{DSN: "postgres:///?host=/nowhere", SweepInterval: time.Hour, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		require.NoError(t, err)
		defer func() { _ = s.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour+time.Minute)
		defer cancel()
		assert.ErrorIs(t, s.Maintain(ctx), context.DeadlineExceeded)
		assert.Equal(t, 3, strings.Count(log.String(), "postgres: sweep"))
	})
}
