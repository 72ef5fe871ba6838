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

// People who log in with what they know and a PIN, both of which have to be right.
func ExampleDirectory_Authenticate() {
	pinHash, err := directory.HashPIN("480269")
	if err != nil {
		panic(err)
	}
	d, err := directory.New(directory.Config{
		Lookup: func(context.Context, authenticator.Identifier) (*directory.Person, error) {
			return &directory.Person{
				Subject: "person-1", PINHash: pinHash,
				Answers: map[string]string{"name": "Sok Dara", "born": "27/02/1990"}, // as the register writes them
			}, nil
		},
		PIN: true,
		Form: authenticator.Form{Fields: []authenticator.FormField{
			{Name: "name", Labels: map[string]string{"en": "Full name", "km": "ឈ្មោះពេញ"}},
			{Name: "born", Type: authenticator.FieldDate, Format: "dd/MM/yyyy"},
		}},
		Rehash: func(_ context.Context, _ authenticator.Identifier, factor authenticator.Factor, oldHash, newHash string) error {
			return nil // UPDATE people SET pin_hash = newHash WHERE … AND pin_hash = oldHash
		},
	})
	if err != nil {
		panic(err)
	}
	defer d.Close()
	fmt.Println(d.Factors())

	for _, pin := range []string{"480 269", "480268"} {
		identity, err := d.Authenticate(context.Background(), &authenticator.Request{
			Transaction: "1", Identifier: authenticator.Identifier{Value: "8051437269"},
			Challenges: []authenticator.Challenge{
				{Factor: authenticator.Knowledge, Response: `{"name": "SOK, Dara", "born": "1990-02-27"}`},
				{Factor: authenticator.PIN, Response: pin},
			},
		})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(identity.Subject)
	}
	// Output:
	// [pwd pin kba]
	// person-1
	// authenticator: wrong_credentials
}
