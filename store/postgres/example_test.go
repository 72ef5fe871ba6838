package postgres_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/postgres"
)

// An instance of a provider checks that the schema is what it needs, maintains it, and passes the Store to whoever keeps
// state.
func ExampleNew() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	s, err := postgres.New(postgres.Config{DSN: "postgres://signet@db.example/signet?pool_max_conns=20"})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Check(ctx); err != nil {
		log.Fatal(err) // it says what to run
	}
	go func() { _ = s.Maintain(ctx) }()

	logins := store.Bucket[string]{Store: s, Name: "logins"}
	handle, err := logins.Create(ctx, "state of a login", 10*time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(handle)
}

// What a migrate command does, once for each new version of the program, before its first instance starts.
func ExampleStore_Migrate() {
	s, err := postgres.New(postgres.Config{DSN: "postgres://signet_owner@db.example/signet"})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	from, to, err := s.Migrate(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("migrated from version %d to %d\n", from, to)
}
