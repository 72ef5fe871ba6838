package oidc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// register is an identity system of one person.
type register struct{}

func (register) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return &authenticator.Claims{Values: map[string]json.RawMessage{"name": json.RawMessage(`"Sok Dara"`)}}, nil
}

func newProvider(clients oauth.ClientStore) (*oidc.Provider, error) {
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		return nil, err
	}
	return oidc.New(oidc.Config{
		Issuer:           "https://id.example",
		UserinfoEndpoint: "https://id.example/userinfo",
		JWKSURI:          "https://id.example/jwks.json",
		Keys:             keys,
		Clients:          clients,
		Claims:           register{},
		PairwiseSecret:   []byte("in earnest: 32 bytes of crypto/rand, kept for ever"),
	})
}

// The provider takes part in the authorization server, and serves endpoints of its own.
func Example() {
	clients := clientStore{}
	provider, err := newProvider(clients)
	if err != nil {
		log.Fatal(err)
	}
	var server interface { // an *oauth.Server, whose Config.Extension is the provider
		oidc.TokenSource
		Metadata() oauth.Metadata
	} = exampleServer{}

	mux := http.NewServeMux()
	mux.Handle("/.well-known/openid-configuration", provider.DiscoveryHandler(server.Metadata()))
	mux.Handle("/jwks.json", provider.JWKSHandler())
	mux.Handle("/userinfo", provider.UserinfoHandler(server))

	fmt.Println(provider.Metadata(server.Metadata()).SubjectTypesSupported)
	// Output: [pairwise]
}

type exampleServer struct{ tokens }

func (exampleServer) Metadata() oauth.Metadata { return oauth.Metadata{} }

// A login reads the request, asks the person, and leaves what they agreed to in the grant.
func ExampleProvider_Authorize() {
	client := &oauth.Client{ID: "health", RedirectURIs: []string{"https://health.example/callback"}}
	provider, err := newProvider(clientStore{client.ID: client})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	req := &oauth.AuthorizationRequest{
		ClientID: client.ID,
		Scope:    []string{"openid", "email"},
		Parameters: map[string]string{
			"nonce":  "n-0S6_WzA2Mj",
			"claims": `{"userinfo": {"name": {"essential": true}}}`,
		},
	}
	request, err := provider.ParseRequest(ctx, client, req)
	if err != nil {
		log.Fatal(err)
	}
	asked := provider.Asked(client, request, req.Scope)
	fmt.Println("essential:", asked.Essential)
	fmt.Println("voluntary:", asked.Voluntary)

	// The person logs in, and shares the name alone.
	person := &authenticator.Identity{Subject: "1234567890"}
	authorization, err := provider.Authorize(client, request, req.Scope, person, []string{"name"})
	if err != nil {
		log.Fatal(err)
	}
	data, err := json.Marshal(authorization)
	if err != nil {
		log.Fatal(err)
	}
	grant := &oauth.Grant{Subject: provider.Subject(client, person.Subject), Scope: req.Scope, Data: data}

	// The token endpoint exchanges the code.
	exchange := &oauth.Exchange{Client: client, Grant: grant, AccessToken: "..."}
	if err := provider.Extend(ctx, exchange); err != nil {
		log.Fatal(err)
	}
	fmt.Println("for userinfo:", string(exchange.Data))
	// Output:
	// essential: [name]
	// voluntary: [email]
	// for userinfo: {"name":"Sok Dara"}
}
