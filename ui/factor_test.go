package ui_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

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
	assert.Contains(t, page.text(), "It will be looked at from 12:01 UTC ( 1:15 )")
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
		assert.Equal(t, 1, strings.Count(answer.body, `role="timer"`), "one place per message")
	}
	f.flow.do = nil
	f.flow.put(fakeHandle, &login.State{Step: login.StepVerify, Factor: authenticator.Password, RetryAt: start})
	assert.NotContains(t, f.page().body, `role="timer"`)
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
			usual + "; worker-src 'self'",
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

func TestAWishToEnrollIsToldBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		enrolling authenticator.Factor
		fields    []string
		calls     []string
		factor    authenticator.Factor
	}{
		"ticked":             {"", []string{"enroll", "pop"}, []string{"wish", "answer"}, "pop"},
		"not ticked":         {"", nil, []string{"answer"}, ""},
		"ticked as before":   {"pop", []string{"enroll", "pop", "wished", "1"}, []string{"answer"}, ""},
		"no longer ticked":   {"pop", []string{"wished", "1"}, []string{"wish", "answer"}, ""},
		"what no page sends": {"", []string{"enroll", "bio"}, []string{"answer"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{
				Step: login.StepVerify, Factor: "pwd", Enrollable: []authenticator.Factor{"pop"}, Enrolling: c.enrolling,
			}, nil)
			page := f.page()
			assert.Contains(t, page.body, `<div id="wish" hidden>`, "only a script knows whether the device can")
			assert.Equal(t, c.enrolling != "", strings.Contains(page.body, `id="wish-passkey" checked`))
			assert.Equal(t, c.enrolling != "", strings.Contains(page.body, `name="wished"`))
			f.flow.do = moveOn
			requireMoved(t, f.submit(page, "verify/pwd", append(c.fields, "identifier", "42", "response", "x")...))
			assert.Equal(t, c.calls, f.flow.made())
			assert.Equal(t, c.factor, f.flow.factor)
		})
	}
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: "pwd"}, nil)
	assert.NotContains(t, f.page().body, `id="wish"`)
	f.flow.do = func(call string, s *login.State) error {
		if call == "wish" {
			return login.ErrStep
		}
		return moveOn(call, s)
	}
	requireMoved(t, f.submit(f.page(), "verify/pwd", "enroll", "pop", "identifier", "42", "response", "x"))
}

func TestEnrollmentCanBeLeft(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepEnroll, Enrolling: authenticator.Passkey}, nil)
	page := f.page()
	assert.Equal(t, "enroll", page.page())
	assert.Contains(t, page.body, `id="create_passkey" hidden`)
	assert.Contains(t, page.body, `id="not_now"`)
	assert.Contains(t, page.text(), "A passkey cannot be set up without JavaScript. Go on without.")
	for reason, want := range map[authenticator.Reason]string{
		authenticator.WrongCredentials: "The passkey could not be set up. Try again, or go on without.",
		authenticator.Unavailable:      "A passkey cannot be set up at the moment. Go on without",
		authenticator.Unsupported:      "A passkey cannot be set up with this device. Go on without.",
	} {
		f.flow.do = func(string, *login.State) error { return &authenticator.Error{Reason: reason} }
		assert.Contains(t, f.submit(page, "enroll", "response", "{}").text(), want)
	}
	f.flow.do = moveOn
	assert.Contains(t, f.submit(page, "enroll", "response", strings.Repeat("x", 16<<10-200)).text(), "Share")
	f.flow.put(fakeHandle, &login.State{Step: login.StepEnroll, Enrolling: authenticator.Passkey})
	requireMoved(t, f.submit(page, "enroll"))
	assert.Empty(t, f.flow.told())
}

