package jwt_test

import (
	"fmt"
	"log"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
)

// A client authenticates with a signed assertion: its registration has the algorithm and the keys.
func Example() {
	assertion := sign(jose.ES256, `{"iss":"portal","sub":"portal","aud":"https://id.example","exp":1893456000,"jti":"1"}`, nil)
	registered := []byte(keySet(marshal(public(jose.ES256).Key, unchanged)))
	now := time.Date(2029, 12, 31, 23, 59, 30, 0, time.UTC)

	keys, err := jwt.ParseKeySet(registered)
	if err != nil {
		log.Fatal(err)
	}
	token, err := jwt.Parse(assertion, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		log.Fatal(err)
	}
	payload, err := token.Verify(keys.Keys)
	if err != nil {
		log.Fatal(err)
	}
	claims, err := jwt.DecodeClaims(payload)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Subject, claims.Audience.Is("https://id.example"))
	fmt.Println(claims.CheckTime(now, 10*time.Second))
	fmt.Println(claims.CheckTime(now.Add(time.Minute), 10*time.Second))
	// Output:
	// portal true
	// <nil>
	// jwt: outside its time of validity: expired at 2030-01-01T00:00:00Z
}
