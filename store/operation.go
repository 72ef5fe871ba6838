package store

import (
	"context"
	"fmt"
	"time"
)

// Counter is what a counter stood at when Increment was done with it.
type Counter struct {
	// N is the number, never negative.
	N int64
	// TTL is how long the counter still lives. It is zero if there is none.
	TTL time.Duration
}

// Verb names a method of [Ephemeral].
type Verb uint8

// The verbs of an [Operation].
const (
	VerbPut Verb = iota + 1
	VerbAdd
	VerbGet
	VerbTake
	VerbReplace
	VerbIncrement
)

// Operation is a call of an Ephemeral's method as a value. The fields are the arguments of the method that the Verb
// names; the others are not looked at.
type Operation struct {
	Verb  Verb
	Key   string
	Value []byte // of Put, Add, and the new value of Replace
	Old   []byte // of Replace
	Delta int64  // of Increment
	TTL   time.Duration
	// Age, of Add, is for marks that something was used which was made elsewhere: how long ago, at most, it can have been
	// made. A backend that lost its records since then does not know whether it was used before, and says so with
	// ErrForgotten instead of taking it for unused. Zero means that what the key stands for is new.
	Age time.Duration
}

// Result is what the method of an Operation returned.
type Result struct {
	Value   []byte
	Counter Counter
	Err     error
}

// Batcher is an Ephemeral whose backend takes several operations in one round trip.
type Batcher interface {
	// Do carries the operations out and returns as many results, in the same order. Each operation is atomic by itself
	// and none depends on another: they may be carried out in any order, and some may fail while others succeed. When
	// the backend cannot be reached, every result that is not known has the error. No operations are no round trip.
	Do(ctx context.Context, operations []Operation) []Result
}

// Do carries out operations that do not depend on each other: in one round trip where e is a [Batcher], and otherwise
// one after the other.
func Do(ctx context.Context, e Ephemeral, operations ...Operation) []Result {
	if b, ok := e.(Batcher); ok {
		return b.Do(ctx, operations)
	}
	results := make([]Result, len(operations))
	for i, o := range operations {
		results[i] = o.call(ctx, e)
	}
	return results
}

func (o *Operation) call(ctx context.Context, e Ephemeral) (r Result) {
	switch o.Verb {
	case VerbPut:
		r.Err = e.Put(ctx, o.Key, o.Value, o.TTL)
	case VerbAdd:
		r.Err = e.Add(ctx, o.Key, o.Value, o.TTL)
	case VerbGet:
		r.Value, r.Err = e.Get(ctx, o.Key)
	case VerbTake:
		r.Value, r.Err = e.Take(ctx, o.Key)
	case VerbReplace:
		r.Err = e.Replace(ctx, o.Key, o.Old, o.Value, o.TTL)
	case VerbIncrement:
		r.Counter, r.Err = e.Increment(ctx, o.Key, o.Delta, o.TTL)
	default:
		r.Err = fmt.Errorf("%w: verb %d", ErrInvalid, o.Verb)
	}
	return r
}

// Check returns an error that wraps ErrInvalid unless the method that the Verb names allows the arguments. A [Batcher]
// calls it for each operation first.
func (o *Operation) Check() error {
	switch o.Verb {
	case VerbPut, VerbAdd, VerbReplace:
		return CheckWrite(o.Key, o.Value, o.TTL)
	case VerbGet, VerbTake:
		return CheckKey(o.Key)
	case VerbIncrement:
		return CheckIncrement(o.Key, o.Delta, o.TTL)
	}
	return fmt.Errorf("%w: verb %d", ErrInvalid, o.Verb)
}
