package ui_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

func TestEveryFactorHasAPage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state login.State
		parts []string
		not   []string
	}{
		"PIN": {
			state: login.State{Factor: authenticator.PIN, AttemptsLeft: 3},
			parts: []string{`id="Pin_vid"`, `id="verify_pin"`, `inputmode="numeric"`, `type="password"`, "Show PIN", ">PIN</label>", "Enter your PIN"},
		},
		"password": {
			state: login.State{Factor: authenticator.Password},
			parts: []string{`id="Password_vid"`, `id="verify_password"`, `autocomplete="current-password"`},
			not:   []string{`inputmode="numeric"`, "<script src=\"/login/assets/passkey"},
		},
		"passkey": {
			state: login.State{Factor: authenticator.Passkey, Identifies: true, Device: true},
			parts: []string{`id="verify_passkey" hidden`, `data-passkey="get"`, "/challenge/pop\"", "<noscript>", "Passkeys need JavaScript", "/login/assets/passkey."},
			not:   []string{`name="identifier"`},
		},
		"biometrics": {
			state: login.State{Factor: authenticator.Biometrics},
			parts: []string{`id="sbi_vid"`, `id="scan_devices" hidden`, `id="verify_bio" hidden`, "<noscript>", "Your browser may ask", "/login/assets/biometrics."},
		},
		"own factor that identifies": {
			state: login.State{Factor: "eid", Identifies: true},
			parts: []string{`name="response"`, `id="verify_eid"`},
			not:   []string{`name="identifier"`},
		},
		"own factor after another": {
			state: login.State{Factor: "eid", Identifies: true, IdentifierFixed: true, Identifier: authenticator.Identifier{Value: "42"}},
			parts: []string{`name="identifier" value="42"`, "readonly"},
		},
		"wallet": {
			state: login.State{Factor: authenticator.Wallet},
			parts: []string{"This way does not work here", `id="cancel"`},
			not:   []string{`name="response"`},
		},
		"ID token": {
			state: login.State{Factor: authenticator.IDToken},
			parts: []string{"This way does not work here"},
			not:   []string{`name="response"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.state.Step = login.StepVerify
			page := newFakeLogin(t, &c.state, nil).page()
			require.Equal(t, http.StatusOK, page.status)
			require.Equal(t, "verify/"+string(c.state.Factor), page.page())
			for _, part := range c.parts {
				assert.Contains(t, page.body, part)
			}
			for _, part := range c.not {
				assert.NotContains(t, page.body, part)
			}
			assert.Equal(t, 1, strings.Count(page.body, "<h1>"))
		})
	}
}

func TestAPINIsTakenInTheDigitsOfAnyScript(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.PIN}, nil)
	page := f.page()
	missing := f.submit(page, "verify/pin", "identifier", "42", "response", " ")
	assert.Contains(t, missing.body, `<a href="#response">Enter your PIN.</a>`)
	f.flow.do = moveOn
	requireMoved(t, f.submit(page, "verify/pin", "identifier", " 42 ", "response", "១២៣ ៤៥៦"))
	id, c := f.flow.answered()
	assert.Equal(t, "42", id.Value)
	assert.Equal(t, authenticator.Challenge{Factor: authenticator.PIN, Response: "123456"}, c)
}

func TestOnlyWaysThatLeadThroughPagesAreOffered(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepChoose, Option: -1, Options: []authenticator.FactorSet{
		{authenticator.Wallet}, {authenticator.OTP}, {authenticator.IDToken}, {authenticator.Password, authenticator.Wallet},
		{authenticator.Passkey}, {authenticator.Biometrics}, {authenticator.PIN},
	}}, nil)
	page := f.page()
	for id, offered := range map[string]bool{
		`id="login_with_wla"`: false, `id="login_with_idt"`: false, `id="login_with_pwd_wla"`: false,
		`id="login_with_otp" name="option" value="1">`:                       true,
		`id="login_with_pop" name="option" value="4" data-needs="webauthn">`: true,
		`id="login_with_bio" name="option" value="5">`:                       true,
		`id="login_with_pin" name="option" value="6">`:                       true,
	} {
		assert.Equal(t, offered, strings.Contains(page.body, id), id)
	}
	f.flow.put(fakeHandle, &login.State{
		Step: login.StepVerify, Factor: authenticator.Wallet, Option: 0, Options: []authenticator.FactorSet{{authenticator.Wallet}, {authenticator.OTP}},
	})
	assert.Contains(t, f.page().body, `id="back-button"`, "whoever is at a way without a page gets to another")
	f.flow.put(fakeHandle, &login.State{
		Step: login.StepVerify, Factor: authenticator.OTP, Option: 1, Options: []authenticator.FactorSet{{authenticator.Wallet}, {authenticator.OTP}},
	})
	assert.NotContains(t, f.page().body, `id="back-button"`, "there is no other")
}

func TestAPersonChoosesWhereTheCodeGoes(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepIdentify, Factor: authenticator.OTP, CodesLeft: 1, Channels: []authenticator.Channel{"phone", "email", "post_office"},
	}, nil)
	page := f.page()
	assert.Equal(t, 3, strings.Count(page.body, " checked>"), "all are chosen at first")
	assert.Contains(t, page.text(), "Where should the code go? Text message to my phone Email Post office")
	none := f.submit(page, "identify/otp", "identifier", "42", "channels", "1")
	assert.Contains(t, none.body, `<a href="#channel-0">Choose where the code should go.</a>`)
	assert.Empty(t, f.flow.made())

	f.flow.do = moveOn
	code := f.submit(page, "identify/otp", "identifier", "42", "channels", "1", "channel", "email", "channel", "phone")
	assert.Equal(t, "verify/otp", code.page())
	assert.Equal(t, []authenticator.Channel{"email", "phone"}, f.flow.channels)
	f.submit(code, "resend/otp")
	assert.Empty(t, f.flow.channels, "a new code goes where the last one went")
	assert.Equal(t, []string{"send", "send"}, f.flow.made())

	f.flow.put(fakeHandle, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP, Channels: []authenticator.Channel{"phone"}})
	assert.NotContains(t, f.page().body, `name="channel"`, "one channel is no choice")
}

func TestADelayIsShownWithItsEnd(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password, RetryAt: start.Add(75 * time.Second)},
		func(c *ui.Config) { c.Now = func() time.Time { return start } })
	page := f.page()
	assert.Contains(t, page.text(), "Your next answer will be looked at in 75 seconds ( 12:01 UTC ).")
	assert.Contains(t, page.body, `role="timer" data-seconds="75"`)
	assert.Contains(t, page.body, `id="verify_password">`, "the button is not held back")
	for name, c := range map[string]struct {
		err  *authenticator.Error
		want string
	}{
		"too soon": {&authenticator.Error{Reason: authenticator.TooSoon, RetryAt: start.Add(20 * time.Second)},
			"After wrong answers you have to wait before you try again. You can try in 20 seconds ( 12:00 UTC )."},
		"locked": {&authenticator.Error{Reason: authenticator.Locked, RetryAt: start.Add(2 * time.Hour)}, "Try again in 2 hours ( 14:00 UTC )."},
	} {
		f.flow.do = func(string, *login.State) error { return c.err }
		answer := f.submit(page, "verify/pwd", "identifier", "42", "response", "guess")
		assert.Contains(t, answer.text(), c.want, name)
		assert.Contains(t, answer.body, fmt.Sprintf(`data-seconds="%d"`, int(c.err.RetryAt.Sub(start).Seconds())), name)
		assert.Equal(t, 1, strings.Count(answer.body, `role="timer" data-seconds`), "one place per message")
	}
	f.flow.do = nil
	f.flow.put(fakeHandle, &login.State{Step: login.StepVerify, Factor: authenticator.Password, RetryAt: start})
	assert.NotContains(t, f.page().body, `role="timer" data-seconds`)
}

func TestTheLoginLearnsWhereARequestComesFrom(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password}, nil)
	page := f.page()
	assert.Contains(t, fmt.Sprint(f.flow.ctx), "login.sourceKey, 127.0.0.1)")
	f.flow.do = moveOn
	f.submit(page, "verify/pwd", "identifier", "42", "response", "x")
	assert.Contains(t, fmt.Sprint(f.flow.ctx), "login.sourceKey, 127.0.0.1)")
}

func TestAnswersAreAsLongAsTheirFactorNeeds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		factor authenticator.Factor
		form   string
		most   func(authenticator.Factor) int
		status int
		moves  bool
	}{
		"a password of 16 KiB":         {factor: "pwd", form: strings.Repeat("x", 17<<10), status: http.StatusRequestEntityTooLarge},
		"a password of 2 KiB":          {factor: "pwd", form: strings.Repeat("x", 2<<10), status: http.StatusSeeOther},
		"a capture":                    {factor: "bio", form: strings.Repeat("x", 1<<20), status: http.StatusSeeOther, moves: true},
		"a capture that is too long":   {factor: "bio", form: strings.Repeat("x", 2<<20+1), status: http.StatusSeeOther},
		"a capture beyond all bounds":  {factor: "bio", form: strings.Repeat("x", 2<<20+8<<10), status: http.StatusRequestEntityTooLarge},
		"a passkey":                    {factor: "pop", form: strings.Repeat(`"`, 16<<10), status: http.StatusSeeOther, moves: true},
		"a passkey that is too long":   {factor: "pop", form: strings.Repeat("x", 16<<10+1), status: http.StatusSeeOther},
		"a capture of a deployment":    {factor: "bio", form: strings.Repeat("x", 50<<10), most: func(authenticator.Factor) int { return 40 << 10 }, status: http.StatusRequestEntityTooLarge},
		"a capture within its traits":  {factor: "bio", form: strings.Repeat("x", 39<<10), most: func(authenticator.Factor) int { return 40 << 10 }, status: http.StatusSeeOther, moves: true},
		"an empty answer of a device":  {factor: "bio", form: "", status: http.StatusSeeOther},
		"an empty answer of a passkey": {factor: "pop", form: "", status: http.StatusSeeOther},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: c.factor}, func(config *ui.Config) { config.MaxResponse = c.most })
			page := f.page()
			f.flow.do = moveOn
			sent := f.post(page, "verify/"+string(c.factor), "identifier", "42", "response", c.form)
			assert.Equal(t, c.status, sent.status)
			assert.Equal(t, c.moves, len(f.flow.made()) == 1)
			if c.status == http.StatusSeeOther && !c.moves {
				assert.Contains(t, f.open(sent.header.Get("Location")).text(), "There is a problem")
			}
		})
	}
}

