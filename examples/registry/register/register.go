// Package register is an Authenticator over a register of people in a CSV file: all that a country has to write.
package register

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

// Iterations of PBKDF2: a PIN is short, so that a stolen register must be slow to search.
const Iterations = 600_000

// Register is an authenticator.Authenticator. Its columns are "id" (the subject, forever), "national_id" (what people
// type), "salt", "pin" (a hash), and the claims, by their names.
type Register struct {
	people     map[string]map[string]string
	iterations int
}

// Open reads a register whose PINs were hashed with so many iterations.
func Open(file io.Reader, iterations int) (*Register, error) {
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errors.Join(errors.New("the register cannot be read"), err)
	}
	r := &Register{people: make(map[string]map[string]string), iterations: iterations}
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

// Person returns the columns of whoever has the number, or nil.
func (r *Register) Person(nationalID string) map[string]string {
	return r.people[strings.ReplaceAll(nationalID, " ", "")]
}

// Factors returns PIN.
func (*Register) Factors() []authenticator.Factor { return []authenticator.Factor{authenticator.PIN} }

// Authenticate verifies a PIN.
func (r *Register) Authenticate(ctx context.Context, req *authenticator.Request) (*authenticator.Identity, error) {
	if len(req.Challenges) != 1 || req.Challenges[0].Factor != authenticator.PIN {
		return nil, refuse(authenticator.Unsupported, "the only factor is a PIN")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Nobody has no PIN that is right, but is looked at as long: the answer does not tell who is registered.
	person := r.Person(req.Identifier.Value)
	right := subtle.ConstantTimeCompare([]byte(Hash(person["salt"], req.Challenges[0].Response, r.iterations)), []byte(person["pin"])) == 1
	if person == nil || !right {
		return nil, refuse(authenticator.WrongCredentials, "nobody has this number and PIN")
	}
	return &authenticator.Identity{Subject: person["id"], State: []byte(person["national_id"])}, nil
}

// Claims returns what the person consented to, out of what is Released.
func (r *Register) Claims(ctx context.Context, req *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
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
			if text := person[tagged]; text != "" && slices.Contains(Released, name) {
				values[tagged], _ = json.Marshal(text) // a string always has JSON
			}
		}
	}
	return &authenticator.Claims{Values: values}, nil
}

// Released are the columns that are claims. Without a list, a client could ask for "pin".
var Released = []string{"name", "birthdate", "phone_number", "email"}

func refuse(reason authenticator.Reason, cause string) error {
	return &authenticator.Error{Reason: reason, Err: errors.New(cause)}
}

// Hash is what the register has of a PIN.
func Hash(salt, pin string, iterations int) string {
	key, _ := pbkdf2.Key(sha256.New, pin, []byte(salt), iterations, sha256.Size) // fails for sizes alone
	return base64.RawURLEncoding.EncodeToString(key)
}