func TestAPasskeyIsTakenOnThePageOfAnotherFactor(t *testing.T) {
	t.Parallel()
	options := []authenticator.FactorSet{{"pwd"}, {"pop"}}
	for _, s := range []login.State{
		{Step: login.StepVerify, Factor: "pwd"},
		{Step: login.StepIdentify, Factor: "otp"},
		{Step: login.StepVerify, Factor: "pin"},
		{Step: login.StepVerify, Factor: "bio"},
		{Step: login.StepVerify, Factor: "kba", Form: &authenticator.Form{}},
	} {
		s.DeviceFactors, s.Options = []authenticator.Factor{"pop"}, options
		f := newFakeLogin(t, &s, nil)
		page := f.page()
		assert.Contains(t, page.body, `autocomplete="username webauthn"`, page.path)
		assert.Contains(t, page.body, `data-passkey="conditional"`, page.path)
		f.flow.do = moveOn
		requireMoved(t, f.submit(page, "verify/pop", "response", `{"id":"x"}`))
		assert.Equal(t, []string{"choose", "answer"}, f.flow.made())
		assert.Equal(t, 1, f.flow.option)
		id, c := f.flow.answered()
		assert.Empty(t, id)
		assert.Equal(t, authenticator.Challenge{Factor: "pop", Response: `{"id":"x"}`}, c)
	}
	second := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: "pwd", DeviceFactors: []authenticator.Factor{"pop"}, Succeeded: []authenticator.Factor{"otp"},
	}, nil)
	assert.NotContains(t, second.page().body, "webauthn", "there is no other way any more")
}

func TestAPasskeyThatIsWrongIsExplained(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: "pop", Identifies: true, AttemptsLeft: 4}, nil)
	page := f.page()
	f.flow.do = func(string, *login.State) error { return &authenticator.Error{Reason: authenticator.WrongCredentials} }
	wrong := f.submit(page, "verify/pop", "response", "{}")
	assert.Contains(t, wrong.text(), "This passkey cannot be used to log in.")
	assert.Contains(t, wrong.text(), "You have 4 attempts left.")
	assert.Contains(t, f.submit(page, "verify/pop").text(), "No passkey was used.")
}

func TestScriptsGetWhatADeviceIsToAnswer(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: "pwd", DeviceFactors: []authenticator.Factor{"pop"}}, nil)
	f.flow.options = []byte(`{"publicKey":{"challenge":"AQID"}}`)
	page := f.page()
	for path, call := range map[string]string{"/challenge/pop": "challenge", "/enroll/options": "options"} {
		send := func(form url.Values) *answer { return f.send(http.MethodPost, page.login()+path, form.Encode()) }
		f.flow.do = nil
		a := send(url.Values{"csrf": {page.csrf(t)}})
		assert.Equal(t, http.StatusOK, a.status)
		assert.Equal(t, "application/json", a.header.Get("Content-Type"))
		assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
		assert.Equal(t, string(f.flow.options), a.body)
		assert.Contains(t, f.flow.made(), call)
		assert.Equal(t, http.StatusForbidden, send(nil).status, "others get nothing")
		for status, err := range map[int]error{
			http.StatusConflict: login.ErrStep, http.StatusGone: login.ErrUnknown,
			http.StatusServiceUnavailable: fmt.Errorf("dial tcp 10.0.0.7:6379: refused"),
		} {
			f.flow.do = func(string, *login.State) error { return err }
			a := send(url.Values{"csrf": {page.csrf(t)}})
			assert.Equal(t, status, a.status)
			assert.Equal(t, "{}", a.body)
		}
		f.flow.do = func(string, *login.State) error { return &authenticator.Error{Reason: authenticator.Unavailable} }
		assert.Equal(t, http.StatusServiceUnavailable, send(url.Values{"csrf": {page.csrf(t)}}).status)
		f.flow.do = nil
		assert.Equal(t, "verify/pwd", f.open(page.login()+path).page(), "it is no page")
	}
}

func TestMistakesOfBiometricsAreReported(t *testing.T) {
	t.Parallel()
	for _, b := range []ui.Biometrics{
		{FirstPort: 5000, LastPort: 4000}, {FirstPort: 1, LastPort: 65535}, {LastPort: 70000}, {Timeout: time.Millisecond},
		{Score: 101}, {Fingers: 11}, {Irises: 3}, {Score: -1},
	} {
		_, err := ui.New(ui.Config{Flow: newFakeFlow(), Biometrics: b})
		assert.ErrorContains(t, err, "ui: Biometrics", "%+v", b)
	}
}
