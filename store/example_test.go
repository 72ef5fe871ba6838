package store_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

func ExampleBucket() {
	type code struct {
		ClientID string
	}
	backend, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	defer backend.Close()
	codes := store.Bucket[code]{Store: backend, Name: "codes"}

	ctx := context.Background()
	handle, err := codes.Create(ctx, code{ClientID: "health-portal"}, time.Minute)
	if err != nil {
		panic(err)
	}
	first, err := codes.Take(ctx, handle)
	fmt.Println(first.ClientID, err)
	_, err = codes.Take(ctx, handle)
	fmt.Println(err)
	// Output:
	// health-portal <nil>
	// store: not found
}

func ExampleCollection() {
	type client struct {
		Name   string
		Active bool
	}
	backend, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	defer backend.Close()
	clients := store.Collection[client]{Ledger: backend, Name: "clients"}

	ctx := context.Background()
	made, err := clients.Put(ctx, store.Entry[client]{ID: "health-portal", Value: client{"Health portal", true}})
	fmt.Println(made.Version, err)

	_, err = clients.Update(ctx, "health-portal", func(e *store.Entry[client]) error {
		e.Value.Active = false
		return nil
	})
	fmt.Println(err)
	_, err = clients.Put(ctx, made) // by somebody who has not seen that
	fmt.Println(err)

	history, err := clients.History(ctx, "health-portal")
	for _, e := range history {
		fmt.Println(e.Version, e.Value.Active)
	}
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// <nil>
	// store: changed since it was read
	// 2 false
	// 1 true
	// <nil>
}
