package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gosignet/signet/store"
)

// Put implements [store.Ephemeral].
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.one(ctx, &store.Operation{Verb: store.VerbPut, Key: key, Value: value, TTL: ttl}).Err
}

// Add implements [store.Ephemeral].
func (s *Store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.one(ctx, &store.Operation{Verb: store.VerbAdd, Key: key, Value: value, TTL: ttl}).Err
}

// Get implements [store.Ephemeral].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	r := s.one(ctx, &store.Operation{Verb: store.VerbGet, Key: key})
	return r.Value, r.Err
}

// Take implements [store.Ephemeral].
func (s *Store) Take(ctx context.Context, key string) ([]byte, error) {
	r := s.one(ctx, &store.Operation{Verb: store.VerbTake, Key: key})
	return r.Value, r.Err
}

// Replace implements [store.Ephemeral].
func (s *Store) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	return s.one(ctx, &store.Operation{Verb: store.VerbReplace, Key: key, Old: old, Value: new, TTL: ttl}).Err
}

// Increment implements [store.Ephemeral].
func (s *Store) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	r := s.one(ctx, &store.Operation{Verb: store.VerbIncrement, Key: key, Delta: delta, TTL: ttl})
	return r.Counter, r.Err
}

func (s *Store) one(ctx context.Context, o *store.Operation) store.Result {
	if err := o.Check(); err != nil {
		return store.Result{Err: err}
	}
	if err := ctx.Err(); err != nil {
		return store.Result{Err: err}
	}
	c := s.command(ctx, o, bySum)
	s.client.Process(ctx, c)
	if isUnknownScript(c) { // and was not carried out
		c = s.command(ctx, o, byText)
		s.client.Process(ctx, c)
	}
	return s.result(ctx, o, c)
}

// Do implements [store.Batcher]: the operations go out together, and in a cluster to all nodes at the same time.
func (s *Store) Do(ctx context.Context, operations []store.Operation) []store.Result {
	results := make([]store.Result, len(operations))
	sent := make([]int, 0, len(operations)) // indexes of the operations that go out
	for i := range operations {
		if results[i].Err = operations[i].Check(); results[i].Err == nil {
			results[i].Err = ctx.Err()
		}
		if results[i].Err == nil {
			sent = append(sent, i)
		}
	}
	commands := s.pipeline(ctx, len(sent), func(i int, as form) command { return s.command(ctx, &operations[sent[i]], as) })
	for i, c := range commands {
		results[sent[i]] = s.result(ctx, &operations[sent[i]], c)
	}
	return results
}

// pipeline sends n commands in one round trip, and in a second one those whose script a server did not know: they were
// not carried out.
func (s *Store) pipeline(ctx context.Context, n int, build func(i int, as form) command) []command {
	commands := make([]command, n)
	again := make([]int, n)
	for i := range n {
		again[i] = i
	}
	for _, as := range []form{bySum, byText} {
		if len(again) == 0 {
			break
		}
		pipe := s.client.Pipeline()
		for _, i := range again {
			commands[i] = build(i, as)
			pipe.Process(ctx, commands[i])
		}
		pipe.Exec(ctx) // each command has its own error
		unknown := again[:0]
		for _, i := range again {
			if isUnknownScript(commands[i]) {
				unknown = append(unknown, i)
			}
		}
		again = unknown
	}
	return commands
}

// command is sent once: when its outcome is unknown, it stays unknown.
type command struct{ *goredis.Cmd }

// NoRetry implements [goredis.Cmder].
func (command) NoRetry() bool { return true }

// command is the operation in the language of Redis.
func (s *Store) command(ctx context.Context, o *store.Operation, as form) command {
	key := s.key(o.Key, kindValue)
	var args []any
	switch o.Verb {
	case store.VerbPut:
		args = []any{"set", key, o.Value, "px", milliseconds(o.TTL)}
	case store.VerbAdd:
		if o.Age > 0 {
			args = addScript.call(as, []string{key, s.marker(o.Key)}, o.Value, milliseconds(o.TTL), milliseconds(o.Age))
		} else {
			args = []any{"set", key, o.Value, "nx", "px", milliseconds(o.TTL)}
		}
	case store.VerbGet:
		args = []any{"get", key}
	case store.VerbTake:
		args = []any{"getdel", key}
	case store.VerbReplace:
		args = replaceScript.call(as, []string{key}, o.Old, o.Value, milliseconds(o.TTL))
	case store.VerbIncrement:
		args = incrementScript.call(as, []string{s.key(o.Key, kindCounter)}, o.Delta, milliseconds(o.TTL))
	}
	return command{goredis.NewCmd(ctx, args...)}
}

// result is what the answer to a command means.
func (s *Store) result(ctx context.Context, o *store.Operation, c command) store.Result {
	reply, err := c.Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		return store.Result{Err: failure(ctx, err)}
	}
	absent := err != nil
	switch n, _ := reply.(int64); {
	case o.Verb == store.VerbPut && !absent:
		return store.Result{}
	case o.Verb == store.VerbAdd && o.Age > 0:
		return store.Result{Err: s.admission(ctx, n, absent)}
	case o.Verb == store.VerbAdd && absent:
		return store.Result{Err: store.ErrExists}
	case o.Verb == store.VerbAdd:
		return store.Result{}
	case o.Verb == store.VerbReplace && n == 1:
		return store.Result{}
	case o.Verb == store.VerbReplace:
		return store.Result{Err: store.ErrConflict}
	case o.Verb == store.VerbIncrement:
		if pair, _ := reply.([]any); len(pair) == 2 {
			n, _ := pair[0].(int64)
			left, _ := pair[1].(int64)
			return store.Result{Counter: store.Counter{N: n, TTL: time.Duration(left) * time.Millisecond}}
		}
	case absent:
		return store.Result{Err: store.ErrNotFound}
	default:
		if value, ok := reply.(string); ok {
			return store.Result{Value: []byte(value)}
		}
	}
	return store.Result{Err: fmt.Errorf("redis: the server answered %T", reply)}
}

// failure is what the error of a command means.
func failure(ctx context.Context, err error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The connection had the deadline of the context, and may notice first.
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	// Redis 6.2 wraps what happened in a script into another error.
	if strings.Contains(err.Error(), "OOM command not allowed") {
		return fmt.Errorf("%w: redis: %w", store.ErrFull, err)
	}
	return fmt.Errorf("redis: %w", err)
}

// milliseconds rounds up: nothing lives shorter than it should.
func milliseconds(ttl time.Duration) int64 {
	ms := int64(ttl / time.Millisecond)
	if ttl%time.Millisecond > 0 {
		ms++
	}
	return ms
}
