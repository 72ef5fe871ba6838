package store

import (
	"context"
	"errors"
	"reflect"
)

// errPending is the error of every result before its batch was carried out.
var errPending = errors.New("store: the batch was not carried out")

// Batch collects operations that do not depend on each other, so that they are carried out together: in one round trip
// for each store that is a [Batcher]. The zero value is an empty batch. A Batch is used by one goroutine.
//
// The methods of [Bucket] that put an operation into a batch, and those of other packages, return a function that says
// what came of it. It is called once, after Do; before, there is nothing to say but an error. Some operations of a batch
// may fail while others succeed: nothing may be put into a batch that does harm without the rest of it.
type Batch struct{ queue []*queued }

type queued struct {
	store     Ephemeral
	operation Operation
	result    Result
}

// Queue puts an operation on e into the batch, and returns where Do leaves its result.
func (b *Batch) Queue(e Ephemeral, o Operation) *Result {
	if b.queue == nil {
		b.queue = make([]*queued, 0, 4)
	}
	q := &queued{e, o, Result{Err: errPending}}
	b.queue = append(b.queue, q)
	return &q.result
}

// Do carries out what was put into the batch. The batch is then empty.
func (b *Batch) Do(ctx context.Context) {
	rest := b.queue
	b.queue = nil
	for len(rest) > 0 {
		next := rest[0].store
		if _, ok := next.(Batcher); !ok {
			rest[0].result = rest[0].operation.call(ctx, next)
			rest = rest[1:]
			continue
		}
		operations := make([]Operation, 0, len(rest))
		together := make([]*queued, 0, len(rest))
		var others []*queued
		for i, q := range rest {
			if i == 0 || same(q.store, next) {
				operations, together = append(operations, q.operation), append(together, q)
			} else {
				others = append(others, q)
			}
		}
		for i, r := range Do(ctx, next, operations...) {
			together[i].result = r
		}
		rest = others
	}
}

// same reports whether both are one store. Two stores may share a type that cannot be compared; each then gets a round
// trip of its own.
func same(a, b Ephemeral) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
