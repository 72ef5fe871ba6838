package login_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store/memory"
)

// register is an identity system that knows one person.
type register struct{}

func (register) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.Password}
}

func (register) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	if r.Identifier.Value != "2730 1958 4430" || r.Challenges[0].Response != "lotus-on-the-lake" {
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return &authenticator.Identity{Subject: "person-1"}, nil
}

func (register) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return &authenticator.Claims{}, nil
}

// clinic is a relying party, and the only client there is.
type clinic struct{}

func (clinic) Client(_ context.Context, id string) (*oauth.Client, error) {
	if id != "clinic" {
		return nil, oauth.ErrUnknownClient
	}
	return &oauth.Client{
		ID:           "clinic",
		Names:        map[string]string{"": "Clinic"},
		RedirectURIs: []string{"https://clinic.example/callback"},
		Scopes:       []string{"openid", "profile"},
	}, nil
}

func newFlow() (*login.Flow, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		return nil, err
	}
	backend, err := memory.New(memory.Config{})
	if err != nil {
		return nil, err
	}
	const issuer = "https://id.example"
	openID, err := oidc.New(oidc.Config{
		Issuer: issuer, UserinfoEndpoint: issuer + "/userinfo", JWKSURI: issuer + "/jwks",
		Keys: keys, Clients: clinic{}, Claims: register{}, PairwiseSecret: secret,
	})
	if err != nil {
		return nil, err
	}
	server, err := oauth.New(oauth.Config{
		Issuer:    issuer,
		Endpoints: oauth.Endpoints{Authorization: issuer + "/authorize", Token: issuer + "/token"},
		Clients:   clinic{}, Keys: keys, Store: backend, Extension: openID,
	})
	if err != nil {
		return nil, err
	}
	return login.New(login.Config{
		Authorizer: server, OpenID: openID, Clients: clinic{}, Authenticator: register{}, Store: backend, Secret: secret,
		ACRs: authenticator.ACRs{
			{Value: "urn:example:password", Alternatives: []authenticator.FactorSet{{authenticator.Password}}},
		},
	})
}

// A person mistypes the password, logs in, and shares a name with a clinic.
func Example() {
	ctx := context.Background()
	flow, err := newFlow()
	if err != nil {
		fmt.Println(err)
		return
	}
	handle, _, err := flow.Begin(ctx, &oauth.AuthorizationRequest{
		ClientID: "clinic", RedirectURI: "https://clinic.example/callback", Scope: []string{"openid", "profile"},
	}, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	state, err := flow.State(ctx, handle)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(state.Step, state.Factor)

	for _, password := range []string{"lotus-in-the-lake", "lotus-on-the-lake"} {
		state, err = flow.Answer(ctx, handle,
			authenticator.Identifier{Value: "2730 1958 4430"},
			authenticator.Challenge{Factor: authenticator.Password, Response: password})
		if e, ok := errors.AsType[*authenticator.Error](err); ok {
			fmt.Println(state.Step, e.Reason, state.AttemptsLeft)
		}
	}
	fmt.Println(state.Step, state.Voluntary[0])

	state, err = flow.Decide(ctx, handle, login.Decision{Claims: []string{"name"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(state.Step, state.Response.Parameters.Has("code"))
	// Output:
	// verify pwd
	// verify wrong_credentials 4
	// consent name
	// done true
}
