package ui_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

// postedPortal is a client that takes its responses by POST, and whose callback leads on to another origin.
type postedPortal struct {
	*httptest.Server

	mu sync.Mutex
	// origins are the Origin headers of the responses.
	origins []string
}

func newPostedPortal(t *testing.T) *postedPortal {
	t.Helper()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<title>Portal</title><p id=arrived>" + r.URL.Query().Get("outcome") + "</p>"))
	}))
	t.Cleanup(front.Close)
	p := new(postedPortal)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.origins = append(p.origins, r.Header.Get("Origin"))
		p.mu.Unlock()
		outcome := "lost"
		if r.Method == http.MethodPost && r.URL.RawQuery == "tenant=1" && r.PostFormValue("state") == `s"1` {
			outcome = r.PostFormValue("error")
			if r.PostFormValue("code") != "" {
				outcome = "welcome"
			}
		}
		http.Redirect(w, r, front.URL+"/?outcome="+outcome, http.StatusSeeOther)
	}))
	t.Cleanup(p.Close)
	return p
}

func TestChromiumPostsTheResponseWithAndWithoutJavaScript(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			portal := newPostedPortal(t)
			callback := portal.URL + "/callback?tenant=1"
			p := newProvider(t, nil, callback)
			c := newChromium(t)
			_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
			require.NoError(t, err)
			request := func(extra ...string) string {
				return p.URL + p.request(append(extra, "redirect_uri", callback, "response_mode", "form_post", "state", `s"1`)...)
			}
			arrives := func(outcome string) {
				t.Helper()
				if !scripts {
					c.do(chromedp.Click(chromedp.ID("response-submit")))
				}
				c.do(chromedp.WaitVisible(chromedp.ID("arrived")))
				assert.Equal(t, outcome, c.eval("document.body.textContent"))
			}

			c.do(chromedp.Navigate(request("scope", "unregistered")))
			arrives("invalid_scope")

			c.do(chromedp.Navigate(request()))
			c.click("login_with_otp")
			c.fill("Otp_vid", personID)
			c.click("get_otp")
			c.fill("otp_verify_input", mock.OTP)
			c.click("verify_otp")
			c.do(chromedp.Click(chromedp.ID("continue")))
			arrives("welcome")

			c.assertNoComplaints()
			portal.mu.Lock()
			defer portal.mu.Unlock()
			assert.Equal(t, []string{p.URL, p.URL}, portal.origins, "the client can tell where the form comes from")
		})
	}
}
