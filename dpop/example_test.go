package dpop_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store/memory"
)

// A resource server lets in whoever has a token and its key, and demands fresh proofs.
func ExampleResource() {
	secret := make([]byte, 32) // the same for all instances
	rand.Read(secret)
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{Secrets: [][]byte{secret}})
	if err != nil {
		log.Fatal(err)
	}
	proofs, err := memory.New(memory.Config{})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := dpop.New(dpop.Config{Store: proofs, Nonces: nonces, RequireNonce: true})
	if err != nil {
		log.Fatal(err)
	}
	resource, err := dpop.NewResource(dpop.ResourceConfig{
		Verifier: verifier,
		BaseURL:  "https://health.example/api", // as the clients see it
		Tokens: func(ctx context.Context, token string) (*dpop.Token, error) {
			// Here the token is verified, and the jkt of its cnf claim is returned.
			return nil, fmt.Errorf("%w: unknown", dpop.ErrInvalidToken)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/records/", resource.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access, _ := dpop.FromContext(r.Context())
		fmt.Fprintln(w, "the key is", access.Token.Thumbprint)
	})))
}

// A client sends each request through a Transport, which signs a proof for it.
func ExampleTransport() {
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		log.Fatal(err)
	}
	key, err := keys.Signer(context.Background(), keystore.TokenSigning, jose.ES256)
	if err != nil {
		log.Fatal(err)
	}
	transport, err := dpop.NewTransport(dpop.TransportConfig{Key: key})
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}

	server := httptest.NewServer(resourceServer(transport.Thumbprint()))
	defer server.Close()
	request, err := http.NewRequest(http.MethodGet, server.URL+"/records/1", nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "DPoP an-access-token")
	response, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(body), err)

	response, err = http.DefaultClient.Do(request) // a thief, who has the token and not the key
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode, response.Header.Get("WWW-Authenticate"))
	// Output:
	// 200 hello <nil>
	// 401 DPoP error="invalid_dpop_proof", error_description="the DPoP proof is missing", algs="ES256 PS256 EdDSA"
}

func resourceServer(thumbprint string) http.Handler {
	proofs, err := memory.New(memory.Config{})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := dpop.New(dpop.Config{Store: proofs})
	if err != nil {
		log.Fatal(err)
	}
	resource, err := dpop.NewResource(dpop.ResourceConfig{
		Verifier: verifier,
		Tokens: func(context.Context, string) (*dpop.Token, error) {
			return &dpop.Token{Thumbprint: thumbprint}, nil
		},
		URL: func(r *http.Request) string { return "http://" + r.Host + r.URL.Path }, // there is only one host, this one
	})
	if err != nil {
		log.Fatal(err)
	}
	return resource.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
}

// An authorization server verifies the proof with the rest of the request, and uses it up with the rest.
func ExampleVerifier() {
	proofs, err := memory.New(memory.Config{})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := dpop.New(dpop.Config{Store: proofs})
	if err != nil {
		log.Fatal(err)
	}
	token := func(r *http.Request, boundTo string) error {
		proof, err := verifier.Verify(dpop.Request{Header: r.Header, Method: r.Method, URL: "https://id.example/token"})
		if err != nil {
			return err
		}
		if err := proof.CheckKey(boundTo); err != nil { // the dpop_jkt of the authorization request
			return err
		}
		// Here the client, the code and its verifier are validated. Then all that is used once is used up.
		return proof.Consume(r.Context())
	}

	r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader("grant_type=authorization_code"))
	r.Header.Set("DPoP", "not a proof")
	err = token(r, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")
	if refused := (*dpop.Error)(nil); errors.As(err, &refused) {
		fmt.Printf("400 %s: %s\n", refused.Code, refused.Description)
	}
	// Output: 400 invalid_dpop_proof: the DPoP proof is malformed
}
