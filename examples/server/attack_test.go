package main

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The attacks come to the pages of the server as it is started: what the flags say is what holds.

const lockedText = "cannot log in for a while"

// guess tries a password for somebody in a login of its own, from the address that a proxy names.
func guess(t *testing.T, s *running, address, somebody, response string) *visitor {
	t.Helper()
	v := visit(t, s.portal)
	v.client.Transport = throughProxy(address)
	v.open(s.portal + "/login")
	v.press("login_with_pwd")
	v.press("verify_password", "identifier", somebody, "response", response)
	return v
}

// throughProxy is a proxy that says for whom it asks.
type throughProxy string

func (address throughProxy) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", string(address))
	return http.DefaultTransport.RoundTrip(r)
}

func TestServerLimitsGuessesAtOnePersonFromEverywhere(t *testing.T) {
	t.Parallel()
	s := start(t, "-attempts-per-person", "2", "-trusted-proxies", "127.0.0.1")
	for i := range 2 {
		v := guess(t, s, fmt.Sprintf("198.51.100.%d", i), person, "wrong")
		assert.NotContains(t, v.page, lockedText)
	}
	v := guess(t, s, "198.51.100.9", "805-143-7269", password)
	assert.Contains(t, v.page, lockedText, "the right password is not looked at")
	assert.Contains(t, v.page, `<time datetime="`, "the end is visible")
	require.NoError(t, s.stop())
}

func TestServerLimitsOneAddressOverAllPeople(t *testing.T) {
	t.Parallel()
	s := start(t, "-attempts-per-address", "3", "-trusted-proxies", "127.0.0.1")
	for i := range 3 {
		guess(t, s, "198.51.100.1", fmt.Sprintf("100000000%d", i), "leaked")
	}
	assert.Contains(t, guess(t, s, "198.51.100.1", person, password).page, lockedText)
	assert.True(t, guess(t, s, "198.51.100.2", person, password).shows("continue"), "another address is not concerned")
	require.NoError(t, s.stop())
}

func TestServerLimitsAttemptsAndDelaysThem(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := visit(t, s.portal+"/login")
	v.press("login_with_pwd")
	for range 3 {
		v.press("verify_password", "identifier", person, "response", "wrong")
	}
	v.press("verify_password", "identifier", person, "response", password)
	assert.Contains(t, v.page, "After wrong answers you have to wait")
	assert.Regexp(t, regexp.MustCompile(`data-seconds="\d+"`), v.page, "the end is visible")

	other := visit(t, s.portal+"/login")
	other.press("login_with_pwd")
	for i := range 5 {
		other.press("verify_password", "identifier", fmt.Sprintf("100000000%d", i), "response", "wrong")
	}
	assert.Contains(t, other.at.Path+other.at.RawQuery+other.page, "access_denied", "the fifth wrong answer ends the login")
	require.NoError(t, s.stop())
}

func TestADeploymentSaysHowManyAnswersAndCodesALoginHas(t *testing.T) {
	t.Parallel()
	s := start(t, "-attempts-per-login", "2", "-delay-after", "1", "-delay", "1m", "-codes-per-login", "1")
	v := visit(t, s.portal+"/login")
	v.press("login_with_pwd")
	for i := range 2 {
		v.press("verify_password", "identifier", fmt.Sprintf("100000000%d", i), "response", "wrong")
	}
	assert.Contains(t, v.at.Path+v.at.RawQuery+v.page, "access_denied", "the second wrong answer ends the login")

	v = visit(t, s.portal+"/login")
	v.press("login_with_pwd")
	v.press("verify_password", "identifier", person, "response", "wrong")
	v.press("verify_password", "identifier", person, "response", password)
	assert.Contains(t, v.page, "After wrong answers you have to wait", "the first is not free")

	v = visit(t, s.portal+"/login")
	v.press("login_with_otp")
	v.press("get_otp", "identifier", person)
	assert.False(t, v.shows("resend_otp"), "there is one code")
	require.NoError(t, s.stop())
}

func TestServerLimitsCodes(t *testing.T) {
	t.Parallel()
	s := start(t, "-attempts-per-person", "2")
	send := func() *visitor {
		v := visit(t, s.portal+"/login")
		v.press("login_with_otp")
		v.press("get_otp", "identifier", person)
		return v
	}
	for range 2 {
		assert.True(t, send().shows("verify_otp"))
	}
	v := send()
	assert.False(t, v.shows("verify_otp"))
	assert.Contains(t, v.page, lockedText)
	require.NoError(t, s.stop())
}
