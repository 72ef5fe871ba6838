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
	if left, err := s.Quarantine(ctx); err == nil && left > 0 {
		log.Printf("Redis is empty: no logins for %s unless EndQuarantine is called", left)
	}

	// The first of all instances to say so may go on.
	switch err := s.Add(ctx, "jti:of-an-assertion", nil, time.Minute); {
	case errors.Is(err, store.ErrExists):
		log.Print("the assertion was used before")
	case err != nil:
		log.Print("nobody knows: try again later")
	}
}