// Only the pages that need more than the others may load more.
func TestEachPageHasItsOwnPolicy(t *testing.T) {
	t.Parallel()
	const usual = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self' https:; " +
		"frame-ancestors 'none'; base-uri 'none'"
	recaptcha := &captcha.Widget{
		Kind: "recaptcha", SiteKey: "key", ScriptURL: "https://captcha.example.org/api.js",
		Origins: []string{"https://captcha.example.org", "https://static.example.org; script-src *"},
	}
	for name, c := range map[string]struct {
		state  login.State
		policy string
	}{
		"password":   {login.State{Step: login.StepVerify, Factor: "pwd"}, usual},
		"wallet":     {login.State{Step: login.StepVerify, Factor: "wla"}, usual},
		"consent":    {login.State{Step: login.StepConsent, Captcha: recaptcha}, usual},
		"passkey":    {login.State{Step: login.StepVerify, Factor: "pop"}, usual + "; connect-src 'self'"},
		"enrollment": {login.State{Step: login.StepEnroll, Enrolling: "pop"}, usual + "; connect-src 'self'"},
		"biometrics": {login.State{Step: login.StepVerify, Factor: "bio"}, usual + "; connect-src http://127.0.0.1:*"},
		"passkeys beside biometrics": {
			login.State{Step: login.StepVerify, Factor: "bio", DeviceFactors: []authenticator.Factor{"pop"}},
			usual + "; connect-src 'self' http://127.0.0.1:*",
		},
		"ALTCHA": {
			login.State{Step: login.StepIdentify, Factor: "otp", Captcha: &captcha.Widget{Kind: "altcha", Challenge: []byte("{}")}},
			usual + "; worker-src 'self'; require-trusted-types-for 'script'; trusted-types signet",
		},
		"reCAPTCHA": {
			login.State{Step: login.StepVerify, Factor: "pwd", Captcha: recaptcha},
			strings.Replace(usual, "script-src 'self'", "script-src 'self' https://captcha.example.org", 1) +
				"; connect-src https://captcha.example.org; frame-src https://captcha.example.org",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := newFakeLogin(t, &c.state, nil).page()
			if !strings.Contains(c.policy, "captcha") && !strings.Contains(c.policy, "worker") {
				c.policy += "; require-trusted-types-for 'script'; trusted-types 'none'"
			}
			assert.Equal(t, c.policy, page.header.Get("Content-Security-Policy"))
			assert.NotContains(t, page.header.Get("Content-Security-Policy"), "unsafe")
			assert.NotRegexp(t, `<script>|<script [^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`, page.body)
		})
	}
}

