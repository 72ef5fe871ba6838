package ui_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// fakeLogin is a login over a fake flow, in a browser without JavaScript.
type fakeLogin struct {
	*browser
	flow   *fakeFlow
	pages  *ui.UI
	server *httptest.Server
}

// fakeHandle is one that could be real, for what keeps something under it.
const fakeHandle = "aGFuZGxlLWhhbmRsZS1oYW5kbGUtaGFuZGxlLWhhbmQ"

// newFakeLogin starts a login at the state.
func newFakeLogin(tb testing.TB, s *login.State, configure func(*ui.Config)) *fakeLogin {
	tb.Helper()
	pages, flow := newPages(tb, configure)
	flow.put(fakeHandle, s)
	mux := http.NewServeMux()
	mux.Handle("/login/", pages)
	mux.HandleFunc("/start", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "signet-" + login.ID(fakeHandle), Value: fakeHandle, Path: "/", HttpOnly: true})
		http.Redirect(w, r, "/login/"+login.ID(fakeHandle)+"/", http.StatusSeeOther)
	})
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	b := newBrowser(tb, server.URL)
	b.header.Set("Cookie", "signet-"+login.ID(fakeHandle)+"="+fakeHandle)
	return &fakeLogin{browser: b, flow: flow, pages: pages, server: server}
}

// page opens the page at which the login stands.
func (f *fakeLogin) page() *answer {
	f.tb.Helper()
	return f.open("/login/" + login.ID(fakeHandle) + "/")
}

// chromium opens the page in a real browser, under a name that passkeys can be bound to. The browser can be changed before.
func (f *fakeLogin) chromium(t *testing.T, before func(*chromium)) *chromium {
	t.Helper()
	c := newChromium(t)
	if before != nil {
		before(c)
	}
	c.do(chromedp.Navigate(strings.Replace(f.server.URL, "127.0.0.1", "localhost", 1) + "/start"))
	return c
}

// made are the calls of the flow so far.
func (f *fakeFlow) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// answered is what the flow was answered last.
func (f *fakeFlow) answered() (authenticator.Identifier, authenticator.Challenge) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.identifier, f.challenge
}

// told is the last response that is not an answer: of a captcha, or of an enrollment.
func (f *fakeFlow) told() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.response
}

// moveOn makes the flow do what a right answer, or an enrollment, does.
func moveOn(call string, s *login.State) error {
	switch call {
	case "choose":
		s.Step, s.Option, s.Factor = login.StepVerify, 1, authenticator.Passkey
	case "answer", "enroll":
		s.Step = login.StepConsent
	case "send":
		s.Step = login.StepVerify
	}
	return nil
}

func requireMoved(tb testing.TB, a *answer) {
	tb.Helper()
	require.Equal(tb, "consent", a.page(), a.text())
}
