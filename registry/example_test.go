package registry_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store/memory"
)

func Example() {
	ctx := context.Background()
	ledger, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	clients, err := registry.New(registry.Config{Ledger: ledger, Notifier: ledger})
	if err != nil {
		panic(err)
	}
	defer clients.Close()

	client, err := registry.Parse([]byte(`{
		"client_id": "tax-office",
		"client_name": "Tax Office",
		"client_name#fr": "Office des impôts",
		"redirect_uris": ["https://tax.example/callback"],
		"token_endpoint_auth_signing_alg": "ES256",
		"jwks_uri": "https://tax.example/jwks",
		"scope": "openid profile"
	}`))
	if err != nil {
		panic(err) // one line for each mistake
	}
	created, err := clients.Create(ctx, "administrator-7", client)
	if err != nil {
		panic(err)
	}
	patched, err := clients.Patch(ctx, "administrator-8", "tax-office", []byte(`{"client_name#fr": null}`), created.Version)
	if err != nil {
		panic(err)
	}
	fmt.Printf("version %d, %s by %s: %s\n", patched.Version, patched.Change, patched.ChangedBy, patched.Metadata)

	// What oauth.Config.Clients does with it:
	found, err := clients.Client(ctx, "tax-office")
	fmt.Println(found.Name("fr"), err)
	if _, err := clients.Deactivate(ctx, "administrator-8", "tax-office", 0); err != nil {
		panic(err)
	}
	_, err = clients.Client(ctx, "tax-office")
	fmt.Println(errors.Is(err, oauth.ErrUnknownClient))
	// Output:
	// version 2, updated by administrator-8: {"client_id":"tax-office","client_name":"Tax Office","redirect_uris":["https://tax.example/callback"],"jwks_uri":"https://tax.example/jwks","token_endpoint_auth_signing_alg":"ES256","scope":"openid profile"}
	// Tax Office <nil>
	// true
}

func ExampleParse() {
	_, err := registry.Parse([]byte(`{"client_id": "tax-office", "redirect_uri": "https://tax.example/callback"}`))
	fmt.Println(err)
	// Output:
	// redirect_uri: unknown or unsupported
	// client_name, the name under the empty language, is required
	// there must be 1 to 50 redirect URIs
	// the assertion algorithm: jwt: signature algorithm "" is not one of [ES256 ES384 EdDSA PS256 RS256]
}
