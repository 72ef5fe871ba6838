package ui_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// scenario are steps that name elements by nothing but the ids of eSignet's pages: "open" and "in" click, with and without
// a page that follows; "type" fills; "see" and "gone" look; "land" is where the client is told an outcome.
type scenario []string

func (s scenario) play(c *chromium) {
	c.t.Helper()
	for _, line := range s {
		verb, id, _ := strings.Cut(line, " ")
		id, value, _ := strings.Cut(id, "=")
		switch verb {
		case "open":
			c.click(id)
		case "in":
			c.do(chromedp.Click(chromedp.ID(id)))
		case "type":
			c.retype(id, value)
		case "see":
			c.do(chromedp.WaitVisible(chromedp.ID(id)))
		case "gone":
			assert.Equal(c.t, "false", c.eval(`(e => !!e && e.checkVisibility())(document.getElementById("`+id+`"))`), "%s is gone", id)
		case "land":
			c.do(chromedp.WaitVisible(chromedp.ID("arrived")))
			assert.Equal(c.t, value, c.eval("document.body.textContent"))
		default:
			assert.Fail(c.t, "no such step", line)
		}
	}
	c.assertNoComplaints()
}

// What suites that were written for eSignet's pages do with them, on whole logins.
func TestChromiumRunsTheScenariosOfESignetByItsIds(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]scenario{
		"a code": {
			"see language_selection", "open login_with_otp", "type Otp_vid=" + personID, "open get_otp", "see resend_otp",
			"type otp_verify_input=000000", "open verify_otp", "see error-banner", "see error-banner-message", "in error-close-button", "gone error-banner",
			"type otp_verify_input=" + mock.OTP, "open verify_otp", "in continue", "land outcome=welcome",
		},
		"a password, and the way back to the choice": {
			"open login_with_otp", "open back-button", "open login_with_pwd", "see forgot-password-hyperlink", "type Password_vid=" + personID,
			"in password-eye", "type response=" + password, "open verify_password", "in continue", "land outcome=welcome",
		},
		"consent is refused, after a second thought": {
			"open login_with_pwd", "type Password_vid=" + personID, "type response=" + password, "open verify_password",
			"in cancel", "see stay-button", "in stay-button", "gone discontinue-button", "in cancel", "see discontinue-button", "in discontinue-button",
			"land outcome=access_denied",
		},
		"another language": {"in language_selection", "open ar1", "see login_with_otp", "in language_selection", "open hi4", "see login_with_otp", "open cancel", "land outcome=access_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			portal := newPortal(t)
			p := newProvider(t, func(c *ui.Config) { c.Links.ForgottenPassword = "https://join.example.org/reset" }, portal.URL+"/callback")
			c := newChromium(t)
			c.do(chromedp.Navigate(p.URL + p.request("redirect_uri", portal.URL+"/callback")))
			steps.play(c)
		})
	}
}

// The same on pages that need more of an identity system.
func TestChromiumFindsTheIdsOfESignetOnEveryPage(t *testing.T) {
	t.Parallel()
	ways := []authenticator.FactorSet{{"otp"}, {"pwd"}, {"pin"}, {"bio"}, {"kba"}}
	verify := func(f authenticator.Factor) *login.State {
		return &login.State{Step: login.StepVerify, Factor: f, Options: ways, Option: 0, AttemptsLeft: 3}
	}
	for name, test := range map[string]struct {
		state     *login.State
		configure func(*ui.Config)
		steps     scenario
	}{
		"the choice": {&login.State{Step: login.StepChoose, Options: ways, Option: -1}, nil, scenario{
			"see login_with_otp", "see login_with_pwd", "see login_with_pin", "see login_with_bio", "gone login_with_kbi", "in show-more-options",
			"see login_with_kbi", "open login_with_kbi",
		}},
		"PIN": {verify("pin"), withIdentifierTypes, scenario{"see Pin_vid", "see back-button", "see verify_pin"}},
		"countries": {&login.State{Step: login.StepIdentify, Factor: "otp"}, func(c *ui.Config) {
			withIdentifierTypes(c)
			c.IdentifierTypes = c.IdentifierTypes[1:2]
		}, scenario{"type Otp_KHM=12345678", "see get_otp"}},
		"biometrics": {verify("bio"), nil, scenario{"see sbi_vid", "see back-button"}},
		"claims that are not verified": {&login.State{Step: login.StepVerification, Unverified: []string{"name"}}, nil, scenario{
			"see proceed-button", "in cancel-button", "see stay-button", "see discontinue-button", "in stay-button", "gone stay-button",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.steps.play(newFakeLogin(t, test.state, test.configure).chromium(t, nil))
		})
	}
}

