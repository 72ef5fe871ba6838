package directory_test

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/store/memory"
)

// gateway stands for the deployment's SMS gateway.
type gateway struct{}

func (gateway) SendCode(_ context.Context, m *directory.Message) error {
	fmt.Printf("to %s: your code has %d digits\n", m.To.Address, len(m.Code))
	return nil
}

// An Authenticator over a map of people.
func Example() {
	hash, err := directory.HashPassword("correct horse battery staple")
	if err != nil {
		panic(err)
	}
	people := map[string]*directory.Person{
		"8051437269": {
			Subject:      "person-1",
			PasswordHash: hash,
			Contacts:     []directory.Contact{{Channel: directory.SMS, Address: "+85512000269"}},
			Claims:       map[string]any{"name": "Sok Dara", "birthdate": "1990-02-27"},
		},
	}
	codes, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	secret := make([]byte, 32) // a deployment keeps its own
	rand.Read(secret)

	d, err := directory.New(directory.Config{
		Lookup: func(_ context.Context, id authenticator.Identifier) (*directory.Person, error) {
			if p, ok := people[id.Value]; ok {
				return p, nil
			}
			return nil, directory.ErrUnknown
		},
		Sender: gateway{},
		Store:  codes,
		Secret: secret,
		Decoys: []directory.Contact{{Channel: directory.SMS, Address: "+85512000000"}},
	})
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	sok := authenticator.Identifier{Value: "8051437269"}
	receipt, err := d.SendCode(ctx, &authenticator.CodeRequest{Transaction: "1", Identifier: sok})
	fmt.Println(receipt.Destinations, err)
	d.Close() // waits for the message

	identity, err := d.Authenticate(ctx, &authenticator.Request{Transaction: "1", Identifier: sok, Challenges: []authenticator.Challenge{
		{Factor: authenticator.Password, Response: "correct horse battery staple"},
	}})
	if err != nil {
		panic(err)
	}
	claims, err := d.Claims(ctx, &authenticator.ClaimsRequest{Identity: *identity, Names: []string{"name", "email"}})
	fmt.Printf("%s %v\n", claims.Values, err)
	// Unordered output:
	// to +85512000269: your code has 6 digits
	// [+855 •• ••• 269] <nil>
	// map[name:"Sok Dara"] <nil>
}
