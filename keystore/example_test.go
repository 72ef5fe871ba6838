package keystore_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// A provider signs an ID Token, and publishes what a relying party needs to verify it.
func Example() {
	ctx := context.Background()
	keys, err := keystore.Generate(jose.ES256, jose.RS256)
	if err != nil {
		log.Fatal(err)
	}
	key, err := keys.Signer(ctx, keystore.TokenSigning, jose.ES256)
	if err != nil {
		log.Fatal(err)
	}
	token, err := key.SignJSON(ctx, "JWT", map[string]any{"iss": "https://id.example", "sub": "8f1c"})
	if err != nil {
		log.Fatal(err)
	}
	public, err := keys.Keys(ctx)
	if err != nil {
		log.Fatal(err)
	}

	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		log.Fatal(err)
	}
	payload, err := jws.Verify(jose.JSONWebKeySet{Keys: public})
	fmt.Println(len(public), "keys,", strings.Count(token, ".")+1, "parts")
	fmt.Println(string(payload), err)
	// Output:
	// 2 keys, 3 parts
	// {"iss":"https://id.example","sub":"8f1c"} <nil>
}
