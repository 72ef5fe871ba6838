package ui_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oidc"
)

// press presses the keys where the focus is.
func (c *chromium) press(keys ...string) {
	c.t.Helper()
	for _, key := range keys {
		c.do(chromedp.KeyEvent(key))
	}
}

func (c *chromium) focused() string {
	c.t.Helper()
	return c.eval("document.activeElement.id")
}

// ticked is what is ticked on the page.
func (c *chromium) ticked() string {
	c.t.Helper()
	return c.eval(`[...document.querySelectorAll("input[name]:checked")].map((box) => box.value)`)
}

// every is the state of the switch for all that is optional, as the browser tells it to a screen reader.
func (c *chromium) every() string {
	c.t.Helper()
	return c.eval(`(({ checked, indeterminate }) => indeterminate ? "mixed" : checked)(document.getElementById("select-optional"))`)
}

func TestChromiumHasOneSwitchForAllThatIsOptional(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, newConsent(), nil)
	c := f.chromium(t, nil)
	assert.Equal(t, "null", c.eval(`document.getElementById("select-all")`), "it stands for the two buttons")
	assert.Equal(t, "false", c.every())
	assert.Equal(t, "name,birthdate", c.ticked())

	c.do(chromedp.Click(chromedp.ID("claim-email")))
	assert.Equal(t, "mixed", c.every())
	c.do(chromedp.Click(chromedp.ID("claim-phone_number")), chromedp.Click(chromedp.ID("scope-appointments")))
	assert.Equal(t, "true", c.every(), "it follows the last one")
	c.do(chromedp.Click(chromedp.ID("claim-email")))
	assert.Equal(t, "mixed", c.every())

	c.do(chromedp.Focus(chromedp.ID("select-optional")))
	c.press(" ")
	assert.Equal(t, "true", c.every(), "from mixed to all")
	assert.Equal(t, "name,birthdate,email,phone_number,appointments", c.ticked())
	c.press(" ")
	assert.Equal(t, "false", c.every())
	assert.Equal(t, "name,birthdate", c.ticked(), "what is essential is left alone")

	c.do(chromedp.Click(chromedp.ID("claim-name")))
	assert.Equal(t, "false", c.every())
	c.assertNoComplaints()
}

func TestChromiumDecidesByKeyboard(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, newConsent(), nil)
	f.flow.do = func(_ string, s *login.State) error {
		s.Step = login.StepDone
		return nil
	}
	c := f.chromium(t, nil)
	c.do(chromedp.Focus(chromedp.ID("claim-name")))
	var order []string
	for range 8 {
		order = append(order, c.focused())
		c.press(kb.Tab)
	}
	assert.Equal(t, []string{"claim-name", "claim-birthdate", "select-optional", "claim-email", "claim-phone_number",
		"scope-appointments", "continue", "cancel"}, order)
	c.do(chromedp.Focus(chromedp.ID("claim-name")))
	c.press(" ", kb.Tab, kb.Tab, kb.Tab, " ")
	_, err := chromedp.RunResponse(c.ctx, chromedp.KeyEvent(kb.Enter))
	require.NoError(t, err)
	c.do(chromedp.WaitVisible(chromedp.ID("return")))
	assert.Equal(t, []string{"decide"}, f.flow.made())
	assert.Equal(t, login.Decision{Claims: []string{"birthdate", "email"}, Language: "en"}, f.flow.decision, "Enter sends what is ticked")
	c.assertNoComplaints()
}

func TestChromiumTicksAllWithoutJavaScript(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, newConsent(), nil)
	c := f.chromium(t, func(c *chromium) {
		_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		require.NoError(t, err)
	})
	c.do(chromedp.Click(chromedp.ID("claim-name")))
	c.click("select-all")
	assert.Equal(t, "birthdate,email,phone_number,appointments", c.ticked())
	c.click("select-none")
	assert.Equal(t, "birthdate", c.ticked())
	_, err := chromedp.RunResponse(c.ctx, chromedp.SendKeys(chromedp.ID("claim-email"), " "+kb.Enter))
	require.NoError(t, err)
	assert.Equal(t, []string{"birthdate", "email"}, f.flow.decision.Claims, "Enter allows, and does not tick all")
	c.assertNoComplaints()
}

