package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

// everybody is an Interaction that asks nobody. A real one begins a login here, and calls Approve or Deny at its end.
type everybody struct{ server *oauth.Server }

func (e *everybody) Begin(w http.ResponseWriter, r *http.Request, req *oauth.AuthorizationRequest) {
	grant := oauth.Grant{Subject: "a-pseudonym", Scope: req.Scope, AuthTime: time.Now()}
	response, err := e.server.Approve(r.Context(), req, grant, store.NewHandle())
	if err != nil {
		e.ShowError(w, r, oauth.AsError(err))
		return
	}
	response.Write(w)
}

func (e *everybody) ShowError(w http.ResponseWriter, _ *http.Request, err *oauth.Error) {
	http.Error(w, string(err.Code), err.StatusCode())
}

// A client sends a person to the authorization endpoint, and gets a code back.
func Example() {
	clientKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	clients, err := oauth.NewStaticClients(&oauth.Client{
		ID:                 "portal",
		Names:              map[string]string{"": "Health portal"},
		RedirectURIs:       []string{"https://portal.example/cb"},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: clientKey.Public(), KeyID: "1"}}},
		AssertionAlgorithm: jose.ES256,
		Scopes:             []string{"records"},
	})
	if err != nil {
		log.Fatal(err)
	}
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		log.Fatal(err)
	}
	state, err := memory.New(memory.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server, err := oauth.New(oauth.Config{
		Issuer:    "https://id.example",
		Endpoints: oauth.Endpoints{Authorization: "https://id.example/authorize", Token: "https://id.example/token"},
		Clients:   clients,
		Keys:      keys,
		Store:     state,
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/authorize", server.AuthorizationHandler(&everybody{server}))
	mux.Handle("/token", server.TokenHandler())
	mux.Handle("/.well-known/oauth-authorization-server", server.MetadataHandler())

	request := url.Values{
		"response_type": {"code"}, "client_id": {"portal"}, "redirect_uri": {"https://portal.example/cb"},
		"scope": {"records"}, "state": {"xyz"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/authorize?"+request.Encode(), nil))
	answer, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Host, answer.Query().Get("state"), answer.Query().Get("iss"), len(answer.Query().Get("code")))
	// Output: portal.example xyz https://id.example 43
}

func ExampleAuthorizationResponse_URL() {
	response := oauth.AuthorizationResponse{
		RedirectURI: "https://portal.example/cb?tenant=7",
		Parameters:  url.Values{"error": {"access_denied"}, "iss": {"https://id.example"}, "state": {"xyz"}},
	}
	fmt.Println(response.URL())
	// Output: https://portal.example/cb?tenant=7&error=access_denied&iss=https%3A%2F%2Fid.example&state=xyz
}

func ExampleClient_Validate() {
	client := oauth.Client{
		ID:           "portal",
		Names:        map[string]string{"en": "Health portal"},
		RedirectURIs: []string{"http://portal.example/cb"},
	}
	fmt.Println(client.Validate())
	// Output:
	// oauth: client "portal": client_name, the name under the empty language, is required
	// oauth: client "portal": redirect URI "http://portal.example/cb": it must be https, http on a loopback host, or a private-use scheme with a dot
	// oauth: client "portal": the assertion algorithm: jwt: signature algorithm "" is not one of [ES256 ES384 EdDSA PS256 RS256]
}
