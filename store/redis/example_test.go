package redis_test

import (
	"context"
	"errors"
	"log"
	"time"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/redis"
)

func Example() {
	s, err := redis.New(redis.Config{URL: "redis://localhost:6379/0"})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	ctx := context.Background()
	if err := s.Check(ctx); err != nil { // once, when the program starts
		log.Fatal(err)
	}

	// The first of all instances to say so may go on, unless the assertion is older than what Redis knows.
	mark := store.Operation{Verb: store.VerbAdd, Key: "jti:of-an-assertion", TTL: time.Minute, Age: 15 * time.Second}
	switch err := store.Do(ctx, s, mark)[0].Err; {
	case errors.Is(err, store.ErrExists):
		log.Print("the assertion was used before")
	case err != nil:
		log.Print("nobody knows: try again later")
	}
}