func TestChromiumSaysWhenTheTimeIsNearlyOver(t *testing.T) {
	t.Parallel()
	status := `document.getElementById("time-status").textContent`
	poll := func(c *chromium, expression string) {
		t.Helper()
		_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](expression))
		require.NoError(t, err, expression)
	}
	s := newConsent()
	s.ExpiresAt = time.Now().Add(9 * time.Minute)
	c := newFakeLogin(t, s, nil).chromium(t, nil)
	first := c.eval(`document.getElementById("time-clock").textContent`)
	poll(c, `document.getElementById("time-clock").textContent !== `+"`"+first+"`")
	assert.Equal(t, "", c.eval(status), "the clock is not read out")
	assert.Equal(t, "true", c.eval(`document.getElementById("start-again").hidden`))

	// The clocks of the browser are stopped, and one is read and set, instead of waiting.
	const clock = `document.querySelector("#time-clock span").textContent`
	c.eval(`(() => { window.stopped = performance.now(); performance.now = () => window.stopped; Date.now = () => 0; ` + clock + ` = ""; })()`)
	poll(c, clock+` !== ""`)
	c.eval(`window.stopped += (([minutes, seconds]) => minutes * 60 + Number(seconds) - 60)(` + clock + `.split(":")) * 1000`)
	poll(c, status+` === "You have 60 seconds left to decide."`)
	c.eval(`window.stopped += 60 * 1000`)
	poll(c, status+` === "The time for this login is over. Nothing was shared. Start again at Health Portal."`)
	assert.Equal(t, "https://portal.example.org/", c.eval(`document.getElementById("start-again").href`))
	assert.Equal(t, "false", c.eval(`document.getElementById("start-again").hidden`))
	c.assertNoComplaints()
}

func TestChromiumGoesToTheVerificationServiceAndBack(t *testing.T) {
	t.Parallel()
	f := newVerification(t, nil)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.flow.mu.Lock()
		defer f.flow.mu.Unlock()
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<a id=back href="` + f.flow.returnURI + `?ticket=1">back</a><p id=referer>` + r.Referer() + `</p>`))
	}))
	t.Cleanup(service.Close)
	f.flow.verifier = service.URL // another site than the name localhost, under which the pages are
	f.flow.do = func(call string, s *login.State) error {
		if call == "resume" {
			s.Step, s.Voluntary = login.StepConsent, []string{"name"}
		}
		return nil
	}
	c := f.chromium(t, nil)
	c.click("proceed-button")
	assert.Equal(t, "", c.eval("document.getElementById('referer').textContent"), "the service learns nothing of the login's URL")
	c.do(chromedp.NavigateBack())
	c.click("proceed-button")
	c.click("back")
	assert.Equal(t, "/login/"+login.ID(fakeHandle)+"/consent", c.eval("location.pathname+location.search"))
	assert.Equal(t, "1", f.flow.query.Get("ticket"))
	c.assertNoComplaints()
}

func TestChromiumShowsConsentsOnANarrowScreen(t *testing.T) {
	t.Parallel()
	consent := newConsent()
	consent.AskedBecause, consent.New = "widened", []string{"name", "appointments"}
	consent.Verified = []oidc.VerifiedItem{
		{Name: "name", Purpose: "عبارة طويلة بلغة لا تعرفها الصفحة", TrustFrameworks: []string{"eidas", "a_framework_with_one_very_long_name_that_nobody_translated"}, Evidence: true},
		{Name: "email", Plain: true},
	}
	required := *consent
	required.Required = true
	verification := *consent
	verification.Step, verification.Unverified = login.StepVerification, []string{"name", "birthdate"}
	for name, s := range map[string]login.State{"choice": *consent, "required": required, "verification": verification} {
		for _, language := range []string{"en", "ar"} {
			s := s
			t.Run(name+" "+language, func(t *testing.T) {
				t.Parallel()
				s.UILocales = []string{language}
				c := newFakeLogin(t, &s, withLanguages).chromium(t, func(c *chromium) { c.do(chromedp.EmulateViewport(320, 568)) })
				assert.Equal(t, language, c.eval("document.documentElement.lang"))
				assert.Equal(t, "320", c.eval("document.documentElement.scrollWidth"), "it scrolls sideways")
				assert.Equal(t, "", c.eval(`[...document.querySelectorAll("a, button, summary, label")]
					.filter((e) => e.offsetParent && !e.matches(".skip") && e.getBoundingClientRect().height < 24).map((e) => e.id || e.textContent)`))
				assert.Equal(t, "", c.eval(`[...document.querySelectorAll("[aria-describedby], [aria-labelledby]")]
					.flatMap((e) => ((e.getAttribute("aria-describedby") || "") + " " + (e.getAttribute("aria-labelledby") || "")).split(" "))
					.filter((id) => id && !document.getElementById(id))`), "what describes something is there")
				c.assertNoComplaints()
			})
		}
	}
}
