package ui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

func TestAPersonLogsInWithACodeAndSharesWhatTheyTick(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	choose := b.open(p.request())
	assert.Equal(t, "choose", choose.page())
	assert.Contains(t, choose.text(), "Log in to Health Portal")
	assert.Contains(t, choose.text(), "portal.example.org")
	for _, id := range []string{"login_with_otp", "login_with_pwd", "login_with_pwd_otp", "cancel"} {
		assert.Contains(t, choose.body, `id="`+id+`"`)
	}
	assert.Contains(t, choose.text(), "Log in with password and one-time code")

	identify := b.submit(choose, "choose", "option", "0")
	assert.Equal(t, "identify/otp", identify.page())
	for _, part := range []string{`id="get_otp"`, `id="Otp_vid"`, `autocomplete="username"`, `id="back-button"`} {
		assert.Contains(t, identify.body, part)
	}

	code := b.submit(identify, "identify/otp", "identifier", " "+personID+" ")
	assert.Equal(t, "verify/otp", code.page())
	for _, part := range []string{`id="otp_verify_input"`, `id="verify_otp"`, `id="resend_otp"`,
		`autocomplete="one-time-code"`, `inputmode="numeric"`} {
		assert.Contains(t, code.body, part)
	}
	assert.Contains(t, code.text(), "We sent a one-time code to")
	assert.Contains(t, code.text(), "You have 5 attempts left.")
	assert.Contains(t, code.text(), "You can ask for 2 more codes.")
	assert.NotContains(t, code.body, "+33639980012", "the telephone number is masked")

	consent := b.submit(code, "verify/otp", "response", mock.OTP)
	assert.Equal(t, "consent", consent.page())
	assert.Regexp(t, `Needed for this service .* Full name .* Your choice`, consent.text())
	assert.Contains(t, consent.body, `<input type="checkbox" name="claim" value="name" id="claim-name" checked>`)
	assert.Contains(t, consent.body, `<input type="checkbox" name="claim" value="email"`)
	assert.Contains(t, consent.text(), "Email address Optional")
	assert.Contains(t, consent.body, `<input type="checkbox" name="scope" value="appointments"`)
	assert.Equal(t, 1, strings.Count(consent.body, " checked"), "nothing optional is ticked beforehand")
	for _, id := range []string{"continue", "cancel"} {
		assert.Contains(t, consent.body, `id="`+id+`"`)
	}

	response := b.submit(consent, "consent", "claim", "name", "claim", "email")
	location, err := url.Parse(response.header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "portal.example.org", location.Host)
	assert.NotEmpty(t, location.Query().Get("code"))
	assert.Equal(t, "s1", location.Query().Get("state"))
	assert.Equal(t, "no-referrer", response.header.Get("Referrer-Policy"))
	assert.Equal(t, "no-store", response.header.Get("Cache-Control"))

	again := b.post(consent, "consent", "claim", "name", "claim", "email")
	assert.Equal(t, location.String(), again.header.Get("Location"), "the same consent gets the same response")

	done := b.open(consent.path)
	assert.Equal(t, "done", done.page())
	assert.Contains(t, done.text(), "You logged in to Health Portal.")
	assert.NotContains(t, done.body, location.Query().Get("code"), "the page does not repeat the code")
	assert.Contains(t, done.body, `href="https://portal.example.org/"`)
}

func TestAPersonLogsInWithAPassword(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	page := b.submit(b.open(p.request()), "choose", "option", "1")
	assert.Equal(t, "verify/pwd", page.page())
	for _, part := range []string{`id="Password_vid"`, `id="verify_password"`, `autocomplete="current-password"`, `id="password-eye" hidden`} {
		assert.Contains(t, page.body, part)
	}
	wrong := b.submit(page, "verify/pwd", "identifier", personID, "response", "guess")
	assert.Contains(t, wrong.text(), "There is a problem The ID number or the password is not right.")
	assert.Contains(t, wrong.body, `value="`+personID+`"`, "the identifier is kept")
	assert.NotContains(t, wrong.body, "guess", "the password is not")
	assert.Contains(t, wrong.body, `aria-invalid="true"`)
	assert.Contains(t, wrong.text(), "You have 4 attempts left.")
	assert.Contains(t, wrong.body, "<title>Error: ")

	consent := b.submit(wrong, "verify/pwd", "identifier", personID, "response", password)
	assert.Equal(t, "consent", consent.page())
}

