package consent_test

import (
	"context"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store/memory"
)

// A person decides once, what they decided holds for the next login, and they take it back.
func Example() {
	ctx := context.Background()
	ledger, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		panic(err)
	}
	consents, err := consent.New(consent.Config{
		Ledger: ledger, Keys: keys, Issuer: "https://id.example", Secret: []byte("32 random bytes from a secret ..."),
	})
	if err != nil {
		panic(err)
	}

	question := &consent.Question{Asked: consent.Asked{
		ClientID: "health-portal", Subject: "8f1c", Essential: []string{"name"}, Voluntary: []string{"email"},
	}}
	answer, err := consents.Recall(ctx, question)
	if err != nil {
		panic(err)
	}
	fmt.Println("ask, because:", answer.Reason)

	answer, err = consents.Decide(ctx, question, consent.Decision{Claims: []string{"name"}},
		consent.DecisionContext{Person: "4711", Language: "en"})
	if err != nil {
		panic(err)
	}
	receipt, err := consents.Verify(ctx, answer.Record.Receipt)
	if err != nil {
		panic(err)
	}
	for _, info := range receipt.Processing.PIIInformation {
		fmt.Println(info.Attribute, "granted:", info.Granted)
	}

	answer, err = consents.Recall(ctx, question)
	fmt.Printf("ask: %t, shared: %v, %v\n", answer.Reason != "", answer.Decision.Claims, err)

	if _, err := consents.Withdraw(ctx, "4711", answer.Record.ID); err != nil {
		panic(err)
	}
	answer, err = consents.Recall(ctx, question)
	fmt.Println("ask, because:", answer.Reason, err)
	// Output:
	// ask, because: first
	// name granted: true
	// email granted: false
	// ask: false, shared: [name], <nil>
	// ask, because: withdrawn <nil>
}

func ExampleAsked_Hash() {
	one := consent.Asked{ClientID: "health-portal", Voluntary: []string{"email", "name"}}
	two := consent.Asked{ClientID: "health-portal", Voluntary: []string{"name", "email", "name"}}
	fmt.Println(string(two.Canonical()))
	fmt.Println(one.Hash() == two.Hash())
	// Output:
	// {"client_id":"health-portal","essential":[],"resources":[],"scopes":[],"verified":[],"voluntary":["email","name"]}
	// true
}
