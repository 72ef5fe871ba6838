package passkey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/passkey"
	"github.com/gosignet/signet/store/memory"
)

// recaller is the identity system: a person is the same as before.
type recaller struct{}

func (recaller) Recall(_ context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	return earlier, nil
}

// A provider offers passkeys beside what its identity system verifies: the Method is one of login.Config.Methods.
func Example() {
	ctx := context.Background()
	ledger, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	passkeys, err := passkey.New(passkey.Config{
		RPID: "id.example", Origins: []string{"https://id.example"}, DisplayName: "Example ID",
		Ledger: ledger, Identities: recaller{}, Secret: bytes.Repeat([]byte("secret! "), 4), // 32 random bytes
	})
	if err != nil {
		panic(err)
	}

	// What a login page gives to navigator.credentials.get.
	device, err := passkeys.Challenge(ctx, &authenticator.DeviceRequest{Factor: authenticator.Passkey})
	if err != nil {
		panic(err)
	}
	var options struct {
		PublicKey struct{ Challenge, RPID, UserVerification string }
	}
	if err := json.Unmarshal(device.Options, &options); err != nil {
		panic(err)
	}
	fmt.Println(options.PublicKey.RPID, options.PublicKey.UserVerification, len(options.PublicKey.Challenge))

	// What comes back, when it is nothing of the kind.
	_, err = passkeys.Authenticate(ctx, &authenticator.Request{Challenges: []authenticator.Challenge{
		{Factor: authenticator.Passkey, Response: "{}", State: device.State},
	}})
	fmt.Println(err)
	// Output:
	// id.example required 43
	// authenticator: wrong_credentials: passkey: CredentialAssertionResponse with ID missing
}

// A page on which people look after their passkeys, after a login.
func ExampleMethod_List() {
	ctx := context.Background()
	ledger, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	passkeys, err := passkey.New(passkey.Config{
		RPID: "id.example", Origins: []string{"https://id.example"}, DisplayName: "Example ID",
		Ledger: ledger, Identities: recaller{}, Secret: bytes.Repeat([]byte("secret! "), 4), // 32 random bytes
	})
	if err != nil {
		panic(err)
	}
	person := &authenticator.Identity{Subject: "5860356276"}
	own, err := passkeys.List(ctx, person)
	if err != nil {
		panic(err)
	}
	for _, p := range own {
		fmt.Println(p.ID, p.CreatedAt, p.AAGUID)
	}
	fmt.Println(len(own), passkeys.Remove(ctx, person, "another person's"))
	// Output:
	// 0 passkey: the person has no such passkey
}
