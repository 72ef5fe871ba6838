package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gosignet/signet/store"
)

// The rules go through store.Do, which calls the methods one by one for a backend that is no Batcher.
var batchRules = []rule[*subject]{
	{
		name:  "BatchInOrder",
		rule:  "a batch has a result for each operation, in the order of the operations",
		why:   "the caller knows an answer by its place: a wrong one is another person's state",
		check: checkBatchInOrder,
	},
	{
		name:  "BatchAlone",
		rule:  "an operation that fails does not hinder, undo or change the others of its batch",
		why:   "a proof that was seen before must not make the backend forget the attempt that was counted beside it",
		check: checkBatchAlone,
	},
	{
		name:  "BatchInvalid",
		rule:  "an operation that the contract rules out gets ErrInvalid, and the others of its batch are carried out",
		why:   "what a stranger wrote into one value must not stop what belongs to somebody else",
		check: checkBatchInvalid,
	},
	{
		name:  "BatchSameKey",
		rule:  "operations on one key in one batch are each carried out, in any order, and each atomic by itself",
		why:   "an engine that refuses to change a row twice in one statement fails the whole batch",
		check: checkBatchSameKey,
	},
	{
		name:  "BatchLarge",
		rule:  "a batch may have a thousand operations, and many values of the largest size",
		why:   "placeholders, arguments and buffers of an engine end at some number",
		check: checkBatchLarge,
	},
	{
		name:  "BatchEmpty",
		rule:  "a batch of no operations has no results",
		why:   "a caller with nothing to do must not fail",
		check: checkBatchEmpty,
	},
	{
		name:  "BatchNoAliasing",
		rule:  "a batch leaves its operations as they are, copies what it is given and what it returns",
		why:   "a caller that reuses its buffer must not change what is stored or what another caller reads",
		check: checkBatchNoAliasing,
	},
	{
		name:  "BatchEndedContext",
		rule:  "when the context has ended, every operation of a batch has its error",
		why:   "an operation without an error counts as carried out",
		check: checkBatchEndedContext,
	},
	{
		name:  "BatchRace",
		rule:  "batches that touch the same keys in opposite orders at once do not lock each other out: one wins each Add, no Increment is lost",
		why:   "two statements that wait for each other's rows are a deadlock, and the engine ends one of them",
		check: checkBatchRace,
	},
}

// do carries out a batch through h and checks that each operation has a result.
func do(ctx context.Context, h store.Ephemeral, operations ...store.Operation) ([]store.Result, error) {
	results := store.Do(ctx, h, operations...)
	if len(results) != len(operations) {
		return nil, fmt.Errorf("a batch of %d operations has %d results", len(operations), len(results))
	}
	return results, nil
}

// expectResults compares what each operation returned. A wanted counter has no TTL: it is compared by its number.
func expectResults(ctx context.Context, h store.Ephemeral, operations []store.Operation, want []store.Result) error {
	got, err := do(ctx, h, operations...)
	if err != nil {
		return err
	}
	for i, r := range got {
		what := fmt.Sprintf("operation %d of %d, with the verb %d,", i, len(operations), operations[i].Verb)
		if err := expectError(what, r.Err, want[i].Err); err != nil {
			return err
		}
		if !bytes.Equal(r.Value, want[i].Value) {
			return fmt.Errorf("%s returned the value %s, want %s", what, show(r.Value), show(want[i].Value))
		}
		if r.Counter.N != want[i].Counter.N {
			return fmt.Errorf("%s returned the counter %d, want %d", what, r.Counter.N, want[i].Counter.N)
		}
	}
	return nil
}

func counted(n int64) store.Result { return store.Result{Counter: store.Counter{N: n}} }

// add, get and increment make operations.
func (s *subject) add(name string, value []byte) store.Operation {
	return store.Operation{Verb: store.VerbAdd, Key: s.key(name), Value: value, TTL: long}
}

func (s *subject) get(name string) store.Operation {
	return store.Operation{Verb: store.VerbGet, Key: s.key(name)}
}

func (s *subject) increment(name string, delta int64) store.Operation {
	return store.Operation{Verb: store.VerbIncrement, Key: s.key(name), Delta: delta, TTL: long}
}

