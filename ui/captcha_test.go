package ui_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/login"
)

// altcha is a challenge of ALTCHA whose solution is the number.
func altcha(number, most int) *captcha.Widget {
	const salt = "0123456789abcdef?expires=4102444800&"
	sum := sha256.Sum256([]byte(salt + strconv.Itoa(number)))
	return &captcha.Widget{Kind: "altcha", Challenge: fmt.Appendf(nil,
		`{"algorithm": "SHA-256", "challenge": %q, "maxnumber": %d, "salt": %q, "signature": "signed"}`,
		hex.EncodeToString(sum[:]), most, salt)}
}

func TestChromiumSolvesACaptcha(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{
		"in a worker":      "",
		"without a worker": "window.Worker = class { constructor() { throw new Error() } }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.OTP, CodesLeft: 1, Captcha: altcha(20_000, 50_000)}, nil)
			f.flow.do = moveOn
			c := f.chromium(t, func(c *chromium) { c.beforePages(before) })
			c.fill("otp_verify_input", "111111")
			c.click("verify_otp") // too early, and sent all the same once the captcha is solved
			c.arrive()
			assert.Equal(t, []string{"solve", "answer"}, f.flow.made())
			payload, err := base64.StdEncoding.DecodeString(f.flow.told())
			require.NoError(t, err)
			var solution struct {
				Algorithm, Challenge, Salt, Signature string
				Number                                int
			}
			require.NoError(t, json.Unmarshal(payload, &solution))
			assert.Equal(t, 20_000, solution.Number)
			assert.Equal(t, "SHA-256", solution.Algorithm)
			assert.Equal(t, "signed", solution.Signature)
			sum := sha256.Sum256([]byte(solution.Salt + "20000"))
			assert.Equal(t, hex.EncodeToString(sum[:]), solution.Challenge)
			c.assertNoComplaints()
		})
	}
}

func TestChromiumSolvesACaptchaForEveryForm(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.OTP, CodesLeft: 1, Captcha: altcha(10, 100)}, nil)
	c := f.chromium(t, nil)
	c.waitText("captcha-status", "Done: your browser showed that you are not a program.")
	assert.Equal(t, "true", c.eval(`document.getElementById("captcha-progress").hidden`))
	c.click("resend_otp")
	assert.Equal(t, []string{"solve", "send"}, f.flow.made())
	c.assertNoComplaints()
}

func TestChromiumSaysThatACaptchaHasNoSolution(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.OTP, Captcha: altcha(2000, 1000)}, nil)
	f.flow.do = func(string, *login.State) error { return login.ErrCaptcha }
	c := f.chromium(t, nil)
	c.waitText("captcha-status", "Your browser could not show that you are not a program.")
	c.fill("otp_verify_input", "111111")
	c.click("verify_otp")
	c.waitText("error-banner-message", "It could not be checked that you are not a program.")
	assert.Equal(t, []string{"answer"}, f.flow.made(), "the server decides")
	c.assertNoComplaints()
}

func TestChromiumShowsTheWidgetOfAService(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Write([]byte(`window.grecaptcha = {};
			const show = () => {
				const box = document.querySelector(".g-recaptcha");
				const field = document.createElement("textarea");
				field.name = "g-recaptcha-response";
				field.value = "token for " + box.dataset.sitekey;
				box.append(field);
			};
			if (document.readyState === "loading") addEventListener("DOMContentLoaded", show);
			else show();`))
	}))
	t.Cleanup(service.Close)
	for _, button := range []string{"verify_otp", "resend_otp"} {
		f := newFakeLogin(t, &login.State{
			Step: login.StepVerify, Factor: authenticator.OTP, CodesLeft: 1, RedirectURI: "http://127.0.0.1/callback",
			Captcha: &captcha.Widget{Kind: "recaptcha", SiteKey: "site", ScriptURL: service.URL + "/api.js", Origins: []string{service.URL}},
		}, nil)
		c := f.chromium(t, nil)
		c.do(chromedp.WaitVisible(chromedp.CSS(".g-recaptcha textarea")))
		c.fill("otp_verify_input", "111111")
		c.click(button)
		assert.Equal(t, "token for site", f.flow.told(), button)
		c.assertNoComplaints()
	}
}

