package oidc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// passportOffice is an identity system that says how it knows what it says.
type passportOffice struct{}

func (passportOffice) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return &authenticator.Claims{Verified: []authenticator.VerifiedClaims{{
		Verification: json.RawMessage(`{
			"trust_framework": "national_id", "time": "2026-02-28T10:00:00Z",
			"evidence": [{"type": "document", "document_details": {"type": "passport", "document_number": "P1234567"}}]}`),
		Values: map[string]json.RawMessage{
			"name": json.RawMessage(`"Sok Dara"`), "birthdate": json.RawMessage(`"1990-05-17"`),
		},
	}}}, nil
}

// exampleLogin is what a login does with a request: the person shares all that the client asks for.
func exampleLogin(provider *oidc.Provider, client *oauth.Client, claims string) (*oauth.AccessToken, error) {
	ctx, scope := context.Background(), []string{"openid"}
	request, err := provider.ParseRequest(ctx, client, &oauth.AuthorizationRequest{
		ClientID: client.ID, Scope: scope, Parameters: map[string]string{"claims": claims},
	})
	if err != nil {
		return nil, err
	}
	asked := provider.Asked(client, request, scope)
	for _, item := range asked.Verified {
		fmt.Println("the person is asked for:", item.Name, item.TrustFrameworks, item.Purpose)
	}
	person := &authenticator.Identity{Subject: "1234567890"}
	authorization, err := provider.Authorize(client, request, scope, person, append(asked.Essential, asked.Voluntary...))
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(authorization)
	if err != nil {
		return nil, err
	}
	grant := oauth.Grant{Subject: provider.Subject(client, person.Subject), Scope: scope, Data: data}
	exchange := &oauth.Exchange{Client: client, Grant: &grant, AccessToken: "..."}
	if err := provider.Extend(ctx, exchange); err != nil {
		return nil, err
	}
	return &oauth.AccessToken{ClientID: client.ID, Grant: grant, Data: exchange.Data}, nil
}

// A client asks for a name that was verified under a trust framework, when that was, and by which kind of document.
func Example_verifiedClaims() {
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		log.Fatal(err)
	}
	client := &oauth.Client{ID: "bank", RedirectURIs: []string{"https://bank.example/callback"}, UserinfoJSON: true}
	provider, err := oidc.New(oidc.Config{
		Issuer:           "https://id.example",
		UserinfoEndpoint: "https://id.example/userinfo",
		JWKSURI:          "https://id.example/jwks.json",
		Keys:             keys,
		Clients:          clientStore{client.ID: client},
		Claims:           passportOffice{},
		PairwiseSecret:   []byte("in earnest: 32 bytes of crypto/rand, kept for ever"),
		Assurance: oidc.Assurance{
			TrustFrameworks: []string{"national_id"},
			Claims:          []string{"name", "birthdate"},
			Evidence:        []string{"document"},
			Documents:       []string{"passport"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := exampleLogin(provider, client, `{"userinfo": {"verified_claims": {
		"verification": {
			"trust_framework": {"value": "national_id"},
			"time": null,
			"evidence": [{"type": {"value": "document"}, "document_details": {"type": null}}]},
		"claims": {"name": {"essential": true, "purpose": "to open an account"}}}}}`)
	if err != nil {
		log.Fatal(err)
	}
	userinfo, err := provider.Userinfo(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}
	var answer struct {
		VerifiedClaims struct{ Verification, Claims json.RawMessage } `json:"verified_claims"`
	}
	if err := json.Unmarshal(userinfo.Body, &answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer.VerifiedClaims.Claims))
	fmt.Println(string(answer.VerifiedClaims.Verification))
	// Output:
	// the person is asked for: name [national_id] to open an account
	// {"name":"Sok Dara"}
	// {"trust_framework":"national_id","time":"2026-02-28T10:00:00Z","evidence":[{"type":"document","document_details":{"type":"passport"}}]}
}

// A client that is registered with a key for encryption is the only one who can read its userinfo.
func Example_encryptedUserinfo() {
	clientKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	client := &oauth.Client{
		ID:                 "health",
		RedirectURIs:       []string{"https://health.example/callback"},
		UserinfoEncryption: oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A256GCM},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: clientKey.Public(), KeyID: "2026", Use: "enc"}}},
	}
	provider, err := newProvider(clientStore{client.ID: client})
	if err != nil {
		log.Fatal(err)
	}
	token, err := exampleLogin(provider, client, `{"userinfo": {"name": null}}`)
	if err != nil {
		log.Fatal(err)
	}
	userinfo, err := provider.Userinfo(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}

	// The client decrypts the JWE and verifies the JWS in it.
	jwe, err := jose.ParseEncryptedCompact(string(userinfo.Body),
		[]jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		log.Fatal(err)
	}
	signed, err := jwe.Decrypt(clientKey)
	if err != nil {
		log.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(string(signed), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		log.Fatal(err)
	}
	jwksURI := httptest.NewRecorder()
	provider.JWKSHandler().ServeHTTP(jwksURI, httptest.NewRequest(http.MethodGet, "/jwks.json", nil))
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(jwksURI.Body.Bytes(), &keys); err != nil {
		log.Fatal(err)
	}
	payload, err := jws.Verify(keys)
	if err != nil {
		log.Fatal(err)
	}
	var claims struct{ Aud, Name string }
	if err := json.Unmarshal(payload, &claims); err != nil {
		log.Fatal(err)
	}
	fmt.Println(userinfo.ContentType, jwe.Header.KeyID, claims.Aud, claims.Name)
	// Output: application/jwt 2026 health Sok Dara
}
