package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gosignet/signet/store"
)

// Put implements [store.Ephemeral].
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.one(ctx, store.Operation{Verb: store.VerbPut, Key: key, Value: value, TTL: ttl}).Err
}

// Add implements [store.Ephemeral].
func (s *Store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.one(ctx, store.Operation{Verb: store.VerbAdd, Key: key, Value: value, TTL: ttl}).Err
}

// Get implements [store.Ephemeral].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	r := s.one(ctx, store.Operation{Verb: store.VerbGet, Key: key})
	return r.Value, r.Err
}

// Take implements [store.Ephemeral].
func (s *Store) Take(ctx context.Context, key string) ([]byte, error) {
	r := s.one(ctx, store.Operation{Verb: store.VerbTake, Key: key})
	return r.Value, r.Err
}

// Replace implements [store.Ephemeral].
func (s *Store) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	return s.one(ctx, store.Operation{Verb: store.VerbReplace, Key: key, Old: old, Value: new, TTL: ttl}).Err
}

// Increment implements [store.Ephemeral].
func (s *Store) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	r := s.one(ctx, store.Operation{Verb: store.VerbIncrement, Key: key, Delta: delta, TTL: ttl})
	return r.Counter, r.Err
}

func (s *Store) one(ctx context.Context, o store.Operation) store.Result {
	return s.Do(ctx, []store.Operation{o})[0]
}

// Do implements [store.Batcher].
//
// The statements go to the server together and are one transaction there. None of their outcomes is an error in SQL, so
// that none undoes another; what is an error, of the server or the network, undoes all and is the result of all. They
// take their locks in the order of their keys, so that transactions with common keys wait for each other in one
// direction only.
func (s *Store) Do(ctx context.Context, operations []store.Operation) []store.Result {
	results := make([]store.Result, len(operations))
	order := make([]int, 0, len(operations))
	for i := range operations {
		if results[i].Err = operations[i].Check(); results[i].Err == nil {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		return results
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &operations[i], &operations[j]
		return cmp.Or(cmp.Compare(table(a), table(b)), cmp.Compare(a.Key, b.Key))
	})
	err := s.run(ctx, func(ctx context.Context) error {
		batch := &pgx.Batch{}
		for _, i := range order {
			s.queue(batch, &operations[i], &results[i])
		}
		return s.pool.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		for _, i := range order {
			results[i] = store.Result{Err: err}
		}
	}
	return results
}

// table returns a number for the table that an operation is about.
func table(o *store.Operation) int {
	if o.Verb == store.VerbIncrement {
		return 1
	}
	return 0
}

// queue adds the statement of an operation to the batch, and has its result read.
func (s *Store) queue(batch *pgx.Batch, o *store.Operation, r *store.Result) {
	value, ttl := notNull(o.Value), max(o.TTL, time.Microsecond) // which is as fine as the engine's time is
	switch o.Verb {
	case store.VerbPut:
		batch.Queue(s.sql.put, o.Key, value, ttl)
	case store.VerbAdd:
		changesOrFails(batch.Queue(s.sql.add, o.Key, value, ttl), store.ErrExists, r)
	case store.VerbGet:
		returnsValue(batch.Queue(s.sql.get, o.Key), r)
	case store.VerbTake:
		returnsValue(batch.Queue(s.sql.take, o.Key), r)
	case store.VerbReplace:
		changesOrFails(batch.Queue(s.sql.replace, o.Key, value, ttl, notNull(o.Old)), store.ErrConflict, r)
	case store.VerbIncrement:
		switch {
		case o.Delta > 0:
			returnsCounter(batch.Queue(s.sql.increment, o.Key, o.Delta, ttl), r)
		case o.Delta < 0:
			returnsCounter(batch.Queue(s.sql.decrement, o.Key, o.Delta), r)
		default:
			returnsCounter(batch.Queue(s.sql.counter, o.Key), r)
		}
	}
}

// notNull returns the value: to pgx a nil slice is NULL, and to a store it is empty.
func notNull(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// changesOrFails makes the result of a statement that changed no row the error refused.
func changesOrFails(q *pgx.QueuedQuery, refused error, r *store.Result) {
	q.Exec(func(tag pgconn.CommandTag) error {
		r.Err = nil
		if tag.RowsAffected() == 0 {
			r.Err = refused
		}
		return nil
	})
}

func returnsValue(q *pgx.QueuedQuery, r *store.Result) {
	q.QueryRow(func(row pgx.Row) error {
		*r = store.Result{}
		err := row.Scan(&r.Value)
		if errors.Is(err, pgx.ErrNoRows) {
			r.Err, err = store.ErrNotFound, nil
		}
		return err
	})
}

func returnsCounter(q *pgx.QueuedQuery, r *store.Result) {
	q.QueryRow(func(row pgx.Row) error {
		*r = store.Result{}
		err := row.Scan(&r.Counter.N, &r.Counter.TTL)
		if errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
		return err
	})
}
