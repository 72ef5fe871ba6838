package ui_test

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// slowCaptcha has the worker of a captcha finish when the test calls window.solve or window.giveUp.
const slowCaptcha = `window.Worker = class {
	postMessage() {
		window.solve = () => this.onmessage({ data: { number: 10 } });
		window.giveUp = () => this.onmessage({ data: { failed: true } });
	}
};`

// poll waits until the browser finds that so it is.
func (c *chromium) poll(expression string) {
	c.t.Helper()
	_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](expression))
	require.NoError(c.t, err, "%s; %v", expression, c.complaints)
}

// A slow network shows the page for a while after it was left: stay stands for it.
const stay = `addEventListener("click", (event) => { if (event.target.closest("a")) event.preventDefault(); })`

func TestChromiumSendsAPasskeyThatCameBeforeTheCaptchaWasSolved(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"solve", "giveUp"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Passkey, Identifies: true, Captcha: altcha(10, 100)}, nil)
			f.flow.do = moveOn
			f.flow.options = []byte(`{"publicKey": {"challenge": "` + encoded("fresh") + `", "rpId": "localhost", "userVerification": "required"}}`)
			c := f.chromium(t, func(c *chromium) {
				c.addPasskeys(true)
				c.beforePages(slowCaptcha)
			})
			c.do(chromedp.Click(chromedp.ID("verify_passkey")))
			c.poll(`document.querySelector("form[data-passkey] [name=response]").value !== ""`)
			assert.Equal(t, []string{"challenge"}, f.flow.made())
			c.eval("window." + end + "()")
			c.arrive()
			made := f.flow.made()
			assert.Equal(t, "answer", made[len(made)-1])
			assert.Equal(t, end == "solve", made[1] == "solve", "otherwise the server says what to do")
			c.assertNoComplaints()
		})
	}
}

func TestChromiumCallsNobodyBackForACaptcha(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.OTP, CodesLeft: 1, Captcha: altcha(10, 100), Options: []authenticator.FactorSet{{"otp"}, {"pwd"}},
	}, nil)
	c := f.chromium(t, func(c *chromium) { c.beforePages(slowCaptcha + stay) })
	c.fill("otp_verify_input", "111111")
	c.do(chromedp.Click(chromedp.ID("verify_otp")), chromedp.Click(chromedp.ID("back-button")))
	c.eval(`(() => { addEventListener("submit", () => { window.sent = true; }); window.solve(); })()`)
	assert.Equal(t, "undefined", c.eval("window.sent"), "who is on the way elsewhere goes on")
	assert.Empty(t, f.flow.made())
	c.assertNoComplaints()
}

func TestChromiumSendsNoCodeOfWhoeverGoesElsewhere(t *testing.T) {
	t.Parallel()
	f, c := newTelephone(t)
	c.eval(stay)
	c.eval(`window.webOTP.send("654321")`)
	c.waitText("code-status", "The code is complete.")
	c.eval(`document.querySelector(".language a").click()`)
	c.eval("walletTest.pass(4000)")
	assert.Equal(t, "0", c.eval("walletTest.timers"))
	assert.Empty(t, f.flow.made())
	c.assertNoComplaints()
}

// Firefox before 87 does not say how text came into a field.
func TestChromiumSendsNoCodeThatIsTypedWhereTheBrowserDoesNotSayHow(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.OTP, Code: &authenticator.CodeReceipt{Length: 6, ExpiresAt: time.Now().Add(time.Minute)},
	}, nil)
	c := f.chromium(t, func(c *chromium) {
		c.beforePages(codeClock + `; Object.defineProperty(InputEvent.prototype, "inputType", { get() {} })`)
	})
	c.fill("otp_verify_input", "123456")
	assert.Empty(t, c.eval(`document.getElementById("code-status").textContent`))
	assert.Equal(t, "0", c.eval("walletTest.timers"))
	c.assertNoComplaints()
}

func TestChromiumTakesBackWhatIsMissingWhenACodeComes(t *testing.T) {
	t.Parallel()
	_, c := newTelephone(t)
	c.do(chromedp.Click(chromedp.ID("verify_otp")))
	c.waitText("otp_verify_input-error", "Enter")
	c.eval(`window.webOTP.send("654321")`)
	c.waitText("code-status", "The code is complete.")
	assert.Equal(t, "null", c.eval(`document.getElementById("otp_verify_input-error")`))
	assert.Equal(t, "null", c.eval(`document.getElementById("otp_verify_input").getAttribute("aria-invalid")`))
	c.assertNoComplaints()
}

func TestChromiumKeepsThePageWhereMoreTimeCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password, ExtensionsLeft: 2}, nil)
	c := f.chromium(t, func(c *chromium) {
		c.beforePages(`let fail; window.asked = 0; window.fetch = () => { window.asked++; return new Promise((_, reject) => { window.fail = reject; }); }`)
	})
	c.fill("response", "half a pass")
	press := func() { c.eval(`document.getElementById("more-time").click()`) }
	press()
	press()
	assert.Equal(t, "1", c.eval("window.asked"), "once, however often it is pressed")
	c.eval(`window.fail(new TypeError("no network"))`)
	c.waitText("time-status", "There is no connection.")
	assert.Equal(t, "half a pass", c.value("response"))
	press()
	assert.Equal(t, "2", c.eval("window.asked"), "and again when there is one")
	assert.Empty(t, f.flow.made())
	c.assertNoComplaints()
}

