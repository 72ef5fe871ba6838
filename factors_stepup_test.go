package signet_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/dpop"
)

// nestedACRs is a world where the weaker context comes first in the configuration: who reaches the stronger one has
// reached both.
func nestedACRs(t *testing.T) *factorsWorld {
	return newFactorsWorld(t, func(c *signet.Config) {
		c.ACRs = factorsACRs(authenticator.FactorSet{authenticator.Password},
			authenticator.FactorSet{authenticator.Password, authenticator.OTP})
	})
}

func TestIDTokenNamesTheStrongestContextUnlessTheClientAsksForSome(t *testing.T) {
	t.Parallel()
	weak, strong := factorsACR(authenticator.Password), factorsACR(authenticator.Password, authenticator.OTP)
	for name, test := range map[string]struct {
		request []string
		option  string // of those on the page that asks how to log in, if it asks
		both    bool
		want    string
	}{
		"nothing asked, both factors":       {nil, "1", true, strong},
		"nothing asked, one factor":         {nil, "0", false, weak},
		"the stronger is preferred":         {[]string{"acr_values", strong + " " + weak}, "0", true, strong},
		"the weaker is preferred":           {[]string{"acr_values", weak + " " + strong}, "1", true, weak},
		"the weaker alone is asked for":     {[]string{"acr_values", weak}, "", false, weak},
		"the stronger is wished, not given": {[]string{"acr_values", strong + " " + weak}, "1", false, weak},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := nestedACRs(t).from("192.0.2.1")
			page := b.open(b.portal.request(test.request...))
			if page.page() == "choose" {
				page = b.submit(page, "/choose", "option", test.option)
			}
			end, _ := b.walk(page, alice)
			token, _ := b.redeem(b.portal, end.query)
			assert.Equal(t, test.want, token.ACR)
			want := []string{"pwd"}
			if test.both {
				want = []string{"pwd", "otp", "mfa"}
			}
			assert.ElementsMatch(t, want, token.AMR)
		})
	}
}

var challengeParameter = regexp.MustCompile(`(acr_values|max_age)="?([^",]*)"?`)

// A resource server of its own, which reads access tokens as RFC 9068 says, tells a client that its token is not good enough
// (RFC 9470). The client asks the provider for what the challenge names; the session answers for the rest.
func TestResourceServerHasTheLoginStepUp(t *testing.T) {
	t.Parallel()
	w := nestedACRs(t)
	strong := factorsACR(authenticator.Password, authenticator.OTP)
	verifier, err := dpop.New(dpop.Config{Store: w.store, Now: w.clock.now})
	require.NoError(t, err)
	guard, err := dpop.NewResource(dpop.ResourceConfig{
		Verifier: verifier, BaseURL: "https://records.example", AllowBearer: true,
		Tokens: func(_ context.Context, token string) (*dpop.Token, error) {
			var claims struct {
				ACR      string `json:"acr"`
				AuthTime int64  `json:"auth_time"`
			}
			assert.Equal(t, "at+jwt", w.verify(token, &claims))
			return &dpop.Token{ACR: claims.ACR, AuthTime: time.Unix(claims.AuthTime, 0)}, nil
		},
	})
	require.NoError(t, err)
	records := guard.Handler(guard.Require(dpop.Authentication{ACRValues: []string{strong}, MaxAge: 10 * time.Minute},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
	// read asks for the record, and returns what to ask the provider for if the token is not good enough.
	read := func(access string) (parameters []string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://records.example/record", nil)
		r.Header.Set("Authorization", "Bearer "+access)
		answer := httptest.NewRecorder()
		records.ServeHTTP(answer, r)
		if answer.Code == http.StatusNoContent {
			return nil
		}
		require.Equal(t, http.StatusUnauthorized, answer.Code)
		challenge := answer.Header().Get("WWW-Authenticate")
		require.Contains(t, challenge, `error="insufficient_user_authentication"`)
		for _, found := range challengeParameter.FindAllStringSubmatch(challenge, -1) {
			parameters = append(parameters, found[1], found[2])
		}
		require.Len(t, parameters, 4, challenge)
		return parameters
	}
	b := w.from("192.0.2.1")
	obtain := func(extra ...string) (access string, pages []string) {
		end, pages := b.walk(b.open(b.portal.request(extra...)), alice)
		_, access = b.redeem(b.portal, end.query)
		return access, pages
	}

	access, _ := obtain("acr_values", factorsACR(authenticator.Password))
	demanded := read(access)
	require.Equal(t, []string{"acr_values", strong, "max_age", strconv.Itoa(600)}, demanded)
	access, pages := obtain(demanded...)
	assert.NotContains(t, pages, "verify/pwd", "the session stands for the password")
	assert.Contains(t, pages, "verify/otp")
	assert.Empty(t, read(access))

	w.clock.advance(11 * time.Minute) // the token still works, the login is too long ago
	demanded = read(access)
	access, pages = obtain(demanded...)
	assert.Contains(t, pages, "verify/pwd", "a proof that is too old counts no more")
	assert.Contains(t, pages, "verify/otp")
	assert.Empty(t, read(access))
}
