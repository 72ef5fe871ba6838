package pkcs12_test

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs12"
)

// A process opens the file, which is made when there is none, and signs with a key of it.
func Example() {
	directory, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(directory)
	passwordFile := filepath.Join(directory, "password")
	if err := os.WriteFile(passwordFile, []byte("V1StGXR8Z5jdHi6BmyT9Qw\n"), 0o600); err != nil {
		panic(err)
	}

	ctx := context.Background()
	vault, err := pkcs12.Open(ctx, pkcs12.Config{
		Storage: pkcs12.File(filepath.Join(directory, "keys.p12")),
		Password: func() ([]byte, error) {
			password, err := os.ReadFile(passwordFile)
			return bytes.TrimSpace(password), err
		},
		Create:     true,
		Iterations: 10_000, // enough, for the password is random
	})
	if err != nil {
		panic(err)
	}
	made, err := vault.Generate(ctx, "token-signing", "ES256")
	if err != nil {
		panic(err)
	}
	private, err := vault.Open(ctx, made.ID)
	if err != nil {
		panic(err)
	}
	key, err := keystore.NewKey(jose.ES256, private.(crypto.Signer))
	if err != nil {
		panic(err)
	}
	_, err = key.Sign(ctx, "JWT", []byte(`{"sub":"8f1c2b4e"}`))
	fmt.Println(made.Label, err, private)
	// Output: token-signing <nil> private key
}
