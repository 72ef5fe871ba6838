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
