package ui_test

import (
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// knownPerson is a login that has the identifier of the person from the session.
func knownPerson(step login.Step, factor authenticator.Factor) *login.State {
	return &login.State{Step: step, Factor: factor, IdentifierKnown: true, Account: "••••356", CanSwitch: true, LoginHint: "12345"}
}

func TestWhomTheSessionKnowsIsNotAskedWhoTheyAre(t *testing.T) {
	t.Parallel()
	questions := knownPerson(login.StepVerify, authenticator.Knowledge)
	questions.Form = &authenticator.Form{Fields: []authenticator.FormField{{Name: "village"}}}
	for name, test := range map[string]struct {
		state   *login.State
		page    string
		answers []string
		call    string
	}{
		"to be sent a code": {knownPerson(login.StepIdentify, authenticator.OTP), "identify/otp", nil, "send"},
		"password":          {knownPerson(login.StepVerify, authenticator.Password), "verify/pwd", []string{"response", "correct horse"}, "answer"},
		"questions":         {questions, "verify/kba", []string{"form", "1", "field.village", "Angkor"}, "answer"},
	} {
		for kinds, configure := range map[string]func(*ui.Config){"": nil, " of several kinds of identifiers": withIdentifierTypes} {
			t.Run(name+kinds, func(t *testing.T) {
				t.Parallel()
				state := *test.state
				f := newFakeLogin(t, &state, configure)
				page := f.page()
				assert.Contains(t, page.body, `<p id="account">Logged in as ••••356.</p>`)
				assert.Contains(t, page.body, `name="account" value="other" form="switch">I am somebody else</button>`)
				assert.NotContains(t, page.body, `name="identifier`)
				assert.NotContains(t, page.body, "12345", "a hint is of no use")

				f.submit(page, test.page, test.answers...)
				id, _ := f.flow.answered()
				assert.Empty(t, id, "the login knows it")
				assert.Equal(t, []string{test.call}, f.flow.made())
				f.submit(page, "account", "account", "other")
				assert.Equal(t, []string{test.call, "account"}, f.flow.made())
			})
		}
	}
}

func TestAFormWithoutAnIdentifierIsOfNobody(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP}, nil)
	page := f.submit(f.page(), "identify/otp")
	assert.Contains(t, page.text(), "Enter your ID number.")
	assert.Empty(t, f.flow.made())
}

func TestAFormThatKnowsPeopleByItsOwnQuestionAsksItInAStepUp(t *testing.T) {
	t.Parallel()
	state := knownPerson(login.StepVerify, authenticator.Knowledge)
	state.Form, state.LoginHint = controls, ""
	page := newFakeLogin(t, state, nil).page()
	assert.Contains(t, page.body, `id="kba_vid" name="identifier" value=""`, "the session's may be of another kind")
	assert.Contains(t, page.body, `<p id="account">Logged in as ••••356.</p>`)
}

func TestChromiumSaysThatItIsSomebodyElseInAStepUp(t *testing.T) {
	t.Parallel()
	state := knownPerson(login.StepVerify, authenticator.Password)
	state.LoginHint = ""
	f := newFakeLogin(t, state, nil)
	f.flow.do = func(call string, s *login.State) error {
		if call == "account" {
			s.IdentifierKnown, s.Account, s.CanSwitch = false, "", false
		} else {
			s.Step = login.StepConsent
		}
		return nil
	}
	c := f.chromium(t, nil)
	c.fill("response", "correct horse")
	c.click("other-account")
	assert.Equal(t, []string{"account"}, f.flow.made(), "the answer is not sent")
	c.fill("Password_vid", "42")
	c.do(chromedp.SendKeys(chromedp.ID("response"), "correct horse\r"), chromedp.WaitVisible(chromedp.ID("continue")))
	id, _ := f.flow.answered()
	assert.Equal(t, "42", id.Value)
	c.assertNoComplaints()
}

func TestChromiumAnswersByEnterInAStepUp(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, knownPerson(login.StepVerify, authenticator.Password), nil)
	f.flow.do = moveOn
	c := f.chromium(t, nil)
	c.do(chromedp.SendKeys(chromedp.ID("response"), "correct horse\r"), chromedp.WaitVisible(chromedp.ID("continue")))
	assert.Equal(t, []string{"answer"}, f.flow.made())
	c.assertNoComplaints()
}

func TestAWrongAnswerWithoutAnIdentifierSpeaksOfTheAnswerAlone(t *testing.T) {
	t.Parallel()
	fixed := &login.State{Step: login.StepVerify, Succeeded: []authenticator.Factor{authenticator.OTP}, IdentifierFixed: true}
	fixed.Identifier = authenticator.Identifier{Type: "vid", Value: "2740198356"}
	for who, state := range map[string]*login.State{
		"of the session":          knownPerson(login.StepVerify, ""),
		"of the factor before it": fixed,
	} {
		for kinds, configure := range map[string]func(*ui.Config){"": nil, ", with several kinds of identifiers": withIdentifierTypes} {
			for factor, want := range map[authenticator.Factor]string{
				authenticator.Password:   "The password is not right.",
				authenticator.PIN:        "The PIN is not right.",
				authenticator.Biometrics: "The capture does not match.",
			} {
				t.Run(string(factor)+" "+who+kinds, func(t *testing.T) {
					t.Parallel()
					s := *state
					s.Factor = factor
					page := newFakeLogin(t, &s, configure).open("/login/" + login.ID(fakeHandle) + "/verify/" + string(factor) + "?problem=wrong_credentials")
					assert.Contains(t, page.text(), want)
				})
			}
		}
	}
}

func TestNoLanguageSpeaksOfANumberThatWasNotAsked(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	for _, language := range pages.Languages() {
		first := preview(pages, "problem-wrong-pwd?lang="+language).Body.String()
		alone := preview(pages, "problem-wrong-pwd-known?lang="+language).Body.String()
		said := regexp.MustCompile(`id="error-banner-message">(?:<a [^>]*>)?([^<]+)<`)
		require.Regexp(t, said, alone, language)
		assert.NotEqual(t, said.FindStringSubmatch(first)[1], said.FindStringSubmatch(alone)[1], language)
	}
}

func TestOfSeveralKindsOfIdentifiersNoneIsCalledANumber(t *testing.T) {
	t.Parallel()
	verify := &login.State{Step: login.StepVerify, Factor: authenticator.Password}
	page := newFakeLogin(t, verify, withIdentifierTypes).open("/login/" + login.ID(fakeHandle) + "/verify/pwd?problem=wrong_credentials")
	assert.Contains(t, page.text(), "What you entered is not right.")
	assert.NotContains(t, page.text(), "ID number")

	choose := &login.State{Step: login.StepChoose, Options: []authenticator.FactorSet{{authenticator.Password}, {authenticator.PIN}}}
	page = newFakeLogin(t, choose, withIdentifierTypes).page()
	assert.Contains(t, page.text(), "You need your password.")
	assert.Contains(t, page.text(), "You need your PIN.")

	code := &login.State{Step: login.StepVerify, Factor: authenticator.OTP, Code: &authenticator.CodeReceipt{}}
	assert.Contains(t, newFakeLogin(t, code, withIdentifierTypes).page().text(), "Change what you entered")
}
