package sunbird_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird"
	"github.com/gosignet/signet/authenticator/sunbird/sunbirdtest"
)

func newSunbird(t testing.TB, c sunbird.Config) *sunbird.Registry {
	t.Helper()
	s, err := sunbird.New(c)
	require.NoError(t, err)
	return s
}

// says makes the stub answer every call with a status and a body.
func says(status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

// login is a request with knowledge.
func login(identifier, response string) *authenticator.Request {
	return &authenticator.Request{
		Transaction: "transaction-1",
		ClientID:    "portal",
		Identifier:  authenticator.Identifier{Value: identifier},
		Challenges:  []authenticator.Challenge{{Factor: authenticator.Knowledge, Response: response}},
	}
}

// answers is the response to the form.
func answers(fullName, dob string) string {
	b, err := json.Marshal(map[string]string{"fullName": fullName, "dob": dob})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func amelie() *authenticator.Request {
	return login("FR274019", answers("Amélie Béranger-Noël", "17/04/1991"))
}

func claimsOf(subject string, names ...string) *authenticator.ClaimsRequest {
	return &authenticator.ClaimsRequest{
		Transaction: "transaction-1", ClientID: "portal", Identity: authenticator.Identity{Subject: subject}, Names: names,
	}
}

// requireReason returns the error, which has to be one that the person can be told.
func requireReason(t *testing.T, err error, reason authenticator.Reason) *authenticator.Error {
	t.Helper()
	var failure *authenticator.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, reason, failure.Reason, "%v", err)
	require.Error(t, failure.Err, "the log needs a cause")
	return failure
}

// roundTripper is a transport without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func ok(r *http.Request, body string) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// offline is a valid Config over a transport without a network.
func offline(transport roundTripper) sunbird.Config {
	return sunbird.Config{
		SearchURL: "https://registry.example.org" + sunbirdtest.SearchPath,
		EntityURL: "https://registry.example.org" + sunbirdtest.EntityPath,
		Form:      sunbirdtest.Form(),
		Claims:    map[string]sunbird.Claim{"name": {Field: "fullName"}, "birthdate": {Field: "dob"}, "benefits": {Field: "benefits"}},
		Transport: transport,
	}
}
