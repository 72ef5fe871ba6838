package conformance_test

import (
	"errors"
	"net/http"
)

// unreachable is a network without the provider.
type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}