func TestChromiumFollowsALoginThatIsElsewhereWhenMoreTimeIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password, ExtensionsLeft: 2}, nil)
	f.flow.do = func(_ string, s *login.State) error {
		s.Step = login.StepDone
		return nil
	}
	c := f.chromium(t, nil)
	c.click("more-time")
	assert.Contains(t, c.eval("location.pathname"), "/done")
}

func TestChromiumOffersPasskeysOnWhereThePageStays(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.Password, DeviceFactors: []authenticator.Factor{"pop"}, ExtensionsLeft: 2,
		Options: []authenticator.FactorSet{{"pwd"}, {"pop"}},
	}, nil)
	f.flow.options = []byte(`{"publicKey": {"challenge": "AQID", "rpId": "localhost"}}`)
	c := f.chromium(t, func(c *chromium) {
		c.addPasskeys(false)
		c.beforePages(`CredentialsContainer.prototype.get = function (options) {
			window.offered = options.signal;
			return new Promise(() => {});
		}`)
	})
	c.poll("Boolean(window.offered)")
	c.do(chromedp.Click(chromedp.ID("more-time")))
	c.poll(`!document.querySelector("form[aria-busy]") && document.getElementById("time-status").textContent !== ""`)
	assert.Equal(t, "false", c.eval("window.offered.aborted"))
	c.assertNoComplaints()
}

func TestChromiumSendsThePhotoThatWasChosenLast(t *testing.T) {
	t.Parallel()
	f := atControls(t, withPhoto())
	c := f.chromium(t, func(c *chromium) {
		c.beforePages(`window.pictures = []; window.createImageBitmap = () => new Promise((done) => window.pictures.push((width) => {
			done(Object.assign(document.createElement("canvas"), { width, height: 100 }));
		}))`)
	})
	choose := func() { c.do(chromedp.SetUploadFiles(chromedp.ID("field-face"), []string{largePicture(t)})) }
	choose()
	choose()
	c.eval("window.pictures[1](222)")
	c.waitText("field-face-status", "The photo is ready.")
	c.eval(`(async () => { window.pictures[0](111); await new Promise((done) => setTimeout(done)); window.late = true; })()`)
	c.poll("window.late")
	c.fillControls()
	c.click("verify_kba")
	c.arrive()
	assert.Equal(t, 222, photoOf(t, f.response()).Width)
	c.assertNoComplaints()
}

// The steady clock of many telephones stands still while they sleep.
func TestChromiumCountsTheTimeInWhichTheTelephoneSlept(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.OTP, CodesLeft: 1, ExpiresAt: time.Now().Add(10 * time.Minute),
		Code: &authenticator.CodeReceipt{Length: 6, ResendAfter: time.Now().Add(time.Minute), ExpiresAt: time.Now().Add(5 * time.Minute)},
	}, nil)
	c := f.chromium(t, func(c *chromium) {
		c.beforePages(handClock + `(() => { const now = Date.now(); window.slept = 0; Date.now = () => now + window.slept; })()`)
	})
	assert.Equal(t, "true", c.eval(`document.getElementById("resend_otp").getAttribute("aria-disabled")`))
	c.eval("window.slept = 90000")
	c.pass("1")
	assert.Equal(t, "null", c.eval(`document.getElementById("resend_otp").getAttribute("aria-disabled")`))
	assert.Regexp(t, `^8:[0-9]{2}$`, c.eval(`document.querySelector("#time-clock span").textContent`))
	c.eval("window.slept = -90000") // somebody sets the clock
	c.pass("2")
	assert.Regexp(t, `^9:[0-9]{2}$`, c.eval(`document.querySelector("#time-clock span").textContent`))
	c.assertNoComplaints()
}

func TestChromiumWaitsForNoPortThatHangsOnceADeviceIsFound(t *testing.T) {
	t.Parallel()
	d := newBiometricDevice(t)
	f := atBiometrics(t, func(c *ui.Config) {
		d.config(c)
		c.Biometrics.LastPort++
		c.Biometrics.Timeout = time.Minute
	})
	c := f.chromium(t, func(c *chromium) {
		c.beforePages(handClock + `(() => {
			const ask = fetch;
			fetch = (url, options) => {
				if (url.endsWith("/info")) window.answers = true;
				return window.port && window.port !== new URL(url).port ? new Promise(() => {}) : ask(url, options);
			};
		})()`)
	})
	c.eval(`(window.port = String(JSON.parse(document.getElementById("capture").dataset.capture).firstPort))`)
	c.do(chromedp.Click(chromedp.ID("scan_devices")))
	c.poll(`Boolean(window.answers)`)
	c.poll(`pass(1).then(() => !document.getElementById("verify_bio").hidden)`)
	assert.Equal(t, "3", c.eval(`document.querySelectorAll("#devices li").length`))
	c.assertNoComplaints()
}

func TestChromiumLeavesTheWalletsPageWhereTheBrowserHasLostTheLogin(t *testing.T) {
	t.Parallel()
	p := newWalletPage(t, withLongLife)
	_, err := chromedp.Call(p.ctx, network.ClearBrowserCookies, cdp.Empty{})
	require.NoError(t, err)
	p.breaks(errCut) // the browser asks again soon
	p.breaks(nil)
	p.eval("(left => setInterval(() => walletTest.open === 0 && left-- > 0 && walletTest.pass(1000), 10))(5)") // less than to the next code
	p.do(chromedp.WaitVisible(chromedp.ID("error-banner")))
}
