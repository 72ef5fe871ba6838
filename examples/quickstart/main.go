// Command quickstart is an OpenID Provider: everything that a deployment decides, and nothing else.
package main

import (
	"crypto/rand"
	"encoding/json"
	"log"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

func main() { log.Fatal(http.ListenAndServe("localhost:8080", newProvider())) }

func newProvider() http.Handler {
	// Who may ask: a relying party with its public key, registered like this.
	var key jose.JSONWebKey
	must(0, json.Unmarshal([]byte(`{"kty":"EC","crv":"P-256","kid":"1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`), &key))
	clients := must(oauth.NewStaticClients(&oauth.Client{
		ID:                 "portal",
		Names:              map[string]string{"": "My Portal"},
		RedirectURIs:       []string{"http://localhost:8081/callback"},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}},
		AssertionAlgorithm: jose.ES256,
		Scopes:             []string{"openid", "profile"},
	}))
	// Where state lives: in memory, for a single instance.
	store := must(memory.New(memory.Config{}))
	// Who people are: a dozen invented ones. Implement authenticator.Authenticator to connect your own system.
	people := must(mock.New(mock.Config{Password: "quickstart", Store: store}))
	// What pairwise subjects are derived from: keep yours, it must not change.
	secret := make([]byte, 32)
	rand.Read(secret)

	return must(signet.New(signet.Config{
		Issuer:         "http://localhost:8080",
		Clients:        clients,
		Authenticator:  people,
		Keys:           must(keystore.Generate(jose.ES256)), // what signs: a fresh key at every start
		Store:          store,
		PairwiseSecret: secret,
	}))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