func TestThePagesOfAllFactorsAreSmall(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.Biometrics, DeviceFactors: []authenticator.Factor{"pop"},
		Enrollable: []authenticator.Factor{"pop"}, Captcha: &captcha.Widget{Kind: "altcha", Challenge: []byte("{}")},
	}, nil)
	page := f.page()
	links := assetLink.FindAllStringSubmatch(page.body, -1)
	require.Len(t, links, 5)
	total := len(page.body)
	f.header.Set("Accept-Encoding", "gzip")
	for _, link := range links {
		asset := f.send(http.MethodGet, link[1], "")
		require.Equal(t, http.StatusOK, asset.status)
		total += len(asset.body)
	}
	t.Logf("the largest page with everything it needs is %d bytes", total)
	assert.Less(t, total, 50<<10)
}

func TestChromiumShowsTheFactorsOnANarrowScreen(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepChoose}, nil)
	c := f.chromium(t, nil)
	passkey := []authenticator.Factor{"pop"}
	widget := altcha(10, 100)
	for name, s := range map[string]*login.State{
		"choose":     {Step: login.StepChoose, Option: -1, Options: []authenticator.FactorSet{{"otp"}, {"pin"}, {"bio"}, {"pop"}, {"kba"}}},
		"channels":   {Step: login.StepIdentify, Factor: "otp", Channels: []authenticator.Channel{"phone", "email"}, Captcha: widget},
		"PIN":        {Step: login.StepVerify, Factor: "pin", Enrollable: passkey, Captcha: widget, RetryAt: time.Now().Add(time.Hour)},
		"form":       {Step: login.StepVerify, Factor: "kba", Form: civilForm},
		"passkey":    {Step: login.StepVerify, Factor: "pop", Identifies: true},
		"biometrics": {Step: login.StepVerify, Factor: "bio"},
		"enrollment": {Step: login.StepEnroll, Enrolling: "pop"},
		"wallet":     {Step: login.StepVerify, Factor: "wla"},
	} {
		f.flow.put(fakeHandle, s)
		c.do(chromedp.EmulateViewport(320, 568), chromedp.Navigate(f.server.URL+"/start"))
		assert.Equal(t, "320", c.eval("document.documentElement.scrollWidth"), "%s scrolls sideways", name)
		assert.Equal(t, "", c.eval(`[...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
			.filter((e) => e.offsetParent && !e.matches(".skip, p a, [type=checkbox], [type=radio]") && e.getBoundingClientRect().height < 24).map((e) => e.id || e.textContent)`),
			"targets are large enough on %s", name)
		assert.Equal(t, "", c.eval(`[...document.querySelectorAll("input:not([type=hidden])")].filter((e) => !e.labels.length).map((e) => e.id)`),
			"every field of %s has a label", name)
	}
	c.assertNoComplaints()
}
