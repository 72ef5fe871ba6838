package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// A browser that knows WebOTP, on a telephone to which a code is sent when the test says so.
const webOTP = `(() => {
	window.OTPCredential = class {};
	navigator.credentials.get = (options) => new Promise((done, fail) => {
		window.webOTP = { options, send: (code) => done({ code }) };
		options.signal.addEventListener("abort", () => { sessionStorage.aborted = "yes"; fail(options.signal.reason); });
	});
})()`

// codeClock gives the script of the page a clock that stands still until the test lets time pass.
var codeClock = strings.Replace(walletClock, "/wallet.", "/code.", 1)

// newCodePage is at the page that asks for a code, whose script has that clock, in a browser with other scripts of the test's.
func newCodePage(t *testing.T, scripts ...string) (*fakeLogin, *chromium) {
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.OTP, AttemptsLeft: 3,
		Code: &authenticator.CodeReceipt{Length: 6, ExpiresAt: time.Now().Add(10 * time.Minute)},
	}, nil)
	f.flow.do = moveOn
	return f, f.chromium(t, func(c *chromium) {
		for _, script := range append([]string{codeClock}, scripts...) {
			c.beforePages(script)
		}
	})
}

// newTelephone is at that page in a browser that knows WebOTP.
func newTelephone(t *testing.T) (*fakeLogin, *chromium) { return newCodePage(t, webOTP) }

func TestChromiumTakesTheCodeFromAMessage(t *testing.T) {
	t.Parallel()
	f, c := newTelephone(t)
	assert.Equal(t, "sms", c.eval("window.webOTP.options.otp.transport"))
	c.eval(`window.webOTP.send("654321")`)
	c.waitText("code-status", "The code is complete. It is sent in a moment.")
	assert.Equal(t, "654321", c.eval(`document.getElementById("otp_verify_input").value`))
	c.eval("walletTest.pass(3999)")
	assert.Empty(t, f.flow.made(), "there is time to stop it")
	c.eval("walletTest.pass(1)")
	c.do(chromedp.WaitVisible(chromedp.ID("continue")))
	_, answer := f.flow.answered()
	assert.Equal(t, "654321", answer.Response)
	assert.Equal(t, []string{"answer"}, f.flow.made(), "once")
	c.assertNoComplaints()
}

func TestChromiumLeavesACodeThatIsTypedAloneWhenAMessageComes(t *testing.T) {
	t.Parallel()
	f, c := newTelephone(t)
	c.fill("otp_verify_input", "111111")
	c.eval(`window.webOTP.send("654321")`)
	assert.Equal(t, "0", c.eval("walletTest.timers"))
	assert.Equal(t, "111111", c.eval(`document.getElementById("otp_verify_input").value`))
	c.click("verify_otp")
	assert.Equal(t, "yes", c.eval("sessionStorage.aborted"), "nobody waits for a message any more")
	_, answer := f.flow.answered()
	assert.Equal(t, "111111", answer.Response)
	c.assertNoComplaints()
}
