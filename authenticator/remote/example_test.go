package remote_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
	"github.com/gosignet/signet/store/memory"
)

// register is a team's own Authenticator.
type register struct{}

func (register) Factors() []authenticator.Factor { return []authenticator.Factor{authenticator.PIN} }

func (register) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	if r.Identifier.Value != "4409173820" || r.Challenges[0].Response != "2507" {
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return &authenticator.Identity{Subject: "person-2"}, nil
}

func (register) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return &authenticator.Claims{Values: map[string]json.RawMessage{"name": json.RawMessage(`"Grace Wanjiru Otieno"`)}}, nil
}

// A team serves its Authenticator from a process of its own, to a provider that signs its requests.
func Example() {
	providerKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}

	// Beside the register.
	replays, err := memory.New(memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	handler, err := remote.Handler(register{}, remote.ServerConfig{
		Keys: []crypto.PublicKey{providerKey.Public()}, BaseURL: server.URL, Replays: replays,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux.Handle("/", handler)

	// In the provider, where it goes into signet.Config.Authenticator.
	people, err := remote.New(context.Background(), remote.Config{
		BaseURL: server.URL, Signer: providerKey, Transport: server.Client().Transport,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, pin := range []string{"0000", "2507"} {
		identity, err := people.Authenticate(context.Background(), &authenticator.Request{
			Transaction: "tx-1", ClientID: "health-portal", Identifier: authenticator.Identifier{Value: "4409173820"},
			Challenges: []authenticator.Challenge{{Factor: authenticator.PIN, Response: pin}},
		})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(identity.Subject)
	}
	// Output:
	// authenticator: wrong_credentials: remote: the server answered 403
	// person-2
}
