package sunbird_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird/sunbirdtest"
)

// noPersonalData fails if a text has anything that a person typed or the registry knows.
func noPersonalData(t *testing.T, text string) {
	t.Helper()
	for _, personal := range []string{
		"FR274019", "AE619374", "XX0000", "Amélie", "Béranger", "ranger", "1991", "Grace", "ليلى", "example.org", "33639980012",
		"5f3c7a52", "0c9d8e7f", "/Insurance/",
	} {
		assert.NotContains(t, text, personal)
	}
}

func TestNothingPersonalIsLoggedOrInErrors(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	twin := sunbirdtest.Records()[2]
	r.Records = append(r.Records, twin)
	r.Records[1]["dob"] = "yesterday, Grace"
	var said strings.Builder
	c := r.Config()
	c.Logger = logger(&said)
	c.MaxFailures, c.Pause = 2, time.Nanosecond
	c.MaxResponseBytes = 4096
	c.CompareOnly = []string{"fullName"}
	s := newSunbird(t, c)

	exercise := func() {
		for _, req := range []*authenticator.Request{
			amelie(),
			login("XX000001", answers("Amélie Béranger-Noël", "17/04/1991")),
			login("KE440917", answers("Grace Wanjiru Otieno", "29/06/1985")),
			login("FR274019", answers("Amélie", "17/04/1991")),
			login("FR274019", answers("Amélie", "31/04/1991")),
			login("FR274019", `{"Amélie": "Béranger"}`),
			login("FR274019", `{"fullName": "Amélie", "fullName": "Béranger"`),
			login("Amélie", ""),
		} {
			if _, err := s.Authenticate(t.Context(), req); err != nil {
				fmt.Fprintln(&said, err)
			}
		}
		for _, subject := range []string{sunbirdtest.AmelieID, sunbirdtest.LeilaID, "1-gone-Amélie", "../Béranger"} {
			if _, err := s.Claims(t.Context(), claimsOf(subject, "name", "birthdate", "email")); err != nil {
				fmt.Fprintln(&said, err)
			}
		}
	}
	exercise()
	for _, say := range []func(http.ResponseWriter, *http.Request) bool{
		says(500, "Amélie"), says(200, "Amélie"), says(200, strings.Repeat("Amélie", 1000)),
		func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
		func(w http.ResponseWriter, _ *http.Request) bool { // not HTTP at all
			conn, out, err := w.(http.Hijacker).Hijack()
			if assert.NoError(t, err) {
				_, _ = out.WriteString("Amélie Béranger-Noël FR274019\r\n\r\n")
				_ = out.Flush()
				_ = conn.Close()
			}
			return true
		},
	} {
		r.Answer = say
		exercise()
	}
	r.Answer = nil
	exercise()
	assert.Contains(t, said.String(), "several records")
	assert.Contains(t, said.String(), "calls are suspended")
	assert.Contains(t, said.String(), "claim=birthdate")
	noPersonalData(t, said.String())
}

func TestErrorsOfATransportAreNotRepeated(t *testing.T) {
	t.Parallel()
	s := newSunbird(t, offline(func(r *http.Request) (*http.Response, error) {
		return nil, errors.New("cannot GET " + r.URL.String() + " for Amélie")
	}))
	_, err := s.Claims(t.Context(), claimsOf(sunbirdtest.AmelieID, "name"))
	requireReason(t, err, authenticator.Unavailable)
	noPersonalData(t, err.Error())
	require.ErrorContains(t, err, "*errors.errorString")
}
