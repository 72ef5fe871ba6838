package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/postgres"
	"github.com/gosignet/signet/store/redis"
)

// state is where the server keeps what it keeps: what lasts in the ledger, and what does not in ephemeral. Both may be
// the same backend. Nothing else in the server knows which backends they are.
type state struct {
	ephemeral store.Ephemeral
	ledger    store.Ledger
	notifier  store.Notifier

	lasting *postgres.Store // nil if the ledger is in memory
	short   *postgres.Store // where ephemeral is in a PostgreSQL of its own
	redis   *redis.Store    // nil if ephemeral is not in Redis
	// end stops what runs in the background; closers close the backends, in this order.
	end     context.CancelFunc
	group   sync.WaitGroup
	closers []func() error
}

// check says what is wrong with the URLs of -store and -state, without their passwords.
func (c *config) checkState() error {
	var errs []error
	if c.store != "" && !isPostgres(c.store) {
		errs = append(errs, errors.New("-store: must be a URL like postgres://user:password@host/database"))
	}
	if c.state != "" && !isPostgres(c.state) && !isRedis(c.state) {
		errs = append(errs, errors.New("-state: must be a URL like redis://host:6379 or postgres://user:password@host/database"))
	}
	if c.state != "" && c.store == "" {
		errs = append(errs, errors.New("-state: goes with -store; what several instances share cannot be in the memory of one"))
	}
	return errors.Join(errs...)
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func isRedis(dsn string) bool {
	u, err := url.Parse(dsn)
	return err == nil && (u.Scheme == "redis" || u.Scheme == "rediss" || u.Scheme == "unix")
}

// openState opens the backends, has them migrated if -migrate says so, and makes sure that they can be used.
func (c *config) openState(ctx context.Context, logger *slog.Logger) (*state, error) {
	s, err := c.openLasting(ctx, logger)
	if err != nil {
		return nil, err
	}
	if err := s.openShort(c, logger); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if c.migrate {
		if err := s.migrate(ctx, logger); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	if err := s.check(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.maintain(logger)
	return s, nil
}

// openLasting opens what -store names, for those who need nothing else.
func (c *config) openLasting(ctx context.Context, logger *slog.Logger) (*state, error) {
	s := &state{end: func() {}}
	if c.store == "" {
		m, err := memory.New(memory.Config{})
		if err != nil {
			return nil, err
		}
		s.ephemeral, s.ledger, s.notifier, s.closers = m, m, m, []func() error{m.Close}
		return s, nil
	}
	p, err := postgres.New(postgres.Config{DSN: c.store, Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("-store: %w", err)
	}
	s.ephemeral, s.ledger, s.notifier, s.lasting, s.closers = p, p, p, p, []func() error{p.Close}
	return s, nil
}

// openShort opens what -state names, if it names anything.
func (s *state) openShort(c *config, logger *slog.Logger) error {
	switch {
	case isPostgres(c.state) && c.state != c.store:
		p, err := postgres.New(postgres.Config{DSN: c.state, Logger: logger})
		if err != nil {
			return fmt.Errorf("-state: %w", err)
		}
		s.ephemeral, s.short, s.closers = p, p, append(s.closers, p.Close)
	case isRedis(c.state):
		r, err := redis.New(redis.Config{URL: c.state})
		if err != nil {
			return fmt.Errorf("-state: %w", err)
		}
		s.ephemeral, s.notifier, s.redis, s.closers = r, r, r, append(s.closers, r.Close)
	}
	return nil
}

// postgres are the databases, by the flags that name them.
func (s *state) databases() map[string]*postgres.Store {
	all := map[string]*postgres.Store{}
	if s.lasting != nil {
		all["-store"] = s.lasting
	}
	if s.short != nil {
		all["-state"] = s.short
	}
	return all
}

// migrate brings the schemas to the version of this program. It may run in several instances at once.
func (s *state) migrate(ctx context.Context, logger *slog.Logger) error {
	for name, p := range s.databases() {
		from, to, err := p.Migrate(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		logger.InfoContext(ctx, "schema migrated", slog.String("flag", name), slog.Int("from", from), slog.Int("to", to))
	}
	if s.redis != nil {
		if err := s.beginRedis(ctx); err != nil {
			return fmt.Errorf("-state: %w", err)
		}
	}
	return nil
}

// beginRedis tells a Redis that this deployment never used that nothing was used before. One that comes back empty later
// does not look so: then what was used is forgotten, and the Store waits until that does no harm.
func (s *state) beginRedis(ctx context.Context) error {
	const collection, id = "short-lived-state", "redis"
	_, err := s.ledger.Read(ctx, collection, id)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := s.redis.Begin(ctx); err != nil {
		return err
	}
	_, err = s.ledger.Write(ctx, collection, store.Record{ID: id, Value: []byte(`{}`)})
	if errors.Is(err, store.ErrConflict) { // another instance was as fast
		return nil
	}
	return err
}

// check makes sure that the backends answer and are fit for use.
func (s *state) check(ctx context.Context) error {
	for name, p := range s.databases() {
		err := p.Check(ctx)
		if errors.Is(err, postgres.ErrNotMigrated) {
			return fmt.Errorf("%s: %w; run \"server migrate\", or start with -migrate", name, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if s.redis != nil {
		if err := s.redis.Check(ctx); err != nil {
			return fmt.Errorf("-state: %w", err)
		}
	}
	return nil
}

// maintain removes expired rows while the server runs; of several instances one does it.
func (s *state) maintain(logger *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	for name, p := range s.databases() {
		s.group.Go(func() {
			if err := p.Maintain(ctx); err != nil && ctx.Err() == nil {
				logger.Error("maintenance ended", slog.String("flag", name), slog.Any("error", err))
			}
		})
	}
}

func (s *state) close() error {
	s.end()
	s.group.Wait()
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// migrate is the command.
func migrate(ctx context.Context, t *terminal, _ []string) error {
	if t.store == "" {
		return errors.New("-store is missing: there is nothing to migrate in memory")
	}
	if err := t.checkState(); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(t.stderr, nil))
	t.config.migrate = true
	s, err := t.openState(ctx, logger)
	if err != nil {
		return err
	}
	return s.close()
}
