package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gosignet/signet/store"
)

// Read implements [store.Ledger].
func (s *Store) Read(ctx context.Context, collection, id string) (store.Record, error) {
	if err := errors.Join(store.CheckCollection(collection), store.CheckKey(id)); err != nil {
		return store.Record{}, err
	}
	var r store.Record
	err := s.run(ctx, func(ctx context.Context) (err error) {
		r, err = scanRecord(s.pool.QueryRow(ctx, s.sql.read, collection, id))
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = store.ErrNotFound
	}
	return r, err
}

// Write implements [store.Ledger].
func (s *Store) Write(ctx context.Context, collection string, r store.Record) (store.Record, error) {
	if err := errors.Join(store.CheckCollection(collection), store.CheckRecord(&r)); err != nil {
		return store.Record{}, err
	}
	var expires *time.Time
	if !r.ExpiresAt.IsZero() {
		expires = &r.ExpiresAt
	}
	arguments := []any{collection, r.ID, r.Owner, string(r.Value), expires}
	var written store.Record
	err := s.run(ctx, func(ctx context.Context) error {
		// What is queued is one round trip and one transaction.
		batch := &pgx.Batch{}
		sql := s.sql.create
		if r.Version == 0 {
			batch.Queue(s.sql.dropExpired, collection, r.ID)
		} else {
			sql = s.sql.write
			arguments = append(arguments[:5], r.Version)
		}
		found := false
		batch.Queue(sql, arguments...).QueryRow(func(row pgx.Row) (err error) {
			written, err = scanRecord(row)
			if found = !errors.Is(err, pgx.ErrNoRows); !found {
				err = nil
			}
			return err
		})
		if err := s.pool.SendBatch(ctx, batch).Close(); err != nil || found {
			return err
		}
		return pgx.ErrNoRows
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = store.ErrConflict
	}
	if err != nil {
		return store.Record{}, err
	}
	return written, nil
}

// List implements [store.Ledger].
func (s *Store) List(ctx context.Context, collection string, q store.Query) ([]store.Record, error) {
	limit, err := store.CheckQuery(q)
	if err := errors.Join(store.CheckCollection(collection), err); err != nil {
		return nil, err
	}
	if q.Owner == "" {
		return s.records(ctx, s.sql.list, collection, q.After, limit)
	}
	return s.records(ctx, s.sql.listOwner, collection, q.After, limit, q.Owner)
}

// History implements [store.Ledger].
func (s *Store) History(ctx context.Context, collection, id string) ([]store.Record, error) {
	if err := errors.Join(store.CheckCollection(collection), store.CheckKey(id)); err != nil {
		return nil, err
	}
	records, err := s.records(ctx, s.sql.history, collection, id, store.MaxList)
	if err == nil && len(records) == 0 {
		err = store.ErrNotFound
	}
	return records, err
}

// Erase implements [store.Ledger].
func (s *Store) Erase(ctx context.Context, collection, id string) error {
	if err := errors.Join(store.CheckCollection(collection), store.CheckKey(id)); err != nil {
		return err
	}
	return s.run(ctx, func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, s.sql.erase, collection, id)
		return err
	})
}

func (s *Store) records(ctx context.Context, sql string, arguments ...any) (records []store.Record, err error) {
	err = s.run(ctx, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, sql, arguments...)
		if err != nil {
			return err
		}
		records, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (store.Record, error) { return scanRecord(row) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

func scanRecord(row pgx.Row) (r store.Record, err error) {
	var expires *time.Time
	if err := row.Scan(&r.ID, &r.Version, &r.Owner, &r.Value, &r.WrittenAt, &expires); err != nil {
		return store.Record{}, err
	}
	r.WrittenAt = r.WrittenAt.UTC()
	if expires != nil {
		r.ExpiresAt = expires.UTC()
	}
	return r, nil
}
