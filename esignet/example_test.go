package esignet_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store/memory"
)

const exampleKey = `{"kty": "EC", "crv": "P-256", "kid": "1",
	"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`

// A partner tool registers a client as it does at eSignet. Open is for examples: elsewhere a Bearer asks for tokens.
func Example() {
	backend, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	clients, err := registry.New(registry.Config{Ledger: backend})
	if err != nil {
		panic(err)
	}
	defer clients.Close()
	now := func() time.Time { return time.Date(2031, 3, 14, 9, 26, 53, 0, time.UTC) }
	api, err := esignet.New(esignet.Config{
		Store: backend, Now: now,
		Management: &esignet.ManagementConfig{
			Clients: clients, Ledger: backend, Open: true, Scopes: []string{"openid", "profile"},
			ACRs: []string{"mosip:idp:acr:generated-code"}, Claims: []string{"name", "email"},
		},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle(esignet.DefaultPrefix+"/", api)

	r := httptest.NewRequest(http.MethodPost, "https://id.example/v1/esignet/client-mgmt/client", strings.NewReader(`{
		"requestTime": "2031-03-14T09:26:53.000Z",
		"request": {
			"clientId": "clinic", "clientName": "Clinic", "relyingPartyId": "health", "publicKey": `+exampleKey+`,
			"userClaims": ["name"], "authContextRefs": ["mosip:idp:acr:generated-code"],
			"logoUri": "https://clinic.example/logo.png", "redirectUris": ["https://clinic.example/cb"],
			"grantTypes": ["authorization_code"], "clientAuthMethods": ["private_key_jwt"]
		}}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"responseTime":"2031-03-14T09:26:53.000Z","response":{"clientId":"clinic","status":"ACTIVE"},"errors":[]}
}

// A row of eSignet's table of clients becomes a client.
func ExampleManagementConfig_ImportClient() {
	backend, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	clients, err := registry.New(registry.Config{Ledger: backend})
	if err != nil {
		panic(err)
	}
	defer clients.Close()
	management := &esignet.ManagementConfig{
		Clients: clients, Ledger: backend, Scopes: []string{"openid"}, ACRs: []string{"mosip:idp:acr:password"}, Claims: []string{"name"},
	}
	row := &esignet.ClientDetail{
		ID: "clinic", Name: `{"@none":"Clinic","fra":"Clinique"}`, RelyingPartyID: "health", LogoURI: "https://clinic.example/logo.png",
		RedirectURIs: `["https://clinic.example/cb"]`, Claims: `["name"]`, ACRValues: `["mosip:idp:acr:password"]`, PublicKey: exampleKey,
		GrantTypes: `["authorization_code"]`, AuthMethods: `["private_key_jwt"]`, Status: "ACTIVE",
	}
	client, err := management.ImportClient(context.Background(), row)
	if err != nil {
		panic(err)
	}
	fmt.Println(client.ID, client.Names, client.RedirectURIs)

	row.ID, row.RedirectURIs = "other", `["/cb"]`
	_, err = management.ImportClient(context.Background(), row)
	fmt.Println(err)
	// Output:
	// clinic map[:Clinic fr:Clinique] [https://clinic.example/cb]
	// redirectUris[0]: invalid_redirect_uri
}

// A server that ends lets nobody wait for a wallet, and waits until all have their answers.
func ExampleAPI_Close() {
	shutdown := func(ctx context.Context, server *http.Server, api *esignet.API) error {
		if err := server.Shutdown(ctx); err != nil {
			return err
		}
		return api.Close(ctx)
	}
	_ = shutdown
}
