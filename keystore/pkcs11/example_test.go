package pkcs11_test

import (
	"context"
	"crypto"
	"fmt"
	"log"
	"os"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs11"
)

// A key is made in the token, and signs there.
func ExampleOpen() {
	ctx := context.Background()
	config, err := pkcs11.ParseURI("pkcs11:token=signet;pin-file=/run/secrets/pin", os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	vault, err := pkcs11.Open(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	defer vault.Close()
	made, err := vault.Generate(ctx, "token-signing", "ES256")
	if err != nil {
		log.Fatal(err)
	}
	private, err := vault.Open(ctx, made.ID)
	if err != nil {
		log.Fatal(err)
	}
	key, err := keystore.NewKey(jose.ES256, private.(crypto.Signer))
	if err != nil {
		log.Fatal(err)
	}
	token, err := key.SignJSON(ctx, "JWT", map[string]any{"iss": "https://id.example"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token)
}
