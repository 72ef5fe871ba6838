package ui_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

func withLinks(c *ui.Config) {
	c.Origin = "https://id.example.org"
	c.Links = ui.Links{
		SignUp: "https://join.example.org/{language}/new?from=login", ForgottenPassword: "https://join.example.org/reset",
		Terms: "https://www.example.org/{language}/terms", Privacy: "https://www.example.org/privacy", Accessibility: "https://www.example.org/a11y",
	}
}

func TestTheDeploymentsPagesAreLinkedInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	s := &login.State{Step: login.StepVerify, Factor: authenticator.Password, UILocales: []string{"fr"}}
	page := newFakeLogin(t, s, withLinks).page()
	back := "https%3A%2F%2Fid.example.org%2Flogin%2F" + login.ID(fakeHandle) + "%2F"
	assert.Contains(t, page.body, `<a id="sign-up" href="https://join.example.org/fr/new?from=login&amp;return_to=`+back+`&amp;ui_locales=fr">Créer un compte</a>`)
	assert.Contains(t, page.body, `<a id="forgot-password-hyperlink" href="https://join.example.org/reset?return_to=`+back+`&amp;ui_locales=fr">`)
	for _, uri := range []string{"https://www.example.org/fr/terms", "https://www.example.org/privacy", "https://www.example.org/a11y"} {
		assert.Contains(t, page.body, `<a href="`+uri+`" target="_blank" rel="noopener noreferrer">`)
	}
}

func TestAnAccountIsOfferedOnlyWhereItIsOfUse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state          login.State
		signUp, forgot bool
	}{
		"choice":        {login.State{Step: login.StepChoose, Option: -1, Options: []authenticator.FactorSet{{authenticator.OTP}, {authenticator.Password}}}, true, false},
		"code":          {login.State{Step: login.StepIdentify, Factor: authenticator.OTP}, true, false},
		"password":      {login.State{Step: login.StepVerify, Factor: authenticator.Password}, true, true},
		"second factor": {login.State{Step: login.StepVerify, Factor: authenticator.Password, Succeeded: []authenticator.Factor{authenticator.OTP}}, false, true},
		"consent":       {login.State{Step: login.StepConsent}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := newFakeLogin(t, &test.state, withLinks).page()
			assert.Equal(t, test.signUp, strings.Contains(page.body, `id="sign-up"`))
			assert.Equal(t, test.forgot, strings.Contains(page.body, `id="forgot-password-hyperlink"`))
			assert.Contains(t, page.body, ">Terms of use</a>")
		})
	}
}

func TestNothingIsLinkedUnlessConfigured(t *testing.T) {
	t.Parallel()
	page := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password}, nil).page()
	assert.NotContains(t, page.body, `id="sign-up"`)
	assert.NotContains(t, page.body, `forgot-password`)
	assert.NotContains(t, page.body, "<footer>")
}

func TestMistakesOfLinksAndAncestorsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ui.New(ui.Config{
		Flow: newFakeFlow(), Links: ui.Links{SignUp: "javascript:alert(1)", Privacy: "/privacy"},
		FrameAncestors: []string{"*", "https://a.example.org/path", "https://a.example.org; script-src *"},
	})
	for _, problem := range []string{"Links.SignUp", "Links.Privacy", `"*"`, `"https://a.example.org/path"`, `script-src`} {
		assert.ErrorContains(t, err, problem)
	}
}

func TestFramesAreForbiddenUnlessConfigured(t *testing.T) {
	t.Parallel()
	s := &login.State{Step: login.StepVerify, Factor: authenticator.Password}
	page := newFakeLogin(t, s, nil).page()
	assert.Contains(t, page.header.Get("Content-Security-Policy"), "; frame-ancestors 'none';")
	assert.Equal(t, "DENY", page.header.Get("X-Frame-Options"))
	page = newFakeLogin(t, s, func(c *ui.Config) { c.FrameAncestors = []string{"https://portal.example.org"} }).page()
	assert.Contains(t, page.header.Get("Content-Security-Policy"), "; frame-ancestors https://portal.example.org;")
	assert.Empty(t, page.header.Get("X-Frame-Options"), "which would forbid it")
}

func TestPagesWithoutFormsSendNoReferrer(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password}, nil)
	assert.Equal(t, "no-referrer", f.open("/login/nowhere").header.Get("Referrer-Policy"))
	assert.Equal(t, "same-origin", f.page().header.Get("Referrer-Policy"), "forms need an Origin that is not null")
}

func TestAnExpiredLoginLeadsToTheClient(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	page := b.open(p.request())
	p.clock.advance(time.Hour / 4)
	expired := b.open(page.login() + "/")
	assert.Equal(t, http.StatusGone, expired.status)
	assert.Contains(t, expired.body, `<a class="button primary" id="return" href="https://portal.example.org/">Go to portal.example.org</a>`)
}

func TestAForgedOriginIsNotLinked(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	id := login.ID("handle")
	for _, origin := range []string{"javascript:alert(1)", "//evil.example", "https://user@evil.example", "\xff"} {
		r := httptest.NewRequest(http.MethodGet, "/login/"+id+"/", nil)
		r.AddCookie(&http.Cookie{Name: "signet-" + id, Value: "handle.." + base64.RawURLEncoding.EncodeToString([]byte(origin))})
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		assert.NotContains(t, w.Body.String(), `id="return"`, origin)
	}
}

func TestAFormThatIsSentTwiceWaitsForTheVerdict(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password, AttemptsLeft: 1}, nil)
	f.flow.do = func(string, *login.State) error {
		return &authenticator.Error{Reason: authenticator.Locked, RetryAt: time.Now().Add(time.Minute), Err: login.ErrLastAnswer}
	}
	page := f.submit(f.page(), "verify/pwd", "identifier", personID, "response", "wrong")
	assert.Contains(t, page.text(), "Your last answer is being checked. Please wait a moment.")
	assert.NotContains(t, page.text(), "cannot log in for a while")
	_, target, _ := strings.Cut(page.header.Get("Refresh"), "url=")
	assert.Empty(t, f.open(target).header.Get("Refresh"), "once")
}

func TestChromiumSaysThatItIsOffline(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP}, nil)
	c := f.chromium(t, nil)
	c.fill("Otp_vid", personID)
	offline := func(is bool) {
		_, err := chromedp.Call(c.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: is, DownloadThroughput: -1, UploadThroughput: -1})
		assert.NoError(t, err)
	}
	offline(true)
	c.do(chromedp.WaitVisible(chromedp.ID("offline")), chromedp.Click(chromedp.ID("get_otp")))
	assert.Contains(t, c.eval(`document.getElementById("offline").textContent`), "There is no connection.")
	assert.Equal(t, personID, c.eval(`document.getElementById("Otp_vid").value`), "what was typed stays")
	assert.Empty(t, f.flow.made())
	offline(false)
	_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](`document.getElementById("offline").textContent === "You are online again."`))
	assert.NoError(t, err)
	c.click("get_otp")
	assert.Equal(t, []string{"send"}, f.flow.made())
}
