package consent_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

// allClients stands for the clients of the provider, and tokenOf for its oauth.Server.
type (
	allClients struct{}
	tokenOf    struct{ person string }
)

func (allClients) Client(_ context.Context, id string) (*oauth.Client, error) {
	return &oauth.Client{ID: id}, nil
}

func (t tokenOf) AccessToken(context.Context, string) (*oauth.AccessToken, error) {
	return &oauth.AccessToken{ClientID: "wallet", Grant: oauth.Grant{Person: t.person, Scope: []string{"consents"}}}, nil
}

// An app of the person withdraws a consent and downloads the receipt.
func ExampleNewAPI() {
	ctx := context.Background()
	state, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		panic(err)
	}
	consents, err := consent.New(consent.Config{
		Ledger: state, Keys: keys, Issuer: "https://id.example", Secret: []byte("32 random bytes from a secret ..."),
	})
	if err != nil {
		panic(err)
	}
	proofs, err := dpop.New(dpop.Config{Store: state})
	if err != nil {
		panic(err)
	}
	api, err := consent.NewAPI(consent.APIConfig{
		Registry: consents, Tokens: tokenOf{"4711"}, Clients: allClients{}, DPoP: proofs, URL: "https://id.example/consents",
	})
	if err != nil {
		panic(err)
	}
	answer, err := consents.Decide(ctx,
		&consent.Question{Asked: consent.Asked{ClientID: "health-portal", Subject: "8f1c", Voluntary: []string{"email"}}},
		consent.Decision{Claims: []string{"email"}}, consent.DecisionContext{Person: "4711"})
	if err != nil {
		panic(err)
	}

	call := func(method, path string) *http.Response {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer an-access-token")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w.Result()
	}
	at := "/consents/" + answer.Record.ID
	fmt.Println(call(http.MethodGet, "/consents").Status)
	fmt.Println(call(http.MethodDelete, at).Status)
	fmt.Println(call(http.MethodGet, at+"/receipt").Header.Get("Content-Type"))
	fmt.Println(consents.Check(ctx, answer.Record.ID))
	// Output:
	// 200 OK
	// 200 OK
	// application/jwt
	// consent: ended
}
