package idtoken_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store/memory"
)

// remembered are the people who logged in at the portal, by the sub that it got.
type remembered map[string]*authenticator.Identity

func (r remembered) Bearer(_ context.Context, t *idtoken.Token) (*authenticator.Identity, error) {
	if identity, ok := r[t.Subject]; ok {
		return identity, nil
	}
	return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
}

// A person who was sent to the sign-up portal comes back with an ID Token, and goes on with the login that sent them.
func Example() {
	ctx := context.Background()
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		panic(err)
	}
	key, err := keys.Signer(ctx, keystore.TokenSigning, jose.ES256)
	if err != nil {
		panic(err)
	}
	used, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	method, err := idtoken.New(idtoken.Config{
		Issuer: "https://id.example", Keys: keys, Audience: []string{"signup"}, Store: used,
		Identities: remembered{"k9x…": {Subject: "5860356276"}},
	})
	if err != nil {
		panic(err)
	}

	// The login asks for a nonce, which the portal puts into its own authorization request.
	device, err := method.Challenge(ctx, &authenticator.DeviceRequest{Factor: authenticator.IDToken})
	if err != nil {
		panic(err)
	}
	var options struct{ Nonce string }
	if err := json.Unmarshal(device.Options, &options); err != nil {
		panic(err)
	}
	now := time.Now().Unix()
	token, err := key.SignJSON(ctx, "JWT", map[string]any{ // as the provider does
		"iss": "https://id.example", "aud": "signup", "sub": "k9x…", "nonce": options.Nonce,
		"auth_time": now, "iat": now, "exp": now + 60,
	})
	if err != nil {
		panic(err)
	}

	answer := &authenticator.Request{Challenges: []authenticator.Challenge{
		{Factor: authenticator.IDToken, Response: token, State: device.State},
	}}
	identity, err := method.Authenticate(ctx, answer)
	fmt.Println(identity.Subject, err)
	_, err = method.Authenticate(ctx, answer)
	fmt.Println(err)
	// Output:
	// 5860356276 <nil>
	// authenticator: wrong_credentials: idtoken: the ID Token was used before
}
