package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gosignet/signet/store"
)

const (
	// DefaultSchema is the schema if the Config names none.
	DefaultSchema = "signet"
	// DefaultTimeout is the bound on one operation if the Config sets none.
	DefaultTimeout = 5 * time.Second
	// DefaultSweepInterval is how often expired rows are removed if the Config does not say.
	DefaultSweepInterval = 30 * time.Second
)

var (
	// ErrClosed is returned by Subscribe after Close.
	ErrClosed = errors.New("postgres: store is closed")
	// ErrNotMigrated says that the schema is missing or older than this program needs: [Store.Migrate] was not run.
	ErrNotMigrated = errors.New("postgres: schema is missing or too old")
	// ErrTooNew says that a newer version of this program has migrated the schema.
	ErrTooNew = errors.New("postgres: schema is newer than this program")
)

// Config says where a Store keeps its data. Either DSN or Pool is required.
type Config struct {
	// DSN is the connection string of a database, as a URL or as key=value pairs. Beside what PostgreSQL knows it takes
	// the settings of a pgx pool: pool_max_conns (default: the number of CPUs, at least 4), pool_min_conns,
	// pool_max_conn_lifetime, pool_max_conn_idle_time and default_query_exec_mode. If it sets no connect_timeout or
	// statement_timeout, Timeout is both. As with every client of PostgreSQL, what it leaves out altogether may come from
	// environment variables (PGHOST, PGPASSWORD, …).
	DSN string
	// Pool is a pool to use instead of one that the Store makes from a DSN. It is used as it is, and Close leaves it open.
	Pool *pgxpool.Pool
	// Schema is the name of the schema, so that Signet can share a database: up to 40 lower-case letters, digits and
	// underscores. Empty means DefaultSchema.
	Schema string
	// Timeout is how long one operation may take, with waiting for a connection. Zero means DefaultTimeout. Migrate is not
	// bound by it.
	Timeout time.Duration
	// SweepInterval is how often expired rows are removed, by one of the instances that run Maintain. Zero means
	// DefaultSweepInterval.
	SweepInterval time.Duration
	// Poll makes the Notifier look for news at this interval. Zero means that it uses LISTEN and NOTIFY, which need a
	// server that has them and no pooler in between. It has to be the same, zero or not, in all instances.
	Poll time.Duration
	// Logger is told of failures in the background. Nil discards them.
	Logger *slog.Logger
}

// Store keeps short-lived and lasting state in a PostgreSQL database. It implements [store.Ephemeral],
// [store.Batcher], [store.Ledger] and [store.Notifier], and is safe for concurrent use.
type Store struct {
	pool          *pgxpool.Pool
	ownPool       bool
	schema        string
	sql           statements
	timeout       time.Duration
	sweepInterval time.Duration
	poll          time.Duration
	logger        *slog.Logger

	topics     hub
	news       news
	background sync.WaitGroup
	ctx        context.Context // of what runs in the background
	close      context.CancelFunc
}

var (
	_ store.Ephemeral = (*Store)(nil)
	_ store.Batcher   = (*Store)(nil)
	_ store.Ledger    = (*Store)(nil)
	_ store.Notifier  = (*Store)(nil)
)

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,39}$`)

// New returns a Store, or every mistake in the Config. It does not connect: [Store.Check] does.
func New(c Config) (*Store, error) {
	s := &Store{
		pool:          c.Pool,
		schema:        or(c.Schema, DefaultSchema),
		timeout:       or(c.Timeout, DefaultTimeout),
		sweepInterval: or(c.SweepInterval, DefaultSweepInterval),
		poll:          c.Poll,
		logger:        or(c.Logger, slog.New(slog.DiscardHandler)),
	}
	var errs []error
	if !schemaName.MatchString(s.schema) {
		errs = append(errs, fmt.Errorf("postgres: Schema %q is not up to 40 lower-case letters, digits and underscores", c.Schema))
	}
	for name, d := range map[string]time.Duration{"Timeout": c.Timeout, "SweepInterval": c.SweepInterval, "Poll": c.Poll} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("postgres: %s is negative: %s", name, d))
		}
	}
	if (c.DSN == "") == (c.Pool == nil) {
		errs = append(errs, errors.New("postgres: one of DSN and Pool is required"))
	} else if c.Pool == nil {
		var err error
		if s.pool, err = newPool(c.DSN, s.timeout); err != nil {
			errs = append(errs, err)
		}
		s.ownPool = true
	}
	if err := errors.Join(errs...); err != nil {
		if s.ownPool && s.pool != nil {
			s.pool.Close()
		}
		return nil, err
	}
	s.sql = newStatements(s.schema)
	s.ctx, s.close = context.WithCancel(context.Background())
	return s, nil
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// newPool returns a pool that gives up on a dead server after the timeout, wherever it hangs.
func newPool(dsn string, timeout time.Duration) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres: DSN: %w", err) // without the password: pgx takes it out
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = timeout
	}
	config.PingTimeout = timeout / 4
	if params := config.ConnConfig.RuntimeParams; params["statement_timeout"] == "" {
		params["statement_timeout"] = strconv.FormatInt(max(timeout.Milliseconds(), 1), 10)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return pool, nil
}

// Close ends what runs in the background, and the connections unless the pool was given. What is under way is waited
// for.
func (s *Store) Close() error {
	s.news.mu.Lock() // or something could still start
	s.close()
	s.news.mu.Unlock()
	s.background.Wait()
	if s.ownPool {
		s.pool.Close()
	}
	return nil
}

// run calls f, which makes one round trip, with a bounded context. It calls f again when the database undid everything
// that f did in favour of another transaction.
func (s *Store) run(ctx context.Context, f func(ctx context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := f(bounded)
		switch {
		case err == nil || errors.Is(err, pgx.ErrNoRows):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case bounded.Err() != nil:
			// The caller's own context has not ended, so that this is an outage and not their doing.
			return fmt.Errorf("postgres: no answer within %s: %v", s.timeout, err)
		case !undone(err):
			return s.explain(err)
		}
	}
}

// undone says that the database rolled the transaction back because of another one: a deadlock, or on engines and
// databases that serialize, a conflict.
func undone(err error) bool {
	code := sqlState(err)
	return code == "40P01" || code == "40001"
}

// explain adds what an operator can do.
func (s *Store) explain(err error) error {
	switch sqlState(err) {
	case "42P01", "42703", "3F000": // a table, column or schema does not exist
		return fmt.Errorf("%w: %w", s.notMigrated(), err)
	}
	return fmt.Errorf("postgres: %w", err)
}

// sqlState returns the code of an error that the server reported, otherwise "".
func sqlState(err error) string {
	if reported, ok := errors.AsType[*pgconn.PgError](err); ok {
		return reported.Code
	}
	return ""
}