func TestTheSecondFactorKeepsTheIdentifierOfTheFirst(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	page := b.submit(b.open(p.request()), "choose", "option", "2")
	page = b.submit(page, "verify/pwd", "identifier", personID, "response", password)
	assert.Equal(t, "identify/otp", page.page())
	assert.Contains(t, page.body, `readonly`)
	assert.NotContains(t, page.body, `id="back-button"`)
	page = b.submit(page, "identify/otp", "identifier", personID)
	assert.NotContains(t, page.text(), "Change your number")
	assert.Equal(t, "consent", b.submit(page, "verify/otp", "response", mock.OTP).page())
}

func TestAnUnknownPersonLooksLikeAKnownOne(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	identify := b.submit(b.open(p.request()), "choose", "option", "0")
	code := b.submit(identify, "identify/otp", "identifier", "9999999999")
	assert.Equal(t, "verify/otp", code.page())
	wrong := b.submit(code, "verify/otp", "response", mock.OTP)
	assert.Contains(t, wrong.text(), "This code is not right.")
}

func TestCodesAreTakenAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	for name, code := range map[string]string{
		"with spaces": " 111 111 ", "with dashes": "111–1-11", "Arabic digits": "١١١١١١", "Khmer digits": "១១១១១១",
		"Devanagari digits": "११११११", "full width": "１１１１１１", "mathematical": "𝟏𝟏𝟏𝟏𝟏𝟏", "after a mark of direction": "\u200f111111",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t, p.URL)
			assert.Equal(t, "consent", b.submit(b.atCode(p), "verify/otp", "response", code).page())
		})
	}
}

func TestCancelTellsTheClient(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	for name, at := range map[string]func(*browser) *answer{
		"choose":  func(b *browser) *answer { return b.open(p.request()) },
		"code":    func(b *browser) *answer { return b.atCode(p) },
		"consent": func(b *browser) *answer { return b.atConsent(p) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t, p.URL)
			page := at(b)
			location := b.submit(page, "cancel").header.Get("Location")
			assert.True(t, strings.HasPrefix(location, callback+"?"), location)
			assert.Contains(t, location, "error=access_denied")
			assert.Contains(t, b.open(page.path).text(), "This login ended without sharing anything with Health Portal.")
		})
	}
}

func TestAPageThatNoLongerFitsLeadsToWhereTheLoginStands(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	code := b.atCode(p)
	for _, page := range []string{"", "verify/pwd", "consent", "done", "cancel", "resend/otp"} {
		assert.Equal(t, "verify/otp", b.open(code.login()+"/"+page).page(), page)
	}
	consent := b.submit(code, "verify/otp", "response", mock.OTP)
	for _, page := range []string{"", "choose", "identify/otp", "verify/otp", "verify/pwd", "done"} {
		assert.Equal(t, "consent", b.open(consent.login()+"/"+page).page(), page)
	}
	assert.Equal(t, "consent", b.submit(code, "verify/otp", "response", "000000").page(), "an old form changes nothing")
}

func TestReloadAndBackGiveAUsablePage(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	choose := b.open(p.request())
	identify := b.submit(choose, "choose", "option", "0")
	assert.Equal(t, "identify/otp", b.open(identify.path).page(), "reload")
	assert.Equal(t, "choose", b.open(choose.path).page(), "back")
	passwordPage := b.submit(choose, "choose", "option", "1")
	assert.Equal(t, "verify/pwd", passwordPage.page(), "another way")

	identify = b.submit(choose, "choose", "option", "0")
	b.submit(identify, "identify/otp", "identifier", personID)
	back := b.open(identify.path)
	assert.Equal(t, "identify/otp", back.page(), "back from the code")
	assert.Contains(t, back.body, `value="`+personID+`"`)

	same := b.submit(back, "identify/otp", "identifier", personID)
	assert.Equal(t, "verify/otp", same.page())
	assert.NotContains(t, same.body, `id="error-banner"`, "the form sent twice finds its code on the way")
	other := b.submit(back, "identify/otp", "identifier", "3185507412")
	assert.Equal(t, "verify/otp", other.page())
	assert.NotContains(t, other.body, `id="error-banner"`)
	assert.Contains(t, other.text(), "You can ask for 1 more code.")
}