func TestChromiumCountsADelayDown(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password, RetryAt: time.Now().Add(90 * time.Second)}, nil)
	f.flow.do = moveOn
	c := f.chromium(t, func(c *chromium) {
		c.beforePages(`let skipped = 0; { const now = performance.now.bind(performance); performance.now = () => now() + skipped; }`)
	})
	first := c.eval(`document.querySelector("#retry-wait span")?.textContent`)
	assert.Regexp(t, `^(1:[0-3]\d|0:[0-5]\d)$`, first)
	c.eval(`skipped = 90_000`)
	c.waitText("retry-wait", "You can try again now.")
	c.fill("Password_vid", "42")
	c.fill("response", "x")
	c.click("verify_password")
	c.arrive()
	c.assertNoComplaints()
}

func TestACaptchaIsSolvedBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	widget := &captcha.Widget{Kind: "altcha", Challenge: []byte(`{"salt":"s"}`)}
	for name, c := range map[string]struct {
		state  login.State
		action string
		fields []string
		calls  []string
	}{
		"before a code": {
			login.State{Step: login.StepIdentify, Factor: "otp", Captcha: widget}, "identify/otp",
			[]string{"identifier", "42", "captcha", "solution"}, []string{"solve", "send"},
		},
		"before another code": {
			login.State{Step: login.StepVerify, Factor: "otp", Captcha: widget, CodesLeft: 1}, "resend/otp",
			[]string{"captcha", "solution"}, []string{"solve", "send"},
		},
		"before an answer": {
			login.State{Step: login.StepVerify, Factor: "pwd", Captcha: widget}, "verify/pwd",
			[]string{"identifier", "42", "response", "x", "captcha", "solution"}, []string{"solve", "answer"},
		},
		"another's widget": {
			login.State{Step: login.StepVerify, Factor: "pwd", Captcha: &captcha.Widget{Kind: "recaptcha"}}, "verify/pwd",
			[]string{"identifier", "42", "response", "x", "captcha", "", "g-recaptcha-response", "solution"}, []string{"solve", "answer"},
		},
		"not for a form that is not filled in": {
			login.State{Step: login.StepVerify, Factor: "pwd", Captcha: widget}, "verify/pwd",
			[]string{"identifier", "42", "response", "", "captcha", "solution"}, nil,
		},
		"whether one is needed the login knows": {
			login.State{Step: login.StepVerify, Factor: "pwd", Captcha: widget}, "verify/pwd",
			[]string{"identifier", "42", "response", "x", "captcha", ""}, []string{"answer"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &c.state, nil)
			page := f.page()
			assert.Contains(t, page.body, `id="captcha"`)
			assert.Contains(t, page.text(), "Turn JavaScript on and load the page again")
			f.submit(page, c.action, c.fields...)
			assert.Equal(t, c.calls, f.flow.made())
			if c.calls != nil && c.calls[0] == "solve" {
				assert.Equal(t, "solution", f.flow.told())
			}
		})
	}
}

func TestACaptchaThatIsNotSolvedIsExplained(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: "otp", CodesLeft: 1, Captcha: &captcha.Widget{Kind: "altcha", Challenge: []byte("{}")},
	}, nil)
	f.flow.do = func(string, *login.State) error { return login.ErrCaptcha }
	page := f.page()
	for _, action := range []string{"verify/otp", "resend/otp"} {
		for _, solution := range []string{"wrong", ""} {
			a := f.submit(page, action, "response", "111111", "captcha", solution)
			assert.Contains(t, a.text(), "It could not be checked that you are not a program. Try again.")
			assert.Equal(t, "verify/otp", a.page())
		}
	}
	assert.Equal(t, []string{"solve", "answer", "solve", "send"}, f.flow.made())
	f.flow.do = func(call string, s *login.State) error {
		if call == "solve" {
			return login.ErrStep
		}
		return moveOn(call, s)
	}
	requireMoved(t, f.submit(page, "verify/otp", "response", "111111", "captcha", "needless"))
}
