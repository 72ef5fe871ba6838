package wla_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/store/memory"
)

// cards are the wallets that were bound, and stand for the identity system too.
type cards map[string][]wla.Binding

func (c cards) WalletBindings(_ context.Context, individualID string) ([]wla.Binding, error) {
	return c[individualID], nil
}

func (c cards) Recall(_ context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	return earlier, nil
}

// A provider accepts wallets beside what its identity system verifies: the Method is one of login.Config.Methods.
func Example() {
	used, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	bound := cards{}
	wallets, err := wla.New(wla.Config{Bindings: bound, Identities: bound, Store: used, MaxAge: 2 * time.Minute})
	if err != nil {
		panic(err)
	}
	fmt.Println(wallets.Factors())

	_, err = wallets.Authenticate(context.Background(), &authenticator.Request{
		Challenges: []authenticator.Challenge{{Factor: authenticator.Wallet, Response: "no JWT"}},
	})
	fmt.Println(err)
	// Output:
	// [wla]
	// authenticator: wrong_credentials: wla: jwt: malformed: not a compact JWS
}