func TestResendWaitsForTheServersClock(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	code := b.atCode(p)
	assert.Regexp(t, `You can ask for a new code in \d:\d\d\.`, code.text())
	early := b.submit(code, "resend/otp")
	assert.Regexp(t, `It is too early for a new code\. You can ask for one in \d+ seconds \( ?\d\d:\d\d UTC ?\)`, early.text())
	assert.Contains(t, early.body, `<time datetime="`)
	p.clock.advance(2 * time.Minute)
	again := b.submit(early, "resend/otp")
	assert.NotContains(t, again.body, `id="error-banner"`)
	assert.Contains(t, again.text(), "You can ask for 1 more code.")
	p.clock.advance(2 * time.Minute)
	last := b.submit(again, "resend/otp")
	assert.Contains(t, last.text(), "No more codes can be sent in this login.")
	assert.NotContains(t, last.body, `id="resend_otp"`)
	p.clock.advance(2 * time.Minute)
	none := b.submit(again, "resend/otp")
	assert.Contains(t, none.text(), "There is a problem No more codes can be sent in this login.")
}

func TestMissingAnswersAreExplained(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	choose := b.open(p.request())
	assert.Contains(t, b.submit(choose, "choose").text(), "Choose a way to log in.")
	identify := b.submit(choose, "choose", "option", "0")
	missing := b.submit(identify, "identify/otp", "identifier", " ")
	assert.Contains(t, missing.body, `<a href="#Otp_vid">Enter your ID number.</a>`)
	assert.Contains(t, missing.body, `aria-describedby="Otp_vid-error Otp_vid-hint" aria-invalid="true"`)
	assert.Contains(t, missing.body, `<p class="error" id="Otp_vid-error">Enter your ID number.</p>`)
	long := b.submit(identify, "identify/otp", "identifier", strings.Repeat("1", 257))
	assert.Contains(t, long.text(), "What you entered is too long.")
	code := b.submit(identify, "identify/otp", "identifier", personID)
	assert.Contains(t, b.submit(code, "verify/otp", "response", " - ").body, `<a href="#otp_verify_input">Enter the one-time code.</a>`)
	assert.Contains(t, b.submit(code, "verify/otp", "response", " - ").body, `<p class="error" id="otp_verify_input-error">Enter the one-time code.</p>`)
}

func TestTheLastWrongAnswerEndsTheLoginAtTheClient(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	page := b.atCode(p)
	for range 4 {
		page = b.submit(page, "verify/otp", "response", "000000")
		require.Contains(t, page.text(), "This code is not right.")
	}
	assert.Contains(t, page.text(), "You have 1 attempt left.")
	assert.Contains(t, b.submit(page, "verify/otp", "response", "000000").header.Get("Location"), "error=access_denied")
}

func TestTwoTabsLogInSideBySide(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	first, second := b.atCode(p), b.open(p.request("state", "s2"))
	require.NotEqual(t, first.login(), second.login())
	secondPassword := b.submit(second, "choose", "option", "1")
	firstConsent := b.submit(first, "verify/otp", "response", mock.OTP)
	secondConsent := b.submit(secondPassword, "verify/pwd", "identifier", "3185507412", "response", password)
	assert.Contains(t, b.submit(secondConsent, "consent").header.Get("Location"), "state=s2")
	assert.Contains(t, b.submit(firstConsent, "consent").header.Get("Location"), "state=s1")
}

func TestAnExpiredLoginSaysSo(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)

	page := b.atCode(p)
	p.clock.advance(time.Hour)
	for _, a := range []*answer{b.open(page.path), b.post(page, "verify/otp", "response", mock.OTP)} {
		assert.Equal(t, http.StatusGone, a.status)
		assert.Contains(t, a.text(), "The time for this login is over")
		assert.Contains(t, a.text(), "Reference: "+strings.TrimPrefix(page.login(), "/login/"))
	}
}

func TestBeginAnswersTheClientWhenALoginCannotStart(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	a := newBrowser(t, p.URL).open(p.request("prompt", "none"))
	assert.Equal(t, http.StatusSeeOther, a.status)
	assert.Contains(t, a.header.Get("Location"), callback+"?error=login_required")
}

func TestAnErrorThatNoClientCanHearIsShown(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	a := newBrowser(t, p.URL).open(p.request("redirect_uri", "https://elsewhere.example.org/"))
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.Contains(t, a.body, `<code id="error-code" dir="ltr">invalid_request</code>`)
	assert.Contains(t, a.text(), "We cannot log you in for this service")
	assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
}
