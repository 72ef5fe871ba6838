// Command registry is an OpenID Provider over a register of people in a CSV file: an Authenticator from an empty file.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/examples/registry/register"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "hash" { // go run ./examples/registry hash 4711
		salt := rand.Text()
		fmt.Println(salt + "," + register.Hash(salt, os.Args[2], register.Iterations))
		return
	}
	file := must(os.Open("examples/registry/register.csv"))
	people := must(register.Open(file, register.Iterations))
	log.Print("http://localhost:8080 is a provider")
	log.Fatal(http.ListenAndServe("localhost:8080", newProvider(people, "http://localhost:8080")))
}

func newProvider(people authenticator.Authenticator, issuer string) http.Handler {
	var key jose.JSONWebKey // the public key of the relying party
	must(0, json.Unmarshal([]byte(`{"kty":"EC","crv":"P-256","kid":"1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`), &key))
	clients := must(oauth.NewStaticClients(&oauth.Client{
		ID: "portal", Names: map[string]string{"": "My Portal"}, RedirectURIs: []string{"http://localhost:8081/callback"},
		Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}}, AssertionAlgorithm: jose.ES256, Scopes: []string{"openid", "profile"},
	}))
	secret := make([]byte, 32)
	rand.Read(secret) // keep yours: who people are to relying parties is derived from it
	return must(signet.New(signet.Config{
		Issuer: issuer, Clients: clients, Authenticator: people, Keys: must(keystore.Generate(jose.ES256)),
		Store: must(memory.New(memory.Config{})), PairwiseSecret: secret,
	}))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
