package ui_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

// chromium is a tab of a real browser.
type chromium struct {
	t   *testing.T
	ctx context.Context

	mu sync.Mutex
	// complaints are what the browser says about the pages: violations of their policy, scripts that fail.
	complaints []string
}

func newChromium(t *testing.T, flags ...chromedp.ExecAllocatorOption) *chromium {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); path == "" && err == nil {
			path = found
		}
	}
	require.NotEmpty(t, path, "the browser tests need Chromium: install it, or name it in the environment variable CHROMIUM")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-features", "Translate,BackForwardCache"), chromedp.Flag("accept-lang", "en"))
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(options, flags...)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	c := &chromium{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok && e.Entry.Level == "error" && !strings.Contains(e.Entry.Text, "status of 4") {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.complaints = append(c.complaints, e.Entry.Text)
		}
	}))
	return c
}

func (c *chromium) do(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	require.NoError(c.t, chromedp.Do(c.ctx, steps...))
}

// click clicks and waits for the page that follows.
func (c *chromium) click(id string) {
	c.t.Helper()
	_, err := chromedp.RunResponse(c.ctx, chromedp.Click(chromedp.ID(id)))
	require.NoError(c.t, err, "click %s: %v", id, &c.complaints)
}

func (c *chromium) fill(id, text string) {
	c.t.Helper()
	c.do(chromedp.SendKeys(chromedp.ID(id), text))
}

func (c *chromium) eval(expression string) string {
	c.t.Helper()
	s, err := chromedp.Run(c.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	require.NoError(c.t, err)
	return s
}

func (c *chromium) assertNoComplaints() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	assert.Empty(c.t, c.complaints)
}

// newPortal is a client whose callback leads on to another origin, as that of a portal with a separate front end does.
func newPortal(t *testing.T) *httptest.Server {
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<title>Portal</title><p id=arrived>" + r.URL.Query().Get("outcome") + "</p>"))
	}))
	t.Cleanup(front.Close)
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outcome := r.FormValue("error")
		if r.FormValue("code") != "" && r.FormValue("state") == "s1" {
			outcome = "welcome"
		}
		http.Redirect(w, r, front.URL+"/?outcome="+outcome, http.StatusSeeOther)
	}))
	t.Cleanup(portal.Close)
	return portal
}

func TestChromiumLogsInWithAndWithoutJavaScript(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			portal := newPortal(t)
			p := newProvider(t, nil, portal.URL+"/callback")
			c := newChromium(t)
			_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
			require.NoError(t, err)
			c.do(chromedp.Navigate(p.URL + p.request("redirect_uri", portal.URL+"/callback")))

			c.click("login_with_otp")
			c.fill("Otp_vid", personID)
			c.click("get_otp")
			c.fill("otp_verify_input", "000000")
			c.click("verify_otp")
			c.do(chromedp.WaitVisible(chromedp.ID("error-banner")))
			c.do(chromedp.Reload())
			c.do(chromedp.NavigateBack())
			c.do(chromedp.SetValue(chromedp.ID("otp_verify_input"), mock.OTP))
			c.click("verify_otp")
			c.do(chromedp.Click(chromedp.CSS("input[value=email]")))
			c.click("continue")
			c.do(chromedp.WaitVisible(chromedp.ID("arrived")))
			assert.Equal(t, "welcome", c.eval("document.body.textContent"))
			c.assertNoComplaints()
		})
	}
}

func TestChromiumEnhancesThePages(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	c := newChromium(t)
	c.do(chromedp.Navigate(p.URL + p.request()))
	c.click("login_with_pwd")

	c.do(chromedp.Click(chromedp.ID("verify_password")), chromedp.WaitVisible(chromedp.ID("Password_vid-error")))
	assert.Equal(t, "Enter your ID number.", c.eval(`document.getElementById("Password_vid-error").textContent`))
	assert.Equal(t, "Password_vid", c.eval("document.activeElement.id"), "the first field that is missing has the focus")
	assert.Equal(t, "true", c.eval(`document.getElementById("response").getAttribute("aria-invalid")`))
	c.fill("Password_vid", personID)
	assert.Equal(t, "null", c.eval(`document.getElementById("Password_vid-error")`), "the message goes when the field is filled")

	c.fill("response", "guess")
	c.do(chromedp.Click(chromedp.ID("password-eye")))
	assert.Equal(t, "text", c.eval(`document.getElementById("response").type`))
	assert.Equal(t, "true", c.eval(`document.getElementById("password-eye").getAttribute("aria-pressed")`))
	c.do(chromedp.Click(chromedp.ID("password-eye")))
	assert.Equal(t, "password", c.eval(`document.getElementById("response").type`))

	assert.Equal(t, "false", c.eval(`(() => {
		const form = document.getElementById("verify_password").form;
		form.setAttribute("aria-busy", "true");
		const sent = form.dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
		form.removeAttribute("aria-busy");
		return sent;
	})()`), "a form that is under way is not sent again")

	c.click("verify_password")
	c.do(chromedp.WaitVisible(chromedp.ID("error-banner")))
	_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](`document.activeElement.id === "error-banner"`))
	require.NoError(t, err, "the summary has the focus")

	c.click("back-button")
	c.click("login_with_otp")
	assert.Equal(t, personID, c.eval(`document.getElementById("Otp_vid").value`))
	c.click("get_otp")
	assert.Equal(t, "true", c.eval(`document.getElementById("resend_otp").getAttribute("aria-disabled")`))
	first := c.eval(`document.getElementById("resend-wait").textContent`)
	_, err = chromedp.Run(c.ctx, chromedp.Poll[bool](`document.getElementById("resend-wait").textContent !== "`+first+`"`))
	require.NoError(t, err, "the wait counts down")
	c.assertNoComplaints()
}

func TestChromiumShowsEveryPageOnANarrowScreen(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "ar"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, withLanguages)
			c := newChromium(t)
			check := func() {
				t.Helper()
				assert.Equal(t, language, c.eval("document.documentElement.lang"))
				assert.Equal(t, "320", c.eval("document.documentElement.scrollWidth"), "%s scrolls sideways", c.eval("location.pathname"))
				assert.Equal(t, "", c.eval(`[...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
					.filter((e) => e.offsetParent && !e.matches(".skip, p a") && e.getBoundingClientRect().height < 22).map((e) => e.id || e.textContent)`),
					"targets are large enough on %s", c.eval("location.pathname"))
			}
			c.do(chromedp.EmulateViewport(320, 568), chromedp.Navigate(p.URL+p.request("ui_locales", language)))
			check()
			c.click("login_with_pwd")
			c.fill("Password_vid", personID)
			c.fill("response", "guess")
			c.click("verify_password")
			check()
			c.click("back-button")
			c.click("login_with_otp")
			check()
			c.click("get_otp")
			check()
			c.fill("otp_verify_input", mock.OTP)
			c.click("verify_otp")
			check()
			c.do(chromedp.Navigate(p.URL + "/authorize?ui_locales=" + language))
			check()
			c.assertNoComplaints()
		})
	}
}

// paste puts the text where the focus is, all at once, as pasting and filling in do.
func (c *chromium) paste(text string) {
	c.t.Helper()
	_, err := chromedp.Call(c.ctx, input.InsertText, input.InsertTextParams{Text: text})
	require.NoError(c.t, err)
}

// retype types the text over what is in the field.
func (c *chromium) retype(id, text string) {
	c.t.Helper()
	c.do(chromedp.WaitVisible(chromedp.ID(id)))
	c.eval(`(input => { input.value = ""; input.focus(); })(document.getElementById("` + id + `"))`)
	c.press(strings.Split(text, "")...)
}
