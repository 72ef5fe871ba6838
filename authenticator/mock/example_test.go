package mock_test

import (
	"context"
	"fmt"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/store/memory"
)

func Example() {
	codes, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	people, err := mock.New(mock.Config{Password: "demo", Store: codes})
	if err != nil {
		panic(err)
	}
	defer people.Close()
	fmt.Println(len(people.Personas()), "people")

	ctx := context.Background()
	amelie := authenticator.Identifier{Value: "2740198356"}
	receipt, err := people.SendCode(ctx, &authenticator.CodeRequest{Transaction: "1", Identifier: amelie})
	if err != nil {
		panic(err)
	}
	fmt.Println("sent to", receipt.Destinations[0])

	identity, err := people.Authenticate(ctx, &authenticator.Request{Transaction: "1", Identifier: amelie, Challenges: []authenticator.Challenge{
		{Factor: authenticator.OTP, Response: mock.OTP},
	}})
	if err != nil {
		panic(err)
	}
	claims, err := people.Claims(ctx, &authenticator.ClaimsRequest{Identity: *identity, Names: []string{"given_name"}})
	fmt.Printf("%s %v\n", claims.Values, err)
	// Output:
	// 12 people
	// sent to +33 ••• ••• 012
	// map[given_name:"Amélie"] <nil>
}
