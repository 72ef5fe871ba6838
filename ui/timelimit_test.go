package ui_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/ui"
)

// everyStep is a login at each step that has a page.
func everyStep() map[string]*login.State {
	return map[string]*login.State{
		"account": {Step: login.StepAccount, Account: "2••••"}, "choose": {Step: login.StepChoose, Options: []authenticator.FactorSet{{"otp"}, {"pwd"}}},
		"identify": {Step: login.StepIdentify, Factor: authenticator.OTP}, "code": {Step: login.StepVerify, Factor: authenticator.OTP},
		"password": {Step: login.StepVerify, Factor: authenticator.Password}, "PIN": {Step: login.StepVerify, Factor: authenticator.PIN},
		"biometrics": {Step: login.StepVerify, Factor: authenticator.Biometrics}, "passkey": {Step: login.StepVerify, Factor: authenticator.Passkey},
		"form":   {Step: login.StepVerify, Factor: authenticator.Knowledge, Form: &authenticator.Form{Fields: []authenticator.FormField{{Name: "a"}}}},
		"enroll": {Step: login.StepEnroll, Enrolling: authenticator.Passkey}, "verification": {Step: login.StepVerification, Unverified: []string{"name"}},
		"consent": newConsent(),
	}
}

func TestEveryPageOfALoginOffersMoreTimeWhileThereIsSome(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, s := range everyStep() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.ExpiresAt, s.ExtensionsLeft = start.Add(2*time.Minute), 1
			f := newFakeLogin(t, s, func(c *ui.Config) { c.Now = func() time.Time { return start } })
			f.flow.do = func(_ string, s *login.State) error {
				if s.ExtensionsLeft == 0 {
					return login.ErrStep
				}
				s.ExpiresAt, s.ExtensionsLeft = start.Add(10*time.Minute), 0
				return nil
			}
			page := f.page()
			assert.Contains(t, page.text(), "The login ends at 12:02 UTC")
			assert.Contains(t, page.body, `form="more-time-form">I need more time</button>`)
			assert.Contains(t, page.header.Get("Content-Security-Policy"), "connect-src 'self'")
			after := f.submit(page, "extend")
			assert.Equal(t, page.page(), after.page()[:len(page.page())])
			assert.Contains(t, after.text(), "The login ends at 12:10 UTC . You have more time now.")
			assert.NotContains(t, after.body, "more-time-form", "there is no more")

			f.header.Set("Accept", "application/json")
			refused := f.post(page, "extend")
			assert.Equal(t, http.StatusOK, refused.status)
			var answer struct {
				Extended, More bool
				Seconds        int
			}
			require.NoError(t, json.Unmarshal([]byte(refused.body), &answer))
			assert.False(t, answer.Extended || answer.More)
			assert.Equal(t, 600, answer.Seconds, "what there was is left")
		})
	}
}

func TestMoreTimeForALoginThatIsOverIsNone(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password, ExtensionsLeft: 1}, nil)
	page := f.page()
	f.flow.put(fakeHandle, &login.State{Step: login.StepDone, Response: &oauth.AuthorizationResponse{RedirectURI: callback}})
	assert.Equal(t, callback+"?", f.post(page, "extend").header.Get("Location"))
	f.flow.broken = login.ErrUnknown
	assert.Equal(t, http.StatusGone, f.post(page, "extend").status)
}

func TestChromiumKeepsWhatWasTypedWhenThereIsMoreTime(t *testing.T) {
	t.Parallel()
	s := &login.State{Step: login.StepVerify, Factor: authenticator.Password, ExpiresAt: time.Now().Add(3 * time.Minute), ExtensionsLeft: 1, UILocales: []string{"ar"}}
	f := newFakeLogin(t, s, withLanguages)
	f.flow.do = func(_ string, s *login.State) error {
		s.ExpiresAt, s.ExtensionsLeft = time.Now().Add(10*time.Minute), 0
		return nil
	}
	c := f.chromium(t, nil)
	poll := func(expression string) {
		t.Helper()
		_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](expression))
		require.NoError(t, err, expression)
	}
	const clock = `document.querySelector("#time-clock span").textContent`
	poll(`/^[٠-٩]:[٠-٩]{2}$/u.test(` + clock + `)`)
	c.fill("response", "half a pass")
	c.eval(`(() => { window.ahead = 0; const now = performance.now.bind(performance); performance.now = () => now() + window.ahead; })()`)
	c.eval(`(() => {
		const digits = ` + clock + `.replace(/[٠-٩]/g, (d) => d.codePointAt(0) - "٠".codePointAt(0)).split(":");
		window.ahead = (digits[0] * 60 + Number(digits[1]) - 60) * 1000;
	})()`)
	poll(`document.getElementById("time-status").textContent.includes("٦٠")`)
	assert.Equal(t, "sticky", c.eval(`getComputedStyle(document.getElementById("time-limit")).position`), "it is in sight")
	c.do(chromedp.Click(chromedp.ID("more-time")))
	poll(`document.getElementById("more-time").hidden`)
	poll(clock + `.startsWith("٩") || ` + clock + `.startsWith("١٠")`)
	assert.Equal(t, "half a pass", c.eval(`document.getElementById("response").value`))
	assert.Contains(t, c.eval(`document.getElementById("time-status").textContent`), "لديك الآن مزيد من الوقت")
	assert.Equal(t, []string{"extend"}, f.flow.made())
	c.assertNoComplaints()
}

func TestChromiumGivesMoreTimeWithoutJavaScript(t *testing.T) {
	t.Parallel()
	s := &login.State{Step: login.StepVerify, Factor: authenticator.Password, ExtensionsLeft: 1}
	f := newFakeLogin(t, s, nil)
	c := f.chromium(t, func(c *chromium) {
		_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		require.NoError(t, err)
	})
	c.click("more-time")
	assert.Contains(t, c.eval(`document.getElementById("time-end").textContent`), "You have more time now.")
	c.assertNoComplaints()
}
