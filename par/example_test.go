package par_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/par"
	"github.com/gosignet/signet/store/memory"
)

// A request is pushed, opened as often as the browser asks, and used up by the first login that is completed with it. An
// [oauth.Server] calls Request and Spend by itself; its clients push at [par.Requests.Handler].
func Example() {
	state, err := memory.New(memory.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer state.Close()
	requests, err := par.New(par.Config{Store: state})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	uri, err := requests.Push(ctx, &oauth.AuthorizationRequest{ClientID: "portal", RedirectURI: "https://portal.example/cb"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(uri, oauth.RequestURIPrefix), len(uri))

	req, err := requests.Request(ctx, "portal", uri)
	fmt.Println(req.RedirectURI, err)
	_, err = requests.Request(ctx, "clinic", uri)
	fmt.Println(err)

	fmt.Println(requests.Spend(ctx, uri, "login-1"))
	fmt.Println(requests.Spend(ctx, uri, "login-2"))
	// Output:
	// true 77
	// https://portal.example/cb <nil>
	// invalid_request_uri: the request_uri is not valid: it is another client's
	// <nil>
	// invalid_request_uri: the request_uri is not valid: another login was completed with it
}
