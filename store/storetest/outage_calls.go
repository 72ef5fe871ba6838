package storetest

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/gosignet/signet/store"
)

// call is a call of a method that a backend answers without an error.
type call struct {
	name string
	do   func(ctx context.Context) error
}

// calls are one of each method. What they read is stored under key.
func (o *outage) calls(key string) (calls []call) {
	add := func(name string, do func(ctx context.Context) error) { calls = append(calls, call{name, do}) }
	value := []byte("0")
	if h := o.Ephemeral; h != nil {
		add("Put", func(ctx context.Context) error { return h.Put(ctx, rand.Text(), value, long) })
		add("Add", func(ctx context.Context) error { return h.Add(ctx, rand.Text(), value, long) })
		add("Get", func(ctx context.Context) error {
			_, err := h.Get(ctx, key)
			return err
		})
		add("Take", func(ctx context.Context) error {
			_, err := h.Take(ctx, key+"-taken")
			return err
		})
		add("Replace", func(ctx context.Context) error { return h.Replace(ctx, key, value, value, long) })
		add("Increment", func(ctx context.Context) error {
			_, err := h.Increment(ctx, key, 1, long)
			return err
		})
		for part := range 2 { // each part of a batch has to tell
			add("Do", func(ctx context.Context) error {
				return store.Do(ctx, h, store.Operation{Verb: store.VerbAdd, Key: rand.Text(), TTL: long},
					store.Operation{Verb: store.VerbGet, Key: key})[part].Err
			})
		}
	}
	if h := o.Ledger; h != nil {
		c := o.ledger.collection
		add("Write", func(ctx context.Context) error {
			_, err := h.Write(ctx, c, record(rand.Text(), 0, "0"))
			return err
		})
		add("Read", func(ctx context.Context) error {
			_, err := h.Read(ctx, c, key)
			return err
		})
		add("List", func(ctx context.Context) error {
			_, err := h.List(ctx, c, store.Query{})
			return err
		})
		add("History", func(ctx context.Context) error {
			_, err := h.History(ctx, c, key)
			return err
		})
		add("Erase", func(ctx context.Context) error { return h.Erase(ctx, c, key+"-erased") })
	}
	if h := o.Notifier; h != nil {
		add("Notify", func(ctx context.Context) error { return h.Notify(ctx, o.notifier.topic("topic")) })
	}
	return calls
}

// prepare stores what calls read.
func (o *outage) prepare(ctx context.Context, key string) error {
	if h := o.Ephemeral; h != nil {
		if err := errors.Join(h.Put(ctx, key, []byte("0"), long), h.Put(ctx, key+"-taken", nil, long)); err != nil {
			return expectError("Put", err, nil)
		}
	}
	if h := o.Ledger; h != nil {
		if _, err := h.Write(ctx, o.ledger.collection, record(key, 0, "0")); err != nil {
			return expectError("Write", err, nil)
		}
	}
	return nil
}

// preparedCalls are one of each method that can be called after each other.
func (o *outage) preparedCalls(key string) []call {
	return append([]call{{"Put or Write", func(ctx context.Context) error { return o.prepare(ctx, key) }}}, o.calls(key)...)
}