func checkBatchInOrder(ctx context.Context, s *subject) error {
	one, two, three := []byte("one"), []byte("two"), []byte("three")
	return first(
		func() error {
			return expectResults(ctx, s.A, []store.Operation{
				s.add("a", one),
				s.increment("n", 3),
				{Verb: store.VerbPut, Key: s.key("b"), Value: two, TTL: long},
				s.add("c", three),
				s.increment("m", 8),
			}, []store.Result{{}, counted(3), {}, {}, counted(8)})
		},
		func() error {
			return expectResults(ctx, s.B, []store.Operation{
				{Verb: store.VerbTake, Key: s.key("c")},
				s.increment("m", -1),
				{Verb: store.VerbReplace, Key: s.key("b"), Old: two, Value: one, TTL: long},
				s.get("a"),
				s.increment("n", 1),
				s.get("none"),
			}, []store.Result{{Value: three}, counted(7), {}, {Value: one}, counted(4), {Err: store.ErrNotFound}})
		},
		func() error { return expectStored(ctx, s, s.key("b"), one) },
		func() error { return expectAbsent(ctx, s, s.key("c")) },
	)
}

func checkBatchAlone(ctx context.Context, s *subject) error {
	value, other := []byte("value"), []byte("other")
	if err := s.A.Put(ctx, s.key("live"), value, long); err != nil {
		return expectError("Put", err, nil)
	}
	return first(
		func() error {
			return expectResults(ctx, s.B, []store.Operation{
				s.add("before", value),
				s.add("live", other),
				s.increment("n", 1),
				{Verb: store.VerbReplace, Key: s.key("live"), Old: other, Value: other, TTL: long},
				{Verb: store.VerbPut, Key: s.key("between"), Value: value, TTL: long},
				s.get("none"),
				{Verb: store.VerbTake, Key: s.key("none")},
				s.add("after", value),
			}, []store.Result{{}, {Err: store.ErrExists}, counted(1), {Err: store.ErrConflict}, {}, {Err: store.ErrNotFound},
				{Err: store.ErrNotFound}, {}})
		},
		func() error { return expectStored(ctx, s, s.key("before"), value) },
		func() error { return expectStored(ctx, s, s.key("live"), value) },
		func() error { return expectStored(ctx, s, s.key("between"), value) },
		func() error { return expectStored(ctx, s, s.key("after"), value) },
		func() error { return expectCounter(ctx, s.A, s.key("n"), 1, long, store.Counter{N: 2, TTL: long}) },
	)
}

func checkBatchInvalid(ctx context.Context, s *subject) error {
	value, key := []byte("value"), s.key("refused")
	invalid := []store.Operation{
		{},
		{Verb: store.VerbIncrement + 1, Key: key, Value: value, Delta: 1, TTL: long},
		{Verb: store.VerbPut, Key: key, Value: value},
		{Verb: store.VerbAdd, Key: key, Value: make([]byte, store.MaxValue+1), TTL: long},
		{Verb: store.VerbGet, Key: ""},
		{Verb: store.VerbTake, Key: "a b"},
		{Verb: store.VerbReplace, Key: key, Old: value, Value: value, TTL: -1},
		{Verb: store.VerbIncrement, Key: key, Delta: store.MaxDelta + 1, TTL: long},
	}
	var operations []store.Operation
	var want []store.Result
	for i, o := range invalid {
		operations = append(operations, s.add(strconv.Itoa(i), value), o)
		want = append(want, store.Result{}, store.Result{Err: store.ErrInvalid})
	}
	if err := expectResults(ctx, s.A, operations, want); err != nil {
		return err
	}
	for i := range invalid {
		if err := expectStored(ctx, s, s.key(strconv.Itoa(i)), value); err != nil {
			return err
		}
	}
	if err := expectAbsent(ctx, s, key); err != nil {
		return err
	}
	return expectResults(ctx, s.A, invalid, slices.Repeat([]store.Result{{Err: store.ErrInvalid}}, len(invalid)))
}

func checkBatchSameKey(ctx context.Context, s *subject) error {
	const times = 5
	value := []byte("value")
	if err := s.A.Put(ctx, s.key("taken"), value, long); err != nil {
		return expectError("Put", err, nil)
	}
	var operations []store.Operation
	for range times {
		operations = append(operations, s.add("added", value), s.increment("n", 1),
			store.Operation{Verb: store.VerbTake, Key: s.key("taken")},
			store.Operation{Verb: store.VerbPut, Key: s.key("put"), Value: value, TTL: long})
	}
	results, err := do(ctx, s.B, operations...)
	if err != nil {
		return err
	}
	var adds, takes []error
	var seen []int64
	for i := 0; i < len(results); i += 4 {
		adds, seen, takes = append(adds, results[i].Err), append(seen, results[i+1].Counter.N), append(takes, results[i+2].Err)
		if err := errors.Join(results[i+1].Err, results[i+3].Err); err != nil {
			return expectError("Increment or Put in a batch that does so again", err, nil)
		}
	}
	if _, err := winner(adds, store.ErrExists); err != nil {
		return fmt.Errorf("Add of one key in one batch: %w", err)
	}
	if _, err := winner(takes, store.ErrNotFound); err != nil {
		return fmt.Errorf("Take of one key in one batch: %w", err)
	}
	slices.Sort(seen)
	if err := expectSequence(seen, 1); err != nil {
		return err
	}
	return first(
		func() error { return expectStored(ctx, s, s.key("added"), value) },
		func() error { return expectAbsent(ctx, s, s.key("taken")) },
		func() error { return expectStored(ctx, s, s.key("put"), value) },
	)
}

