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
type Batch struct{ stores []batched }

// batched are the operations on one store.
type batched struct {
	store      Ephemeral
	operations []Operation
	results    []*Result
}

// Queue puts an operation on e into the batch, and returns where Do leaves its result.
func (b *Batch) Queue(e Ephemeral, o Operation) *Result {
	r := &Result{Err: errPending}
	for i := range b.stores {
		if s := &b.stores[i]; same(s.store, e) {
			s.operations, s.results = append(s.operations, o), append(s.results, r)
			return r
		}
	}
	b.stores = append(b.stores, batched{e, []Operation{o}, []*Result{r}})
	return r
}

// same reports whether both are one store. Two stores may share a type that cannot be compared; each then gets a round
// trip of its own.
func same(a, b Ephemeral) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// Do carries out what was put into the batch. The batch is then empty.
func (b *Batch) Do(ctx context.Context) {
	stores := b.stores
	b.stores = nil
	for _, s := range stores {
		for i, r := range Do(ctx, s.store, s.operations...) {
			*s.results[i] = r
		}
	}
}
