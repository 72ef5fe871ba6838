package par_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// FuzzPush sends any body. The client authenticates where the body has the word ASSERTION, so that what comes after
// authentication is reached too.
func FuzzPush(f *testing.F) {
	w := newWorld(f)
	good := with(w.request(f), "client_assertion", "ASSERTION")
	f.Add(good.Encode())
	f.Add("")
	f.Add(good.Encode() + "&state=%zz")
	f.Add(with(good, "client_assertion", "e30.e30.e30").Encode())
	for name := range good {
		f.Add(with(good, name).Encode())
		f.Add(with(good, name, "a", "b").Encode())
		f.Add(with(good, name, "\x00\xff\"\\\u00e9").Encode())
	}
	for _, name := range []string{"request", "request_uri", "dpop_jkt", "response_mode", "registration", "client_secret"} {
		f.Add(with(good, name, "x").Encode())
	}
	f.Fuzz(func(t *testing.T, body string) {
		body = strings.ReplaceAll(body, "ASSERTION", w.assertion(t))
		r := httptest.NewRequest(http.MethodPost, "/par", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		a := decode(t, rec)
		if rec.Code != http.StatusCreated {
			require.Contains(t, []int{400, 401, 413}, rec.Code, rec.Body)
			require.NotEmpty(t, a.Error)
			require.Empty(t, a.RequestURI)
			return
		}
		sent, err := url.ParseQuery(body)
		require.NoError(t, err)
		req, err := w.Request(t.Context(), "portal", a.RequestURI)
		require.NoError(t, err)
		require.Equal(t, callback, req.RedirectURI)
		require.Equal(t, sent.Get("state"), req.State)
		require.Equal(t, sent.Get("code_challenge"), req.CodeChallenge)
		require.Len(t, req.CodeChallenge, 43, "the profile demands PKCE")
		require.Empty(t, req.RequestURI)
		for _, scope := range req.Scope {
			require.Equal(t, "records", scope)
		}
		require.NoError(t, w.Spend(t.Context(), a.RequestURI, "fuzz"))
		_, err = w.Request(t.Context(), "portal", a.RequestURI)
		require.Equal(t, oauth.InvalidRequestURI, oauth.AsError(err).Code)
	})
}
