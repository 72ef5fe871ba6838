package dpop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/store/memory"
)

func TestResourceDemandsAStrongerOrNewerLogin(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	twoFactors := dpop.Authentication{ACRValues: []string{"urn:loa:3", "urn:loa:2"}}
	for name, test := range map[string]struct {
		needed    dpop.Authentication
		acr       string
		age       time.Duration
		challenge string
	}{
		"nothing is demanded":  {},
		"the context was met":  {needed: twoFactors, acr: "urn:loa:2"},
		"young enough":         {needed: dpop.Authentication{MaxAge: time.Minute}, age: time.Minute},
		"a weaker context":     {needed: twoFactors, acr: "urn:loa:1", challenge: `acr_values="urn:loa:3 urn:loa:2"`},
		"no context":           {needed: twoFactors, challenge: `acr_values="urn:loa:3 urn:loa:2"`},
		"too long ago":         {needed: dpop.Authentication{MaxAge: time.Minute}, age: time.Minute + time.Second, challenge: `max_age="60"`},
		"nobody knows when":    {needed: dpop.Authentication{MaxAge: time.Minute}, age: -1, challenge: `max_age="60"`},
		"never ends the quote": {needed: dpop.Authentication{ACRValues: []string{`a"b`, "urn:loa:9"}}, challenge: `acr_values="urn:loa:9"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := memory.New(memory.Config{})
			require.NoError(t, err)
			v, err := dpop.New(dpop.Config{Store: s, Now: func() time.Time { return now }})
			require.NoError(t, err)
			token := &dpop.Token{ACR: test.acr, AuthTime: now.Add(-test.age)}
			if test.age < 0 {
				token.AuthTime = time.Time{}
			}
			resource, err := dpop.NewResource(dpop.ResourceConfig{
				Verifier: v, BaseURL: baseURL, AllowBearer: true,
				Tokens: func(context.Context, string) (*dpop.Token, error) { return token, nil },
			})
			require.NoError(t, err)
			records := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
			r := httptest.NewRequest(http.MethodGet, resourceURL, nil)
			r.Header.Set("Authorization", "Bearer token")
			w := httptest.NewRecorder()
			resource.Handler(resource.Require(test.needed, records)).ServeHTTP(w, r)
			if test.challenge == "" {
				assert.Equal(t, http.StatusNoContent, w.Code)
				return
			}
			assert.Equal(t, http.StatusUnauthorized, w.Code)
			challenge := w.Header().Values("WWW-Authenticate")[0]
			assert.Contains(t, challenge, `Bearer error="insufficient_user_authentication", error_description="a `)
			assert.Contains(t, challenge, test.challenge)
		})
	}
}

func TestRequirementOutsideOfTheResourceLetsNobodyIn(t *testing.T) {
	t.Parallel()
	s, err := memory.New(memory.Config{})
	require.NoError(t, err)
	v, err := dpop.New(dpop.Config{Store: s})
	require.NoError(t, err)
	resource, err := dpop.NewResource(dpop.ResourceConfig{Verifier: v, Tokens: tokens, BaseURL: baseURL})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	resource.Require(dpop.Authentication{}, http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, resourceURL, nil))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
}
