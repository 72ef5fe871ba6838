package ui_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/ui"
)

var _ oauth.Resumer = (*ui.UI)(nil)

const requestURI = oauth.RequestURIPrefix + "a"

// resume asks the pages to resume the portal's request in a browser that has the cookies of the logins.
func resume(pages *ui.UI, clientID, requestURI string, handles ...string) (*httptest.ResponseRecorder, bool) {
	r := httptest.NewRequest(http.MethodGet, "/authorize", nil)
	for _, handle := range handles {
		r.AddCookie(&http.Cookie{Name: "signet-" + login.ID(handle), Value: handle})
	}
	w := httptest.NewRecorder()
	return w, pages.Resume(w, r, clientID, requestURI)
}

func TestReloadLeadsToWhereTheLoginStands(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state login.State
		page  string
	}{
		"choose":   {login.State{Step: login.StepChoose, Option: -1}, "choose"},
		"identify": {login.State{Step: login.StepIdentify, Factor: authenticator.OTP}, "identify/otp"},
		"verify":   {login.State{Step: login.StepVerify, Factor: authenticator.Password}, "verify/pwd"},
		"consent":  {login.State{Step: login.StepConsent}, "consent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, flow := newPages(t, nil)
			c.state.RequestURI = requestURI
			flow.put("other", &login.State{Step: login.StepChoose, Option: -1, RequestURI: requestURI + "b"})
			flow.put("mine", &c.state)
			w, ok := resume(pages, "portal", requestURI, "gone", "other", "mine")
			require.True(t, ok)
			require.Equal(t, http.StatusSeeOther, w.Code)
			require.Equal(t, "/login/"+login.ID("mine")+"/"+c.page, w.Header().Get("Location"))
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			require.Empty(t, w.Header().Values("Set-Cookie"))
			require.Empty(t, flow.calls, "looking is all that is done")
		})
	}
}

func TestNothingIsResumed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state                state
		clientID, requestURI string
		handles              []string
	}{
		"in another browser":          {state{login.StepChoose, requestURI}, "portal", requestURI, nil},
		"with another request_uri":    {state{login.StepChoose, requestURI}, "portal", requestURI + "b", []string{"mine"}},
		"for another client":          {state{login.StepChoose, requestURI}, "clinic", requestURI, []string{"mine"}},
		"after the login":             {state{login.StepDone, requestURI}, "portal", requestURI, []string{"mine"}},
		"that began without a push":   {state{login.StepChoose, ""}, "portal", requestURI, []string{"mine"}},
		"that has expired":            {state{login.StepChoose, requestURI}, "portal", requestURI, []string{"gone"}},
		"by a cookie of another name": {state{login.StepChoose, requestURI}, "portal", requestURI, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, flow := newPages(t, nil)
			flow.put("mine", &login.State{Step: c.state.step, Option: -1, RequestURI: c.state.requestURI})
			r := httptest.NewRequest(http.MethodGet, "/authorize", nil)
			for _, handle := range c.handles {
				r.AddCookie(&http.Cookie{Name: "signet-" + login.ID(handle), Value: handle})
			}
			if name == "by a cookie of another name" {
				r.AddCookie(&http.Cookie{Name: "signet-" + login.ID("other"), Value: "mine"})
			}
			w := httptest.NewRecorder()
			require.False(t, pages.Resume(w, r, c.clientID, c.requestURI))
			require.Empty(t, w.Header(), "the answer is for whoever goes on")
			require.Zero(t, w.Body.Len())
		})
	}
}

type state struct {
	step       login.Step
	requestURI string
}

func TestOutageResumesNothing(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, nil)
	flow.put("mine", &login.State{Step: login.StepChoose, Option: -1, RequestURI: requestURI})
	flow.broken = http.ErrServerClosed
	_, ok := resume(pages, "portal", requestURI, "mine")
	require.False(t, ok)
}

// A stranger can send thousands of cookies that look like logins. Only as many are looked up as a browser would have.
func TestResumeLooksAtNoMoreLoginsThanABrowserCarries(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, nil)
	flow.put("mine", &login.State{Step: login.StepChoose, Option: -1, RequestURI: requestURI})
	handles := []string{"mine"}
	for i := range 9 {
		handles = append(handles, "handle-"+strconv.Itoa(i))
	}
	_, ok := resume(pages, "portal", requestURI, handles...)
	require.True(t, ok)
	_, ok = resume(pages, "portal", requestURI, append(handles, "one-more")...)
	require.False(t, ok)
	_, ok = resume(pages, "portal", requestURI, append(handles, "one-more", "mine")...)
	require.True(t, ok, "the newest come last")
}
