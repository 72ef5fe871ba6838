package par_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/par"
)

// answer is the answer of RFC 9126 section 2.2, or of an error.
type answer struct {
	RequestURI string          `json:"request_uri"`
	ExpiresIn  int             `json:"expires_in"`
	Error      oauth.ErrorCode `json:"error"`
}

func decode(tb testing.TB, rec *httptest.ResponseRecorder) (a answer) {
	tb.Helper()
	require.Equal(tb, "application/json", rec.Header().Get("Content-Type"), rec.Body)
	require.Equal(tb, "no-store", rec.Header().Get("Cache-Control"))
	require.NoError(tb, json.Unmarshal(rec.Body.Bytes(), &a), rec.Body)
	return a
}

func TestPushIsAnsweredWith201AndJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.post(w.request(t))
	require.Equal(t, http.StatusCreated, rec.Code, rec.Body)
	a := decode(t, rec)
	require.Equal(t, 60, a.ExpiresIn)
	req, err := w.Request(t.Context(), "portal", a.RequestURI)
	require.NoError(t, err)
	require.Equal(t, &oauth.AuthorizationRequest{
		ClientID: "portal", RedirectURI: callback, Scope: []string{"records"}, State: "xyz",
		CodeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
	}, req)
}

func TestExpiresInIsTheConfiguredLifetime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	requests, err := par.New(par.Config{Store: w.store, Lifetime: 90 * time.Second, Now: w.clock.Now})
	require.NoError(t, err)
	w.handler = requests.Handler(w.server, endpoint)
	a := decode(t, w.post(w.request(t)))
	require.Equal(t, 90, a.ExpiresIn)
	w.clock.advance(90*time.Second - 1)
	_, err = requests.Request(t.Context(), "portal", a.RequestURI)
	require.NoError(t, err)
	w.clock.advance(1)
	_, err = requests.Request(t.Context(), "portal", a.RequestURI)
	requireInvalid(t, err)
}

func TestEndpointTakesPOSTAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post"} {
		r := httptest.NewRequest(method, "/par", strings.NewReader(w.request(t).Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		require.Equal(t, http.StatusMethodNotAllowed, rec.Code, method)
		require.Equal(t, "POST", rec.Header().Get("Allow"), method)
	}
}

func TestEndpointRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		form   url.Values
		status int
		code   oauth.ErrorCode
	}{
		"an unknown client":    {with(w.request(t), "client_assertion", "x.y.z"), 401, oauth.InvalidClient},
		"no client":            {with(w.request(t), "client_assertion"), 401, oauth.InvalidClient},
		"another client_id":    {with(w.request(t), "client_id", "clinic"), 401, oauth.InvalidClient},
		"no client_id":         {with(w.request(t), "client_id"), 400, oauth.InvalidRequest},
		"a repeated parameter": {with(w.request(t), "state", "a", "b"), 400, oauth.InvalidRequest},
		"a request_uri":        {with(w.request(t), "request_uri", oauth.RequestURIPrefix+"x"), 400, oauth.InvalidRequest},
		"an empty request_uri": {with(w.request(t), "request_uri", ""), 400, oauth.InvalidRequest},
		"too much":             {with(w.request(t), "state", strings.Repeat("a", 70<<10)), 413, oauth.InvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := w.post(c.form)
			require.Equal(t, c.status, rec.Code, rec.Body)
			a := decode(t, rec)
			require.Equal(t, c.code, a.Error)
			require.Empty(t, a.RequestURI)
		})
	}
}

func TestEndpointReadsFormsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, contentType := range []string{"", "application/json", "text/plain", "multipart/form-data; boundary=x"} {
		r := httptest.NewRequest(http.MethodPost, "/par", strings.NewReader(w.request(t).Encode()))
		r.Header.Set("Content-Type", contentType)
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		require.Equal(t, http.StatusUnsupportedMediaType, rec.Code, contentType)
		require.Equal(t, oauth.InvalidRequest, decode(t, rec).Error)
	}
}

func TestParametersInTheURLDoNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := w.request(t)
	r := httptest.NewRequest(http.MethodPost, "/par?scope=records&redirect_uri="+url.QueryEscape(callback),
		strings.NewReader(with(form, "redirect_uri").Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	require.Equal(t, http.StatusBadRequest, rec.Code)
	require.Equal(t, oauth.InvalidRequest, decode(t, rec).Error)
}

func TestEndpointDuringAnOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := w.request(t)
	w.store.fail("Add")
	rec := w.post(form)
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.NotEmpty(t, rec.Header().Get("Retry-After"))
	require.Equal(t, oauth.ServerError, decode(t, rec).Error)
	require.NotContains(t, rec.Body.String(), "10.1.2.3")
	w.store.fail("")
	require.Equal(t, http.StatusCreated, w.post(form).Code, "it cost the client nothing")
}
