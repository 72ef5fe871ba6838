package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
)

// migrations holds NNNN.sql for each version of the schema, and NNNN.tuning.sql for what only PostgreSQL itself has. A
// file that was released is never changed. Each leaves what the version of the program before it needs: that one goes on
// running until the last instance is replaced.
//
//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion is the version that this program needs: the last of the migrations.
const schemaVersion = 1

// Migrate brings the schema to the version that this program needs, and returns the versions before and after. It makes
// the schema if it is missing, for which the role needs the right to create one. Whoever may migrate at the same time
// waits for the other and then has nothing to do. A schema that is newer than the program is left alone: ErrTooNew.
//
// Each version is one transaction, in which PostgreSQL, unlike some engines that speak its language, also undoes changes
// of tables.
func (s *Store) Migrate(ctx context.Context) (from, to int, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("postgres: migrate: %w", err)
	}
	defer conn.Release()
	on, err := findEngine(ctx, conn.Conn())
	if err != nil {
		return 0, 0, fmt.Errorf("postgres: migrate: %w", err)
	}
	if err := s.prepareToMigrate(ctx, conn.Conn(), on); err != nil {
		return 0, 0, fmt.Errorf("postgres: migrate: %w", err)
	}
	for first, done := true, false; !done; first = false {
		var version int
		if version, done, err = s.migrateOnce(ctx, conn.Conn(), on); err != nil {
			return from, to, fmt.Errorf("postgres: migrate: %w", err)
		}
		if first {
			from = version
		}
		to = version
	}
	return from, to, nil
}

// prepareToMigrate makes the schema and its table of migrations unless they exist. Others may make them at the same
// time, in which case the engine says that they exist, in one way or another, and the next attempt finds them.
func (s *Store) prepareToMigrate(ctx context.Context, conn *pgx.Conn, on engine) error {
	const attempts = 20
	var err error
	for range attempts {
		err = nil
		// A role that may not create schemas may not even do so where one exists.
		var exists bool
		const find = `SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1)`
		if err := conn.QueryRow(ctx, find, s.schema).Scan(&exists); err != nil {
			return err
		}
		if !exists {
			_, err = conn.Exec(ctx, inSchema(`CREATE SCHEMA IF NOT EXISTS {schema}`, s.schema))
		}
		if err == nil {
			err = s.runFile(ctx, conn, on, "0000.sql")
		}
		switch sqlState(err) {
		case "23505", "42P06", "42P07", "42710", "40001", "XX000":
			continue
		}
		return err
	}
	return err
}

// migrateOnce applies the first migration that is missing. It returns the version that it found, and whether that was
// the last.
func (s *Store) migrateOnce(ctx context.Context, conn *pgx.Conn, on engine) (version int, done bool, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// A large table takes its time, and whoever else migrates waits for it.
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, inSchema(`SELECT version FROM {schema}.migration WHERE version = 0 FOR UPDATE`, s.schema)); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, s.sql.version).Scan(&version); err != nil {
			return err
		}
		if version > schemaVersion {
			return s.tooNew(version)
		}
		if done = version == schemaVersion; done {
			return nil
		}
		next := version + 1
		if err := s.runFile(ctx, tx.Conn(), on, fmt.Sprintf("%04d.sql", next)); err != nil {
			return err
		}
		if on.tuned {
			err := s.runFile(ctx, tx.Conn(), on, fmt.Sprintf("%04d.tuning.sql", next))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		_, err := tx.Exec(ctx, inSchema(`INSERT INTO {schema}.migration (version, applied_at) VALUES ($1, statement_timestamp())`, s.schema), next)
		return err
	})
	return version, done, err
}

// runFile runs the statements of an embedded file.
func (s *Store) runFile(ctx context.Context, conn *pgx.Conn, on engine, name string) error {
	sql, err := migrations.ReadFile("migrations/" + name)
	if err != nil {
		return err
	}
	if _, err := conn.PgConn().Exec(ctx, inSchema(on.dialect(string(sql)), s.schema)).ReadAll(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Check connects to the database and returns an error unless a Store can work with it: ErrNotMigrated and ErrTooNew say
// what is wrong with its schema.
func (s *Store) Check(ctx context.Context) error {
	var version int
	var encoding string
	err := s.run(ctx, func(ctx context.Context) error {
		batch := &pgx.Batch{}
		batch.Queue(`SELECT current_setting('server_encoding')`).QueryRow(func(row pgx.Row) error { return row.Scan(&encoding) })
		batch.Queue(s.sql.version).QueryRow(func(row pgx.Row) error { return row.Scan(&version) })
		return s.pool.SendBatch(ctx, batch).Close()
	})
	switch {
	case err != nil:
		return err
	case version < schemaVersion:
		return fmt.Errorf("%w: it is at version %d", s.notMigrated(), version)
	case version > schemaVersion:
		return s.tooNew(version)
	case encoding != "UTF8":
		return fmt.Errorf("postgres: the encoding of the database is %s and has to be UTF8", encoding)
	}
	return nil
}

func (s *Store) notMigrated() error {
	return fmt.Errorf("%w: run the migrate command (Store.Migrate) to bring schema %q to version %d", ErrNotMigrated, s.schema, schemaVersion)
}

func (s *Store) tooNew(version int) error {
	return fmt.Errorf("%w: schema %q is at version %d and this program knows %d: run a newer one", ErrTooNew, s.schema, version, schemaVersion)
}
