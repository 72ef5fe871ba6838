package signet_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

// portalKey is the public key of the relying party in the example.
var portalKey = must(parseKey(`{"kty":"EC","crv":"P-256","kid":"1",
	"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`))

func parseKey(jwk string) (key jose.JSONWebKey, err error) {
	return key, json.Unmarshal([]byte(jwk), &key)
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func Example() {
	secret := make([]byte, 32)
	rand.Read(secret)
	state := must(memory.New(memory.Config{}))
	provider := must(signet.New(signet.Config{
		Issuer: "https://id.example",
		Clients: must(oauth.NewStaticClients(&oauth.Client{
			ID:                 "portal",
			Names:              map[string]string{"": "Health Portal"},
			RedirectURIs:       []string{"https://portal.example/callback"},
			Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{portalKey}},
			AssertionAlgorithm: jose.ES256,
			Scopes:             []string{"openid", "profile"},
		})),
		Authenticator:  must(mock.New(mock.Config{Password: "open sesame", Store: state})),
		Keys:           must(keystore.Generate(jose.ES256)),
		Store:          state,
		PairwiseSecret: secret,
	}))
	server := httptest.NewServer(provider) // or http.ListenAndServe(":8080", provider)
	defer server.Close()

	response := must(server.Client().Get(server.URL + "/.well-known/openid-configuration"))
	var discovery struct{ Issuer string }
	must(0, json.Unmarshal(must(io.ReadAll(response.Body)), &discovery))
	fmt.Println(discovery.Issuer)
	// Output: https://id.example
}

// TestReadmeShowsTheExample keeps the code in the README what the compiler sees above.
func TestReadmeShowsTheExample(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, block, found := strings.Cut(string(readme), "```go\n")
	require.True(t, found, "the README has an example")
	block, _, found = strings.Cut(block, "```")
	require.True(t, found)

	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	_, body, _ := strings.Cut(string(source), "func Example() {\n")
	body, _, found = strings.Cut(body, "\tdefer server.Close()")
	require.True(t, found)
	require.Equal(t, strings.ReplaceAll(body, "\n\t", "\n")[1:], block)
}