func checkBatchLarge(ctx context.Context, s *subject) error {
	const many, large = 1000, 32
	var writes, reads []store.Operation
	var read []store.Result
	for i := range many {
		value := []byte(strconv.Itoa(i))
		if i%(many/large) == 0 {
			value = bytes.Repeat([]byte{byte(i)}, store.MaxValue)
		}
		writes = append(writes, s.add(strconv.Itoa(i), value))
		reads = append(reads, s.get(strconv.Itoa(i)))
		read = append(read, store.Result{Value: value})
	}
	if err := expectResults(ctx, s.A, writes, make([]store.Result, many)); err != nil {
		return err
	}
	return expectResults(ctx, s.B, reads, read)
}

func checkBatchEmpty(ctx context.Context, s *subject) error {
	_, err := do(ctx, s.A)
	return err
}

func checkBatchNoAliasing(ctx context.Context, s *subject) error {
	original := []byte("value")
	old, value := []byte("old"), bytes.Clone(original)
	if err := s.A.Put(ctx, s.key("replaced"), old, long); err != nil {
		return expectError("Put", err, nil)
	}
	operations := []store.Operation{
		s.add("added", value),
		{Verb: store.VerbPut, Key: s.key("put"), Value: value, TTL: long},
		{Verb: store.VerbReplace, Key: s.key("replaced"), Old: old, Value: value, TTL: long},
	}
	if err := expectResults(ctx, s.A, operations, make([]store.Result, len(operations))); err != nil {
		return err
	}
	if operations[0].Key != s.key("added") || !bytes.Equal(value, original) || string(old) != "old" {
		return fmt.Errorf("the batch changed its operations to %s, %s and %s", operations[0].Key, show(value), show(old))
	}
	clear(value)
	reads := []store.Operation{s.get("added"), s.get("put"), s.get("replaced")}
	want := slices.Repeat([]store.Result{{Value: original}}, len(reads))
	if err := expectResults(ctx, s.A, reads, want); err != nil {
		return fmt.Errorf("after changing what was given: %w", err)
	}
	results, err := do(ctx, s.A, reads...)
	if err != nil {
		return err
	}
	for _, r := range results {
		clear(r.Value)
	}
	if err := expectResults(ctx, s.A, reads, want); err != nil {
		return fmt.Errorf("after changing what was returned: %w", err)
	}
	return nil
}

func checkBatchEndedContext(ctx context.Context, s *subject) error {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	late, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancel()
	for _, ended := range []context.Context{cancelled, late} {
		operations := []store.Operation{s.add("a", nil), s.get("b"), s.increment("n", 1)}
		want := slices.Repeat([]store.Result{{Err: ended.Err()}}, len(operations))
		if err := expectResults(ended, s.A, operations, want); err != nil {
			return err
		}
	}
	return nil
}

func checkBatchRace(ctx context.Context, s *subject) error {
	const keys = 8
	for round := range rounds {
		name := func(i int) string { return fmt.Sprint(round, "-", i) }
		adds, seen := [keys][]error{}, [keys][]int64{}
		for i := range keys {
			adds[i], seen[i] = make([]error, racers), make([]int64, racers)
		}
		errs := race(s.A, s.B, func(h store.Ephemeral, racer int) error {
			var operations []store.Operation
			for i := range keys {
				operations = append(operations, s.add(name(i), []byte(strconv.Itoa(racer))), s.increment(name(i), 1))
			}
			// One half of each handle's callers goes one way, the other half the other.
			back := racer/2%2 == 1
			if back {
				slices.Reverse(operations)
			}
			results, err := do(ctx, h, operations...)
			if err != nil {
				return err
			}
			if back {
				slices.Reverse(results)
			}
			for i := range keys {
				adds[i][racer], seen[i][racer] = results[2*i].Err, results[2*i+1].Counter.N
				if err := expectError("Increment in a batch", results[2*i+1].Err, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			return err
		}
		for i := range keys {
			won, err := winner(adds[i], store.ErrExists)
			if err != nil {
				return err
			}
			if err := expectStored(ctx, s, s.key(name(i)), []byte(strconv.Itoa(won))); err != nil {
				return fmt.Errorf("after caller %d succeeded: %w", won, err)
			}
			slices.Sort(seen[i])
			if err := expectSequence(seen[i], 1); err != nil {
				return err
			}
		}
	}
	return nil
}
