package router_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/router"
	"github.com/gosignet/signet/store/memory"
)

// register is an identity system whose people all have the PIN 2507.
type register struct{ down bool }

func (register) Factors() []authenticator.Factor { return []authenticator.Factor{authenticator.PIN} }

func (r register) Authenticate(_ context.Context, req *authenticator.Request) (*authenticator.Identity, error) {
	switch {
	case r.down:
		return nil, &authenticator.Error{Reason: authenticator.Unavailable}
	case req.Challenges[0].Response != "2507":
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return &authenticator.Identity{Subject: "person-" + req.Identifier.Value}, nil
}

func (register) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return &authenticator.Claims{Values: map[string]json.RawMessage{"name": json.RawMessage(`"Grace Wanjiru Otieno"`)}}, nil
}

// Citizens are in a register with a replica, residents in another one.
func Example() {
	state, err := memory.New(memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	people, err := router.New(router.Config{
		Systems: []router.System{
			{Name: "citizens", Authenticator: register{down: true}},
			{Name: "replica", Register: "citizens", Authenticator: register{}},
			{Name: "residents", Authenticator: register{}},
		},
		Choose: router.ByType(map[string][]string{"residence_permit": {"residents"}}, "citizens", "replica"),
		Store:  state,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, id := range []authenticator.Identifier{{Value: "7"}, {Type: "residence_permit", Value: "7"}} {
		person, err := people.Authenticate(context.Background(), &authenticator.Request{
			Transaction: fmt.Sprint(i), Identifier: id,
			Challenges: []authenticator.Challenge{{Factor: authenticator.PIN, Response: "2507"}},
		})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(person.Subject)
	}
	// Output:
	// citizens:person-7
	// residents:person-7
}
