// Command registry is an OpenID Provider over a register of people in a CSV file: an Authenticator from an empty file.
package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

const iterations = 600_000 // of PBKDF2: a PIN is short, so that a stolen register must be slow to search

// register is an authenticator.Authenticator. Its columns are "id" (the subject, forever), "national_id" (what people
// type), "salt", "pin" (a hash), and the claims, by their names.
type register struct {
	people     map[string]map[string]string
	iterations int
}

func open(file io.Reader, iterations int) (*register, error) {
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errors.Join(errors.New("the register cannot be read"), err)
	}
	r := &register{people: make(map[string]map[string]string), iterations: iterations}
	for _, row := range rows[1:] {
		person := make(map[string]string)
		for i, column := range rows[0] {
			person[column] = row[i]
		}
		if person["id"] == "" || person["pin"] == "" || r.people[person["national_id"]] != nil {
			return nil, errors.New("the register has a person without id or PIN, or a national_id twice")
		}
		r.people[person["national_id"]] = person
	}
	return r, nil
}

func (*register) Factors() []authenticator.Factor { return []authenticator.Factor{authenticator.PIN} }

func (r *register) Authenticate(ctx context.Context, req *authenticator.Request) (*authenticator.Identity, error) {
	if len(req.Challenges) != 1 || req.Challenges[0].Factor != authenticator.PIN {
		return nil, refuse(authenticator.Unsupported, "the only factor is a PIN")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Nobody has no PIN that is right, but is looked at as long: the answer does not tell who is registered.
	person := r.people[strings.ReplaceAll(req.Identifier.Value, " ", "")]
	right := subtle.ConstantTimeCompare([]byte(hash(person["salt"], req.Challenges[0].Response, r.iterations)), []byte(person["pin"])) == 1
	if person == nil || !right {
		return nil, refuse(authenticator.WrongCredentials, "nobody has this number and PIN")
	}
	return &authenticator.Identity{Subject: person["id"], State: []byte(person["national_id"])}, nil
}

func (r *register) Claims(ctx context.Context, req *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	person := r.people[string(req.Identity.State)]
	if person == nil || person["id"] != req.Identity.Subject {
		return nil, refuse(authenticator.Unavailable, "the person is not in the register any more")
	}
	values := make(map[string]json.RawMessage)
	for _, name := range req.Names { // nothing that was not asked for
		for _, language := range append([]string{""}, req.Locales...) {
			tagged := strings.TrimSuffix(name+"#"+language, "#")
			if text := person[tagged]; text != "" && released[name] {
				values[tagged], _ = json.Marshal(text) // a string always has JSON
			}
		}
	}
	return &authenticator.Claims{Values: values}, nil
}

// released are the columns that are claims. Without a list, a client could ask for "pin".
var released = map[string]bool{"name": true, "birthdate": true, "phone_number": true}

func refuse(reason authenticator.Reason, cause string) error {
	return &authenticator.Error{Reason: reason, Err: errors.New(cause)}
}

func hash(salt, pin string, iterations int) string {
	key, _ := pbkdf2.Key(sha256.New, pin, []byte(salt), iterations, sha256.Size) // fails for sizes alone
	return base64.RawURLEncoding.EncodeToString(key)
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "hash" { // go run ./examples/registry hash 4711
		salt := rand.Text()
		fmt.Println(salt + "," + hash(salt, os.Args[2], iterations))
		return
	}
	file := must(os.Open("examples/registry/register.csv"))
	people := must(open(file, iterations))
	log.Print("http://localhost:8080 is a provider")
	log.Fatal(http.ListenAndServe("localhost:8080", newProvider(people, "http://localhost:8080")))
}

func newProvider(people authenticator.Authenticator, issuer string) http.Handler {
	var key jose.JSONWebKey // the public key of the relying party
	must(0, json.Unmarshal([]byte(`{"kty":"EC","crv":"P-256","kid":"1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`), &key))
	clients := must(oauth.NewStaticClients(&oauth.Client{
		ID: "portal", Names: map[string]string{"": "My Portal"}, RedirectURIs: []string{"http://localhost:8081/callback"},
		Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}}, AssertionAlgorithm: jose.ES256, Scopes: []string{"openid", "profile"},
	}))
	secret := make([]byte, 32)
	rand.Read(secret) // keep yours: who people are to relying parties is derived from it
	return must(signet.New(signet.Config{
		Issuer: issuer, Clients: clients, Authenticator: people, Keys: must(keystore.Generate(jose.ES256)),
		Store: must(memory.New(memory.Config{})), PairwiseSecret: secret,
	}))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
