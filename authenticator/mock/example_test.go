package mock_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

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

func ExampleReadPersonas() {
	personas, err := mock.ReadPersonas(strings.NewReader(`[{
		"national_id": "12345",
		"pin": "4321",
		"claims": {"name": "Nora Example", "birthdate": "1990-12-31"},
		"verified": [{"verification": {"trust_framework": "urn:example:register"}, "claims": ["name"]}]
	}]`))
	if err != nil {
		panic(err)
	}
	codes, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	people, err := mock.New(mock.Config{
		Password: "demo", Store: codes, Personas: personas, Factors: []authenticator.Factor{authenticator.PIN},
	})
	if err != nil {
		panic(err)
	}
	defer people.Close()

	identity, err := people.Authenticate(context.Background(), &authenticator.Request{
		Transaction: "1", Identifier: authenticator.Identifier{Value: "12345"},
		Challenges: []authenticator.Challenge{{Factor: authenticator.PIN, Response: "4321"}},
	})
	fmt.Println(identity.Subject, err)
	// Output: 12345 <nil>
}

func ExampleNewAPI() {
	codes, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	people, err := mock.New(mock.Config{Password: "demo", Store: codes})
	if err != nil {
		panic(err)
	}
	defer people.Close()
	api, err := mock.NewAPI(mock.APIConfig{Mock: people, Issuer: "https://id.example.org"})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(api) // listens on this machine only
	defer server.Close()

	res, err := http.Post(server.URL+mock.BasePath+"/send-otp/a-partner/a-client", "application/json",
		strings.NewReader(`{"transactionId":"1","individualId":"2740198356","otpChannels":["phone"]}`))
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	var answer struct {
		Response json.RawMessage `json:"response"`
	}
	err = json.NewDecoder(res.Body).Decode(&answer)
	fmt.Printf("%s %v\n", answer.Response, err)
	// Output: {"transactionId":"1","maskedEmail":null,"maskedMobile":"XXXXXXX80012"} <nil>
}

func ExampleFaults() {
	codes, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	faults := new(mock.Faults)
	people, err := mock.New(mock.Config{Password: "demo", Store: codes, Faults: faults})
	if err != nil {
		panic(err)
	}
	defer people.Close()

	ask := func() error {
		_, err := people.SendCode(context.Background(), &authenticator.CodeRequest{
			Transaction: "1", Identifier: authenticator.Identifier{Value: "2740198356"},
		})
		return err
	}
	faults.Set(mock.Sending, mock.Fault{Err: &authenticator.Error{Reason: authenticator.Unavailable}})
	fmt.Println(ask())
	faults.Set(mock.Sending, mock.Fault{})
	fmt.Println(ask())
	// Output:
	// authenticator: unavailable
	// <nil>
}
