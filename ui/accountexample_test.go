package ui_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/par"
	"github.com/gosignet/signet/ui"
)

// The account pages are a client of the provider, and so have to be registered with it. They share the look and the
// languages of the pages of the login.
func ExampleUI_Account() {
	const issuer = "https://id.example"
	clients, err := oauth.NewStaticClients(ui.AccountClient(issuer, "/account/")) // and all others
	if err != nil {
		fmt.Println(err)
		return
	}
	var (
		flow     *login.Flow       // from login.New
		requests *par.Requests     // from par.New
		server   *oauth.Server     // from oauth.New
		consents *consent.Registry // from consent.New
	)
	pages, err := ui.New(ui.Config{Flow: flow, Secure: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := pages.Account(ui.AccountConfig{
		Consents: consents, Clients: clients, Requests: requests, Grants: server,
		Issuer: issuer, AuthorizationEndpoint: issuer + "/authorize", LogoutURL: issuer + "/logout",
		Secret: []byte("32 random bytes from a secret ..."),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/login/", pages)
	mux.Handle("/account/", account)

	client, err := clients.Client(context.Background(), ui.AccountClientID)
	fmt.Println(client.RedirectURIs, err)
	// Output: [https://id.example/account/callback] <nil>
}