func TestChromiumRenamesTheFieldWithTheCountry(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepIdentify, Factor: "otp"}, func(c *ui.Config) {
		withIdentifierTypes(c)
		c.IdentifierTypes = c.IdentifierTypes[1:2]
	})
	c := f.chromium(t, nil)
	c.eval(`(select => { select.selectedIndex = 1; select.dispatchEvent(new Event("change")); })(document.querySelector("select"))`)
	c.do(chromedp.Click(chromedp.CSS("label[for=Otp_IND]")))
	assert.Equal(t, "Otp_IND", c.focused(), "its label goes with it")
	c.assertNoComplaints()
}

func TestChromiumAsksInPlaceBeforeALoginIsGivenUp(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, newConsent(), nil)
	c := f.chromium(t, nil)
	c.do(chromedp.Click(chromedp.ID("claim-email")), chromedp.Click(chromedp.ID("cancel")), chromedp.WaitVisible(chromedp.ID("leave")))
	assert.Equal(t, "stay-button", c.focused())
	c.press("\x1b")
	assert.Equal(t, "false", c.eval(`document.getElementById("leave").open`))
	assert.Equal(t, "cancel", c.focused(), "the focus is where it was")
	assert.Contains(t, c.ticked(), "email", "and nothing is lost")
	assert.Empty(t, f.flow.made())
	c.assertNoComplaints()
}

func TestChromiumSendsACodeThatCameAtOnce(t *testing.T) {
	t.Parallel()
	f, c := newCodePage(t)
	paste := func(code string) {
		c.retype("otp_verify_input", "")
		c.paste(code)
	}
	status := func() string { return c.eval(`document.getElementById("code-status").textContent`) }
	c.fill("otp_verify_input", "123456")
	assert.Empty(t, status(), "what is typed waits for the button")
	paste("12345")
	assert.Empty(t, status(), "it is not complete")
	paste("123 456")
	assert.Equal(t, "The code is complete. It is sent in a moment.", status())
	c.do(chromedp.Click(chromedp.ID("code-stop")))
	assert.Empty(t, status())
	assert.Equal(t, "otp_verify_input", c.focused())
	paste("٦٥٤٣٢١")
	c.eval("walletTest.pass(4000)")
	c.do(chromedp.WaitVisible(chromedp.ID("continue")))
	_, answer := f.flow.answered()
	assert.Equal(t, "654321", answer.Response)
	assert.Equal(t, []string{"answer"}, f.flow.made(), "once")
	c.assertNoComplaints()
}

func TestChromiumSaysThatCapsLockIsOn(t *testing.T) {
	t.Parallel()
	c := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password}, nil).chromium(t, nil)
	press := func(locked string) string {
		return c.eval(`(input => {
			input.dispatchEvent(new KeyboardEvent("keydown", { key: "A", modifierCapsLock: ` + locked + ` }));
			return document.getElementById("caps-lock").textContent;
		})(document.getElementById("response"))`)
	}
	assert.Equal(t, "Caps Lock is on.", press("true"))
	assert.Empty(t, press("false"))
	c.assertNoComplaints()
}

func TestChromiumFindsALanguageByAnyOfItsNames(t *testing.T) {
	t.Parallel()
	c := newFakeLogin(t, &login.State{Step: login.StepChoose}, nil).chromium(t, nil)
	c.do(chromedp.Click(chromedp.ID("language_selection")))
	for wish, want := range map[string]string{"khm": "km", "ខ្មែរ": "km", "francais": "fr", "FR": "fr", "tamil": "ta", "xyz": ""} {
		c.retype("language_search", wish)
		assert.Equal(t, want, c.eval(`[...document.querySelectorAll(".language li:not([hidden]) a")].map((a) => a.lang)`), wish)
	}
	c.retype("language_search", "tamil")
	c.enter()
	assert.Equal(t, "ta", c.eval("document.documentElement.lang"))
	c.assertNoComplaints()
}
