package ui_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

// newWindowPortal is a client that opens the login in a window, whose redirect page tells the one that opened it.
func newWindowPortal(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	page := func(path, title, script string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<title>" + title + "</title><body><script>" + script + "</script>"))
		})
	}
	page("/", "Portal", `let login; addEventListener("message", (event) => {
		if (event.source === login && event.origin === location.origin) document.body.textContent = event.data;
	})`)
	page("/callback", "Back", `window.opener.postMessage(new URL(location).searchParams.has("code") ? "welcome" : "refused")`)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// A Cross-Origin-Opener-Policy on any page of the login would cut the two windows off from each other.
func TestChromiumTellsAClientThatOpenedTheLoginInAWindow(t *testing.T) {
	t.Parallel()
	portal := newWindowPortal(t)
	p := newProvider(t, nil, portal.URL+"/callback")
	c := newChromium(t)
	c.do(chromedp.Navigate(portal.URL + "/"))
	opened := chromedp.WaitNewTarget(c.ctx, func(info *target.Info) bool { return strings.HasPrefix(info.URL, p.URL) })
	c.eval(`(login = window.open("` + p.URL + p.request("redirect_uri", portal.URL+"/callback", "display", "popup") + `"), "")`)
	var id target.ID
	select {
	case id = <-opened:
	case <-c.ctx.Done():
		require.Fail(t, "there is no window that the client opened")
	}
	ctx, cancel := chromedp.NewContext(c.ctx, chromedp.WithTargetID(id))
	t.Cleanup(cancel)
	window := &chromium{t: t, ctx: ctx}
	window.click("login_with_otp")
	window.fill("Otp_vid", personID)
	window.click("get_otp")
	window.fill("otp_verify_input", mock.OTP)
	window.click("verify_otp")
	assert.Equal(t, "false", c.eval("login.closed"), "the client sees the window, and when it is closed")
	window.do(chromedp.Click(chromedp.ID("continue")))
	require.Eventually(t, func() bool { return c.eval("document.body.textContent") == "welcome" }, 30*time.Second, 10*time.Millisecond)
	c.assertNoComplaints()
}
