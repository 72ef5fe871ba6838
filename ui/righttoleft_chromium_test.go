package ui_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

func TestChromiumShowsNumbersAfterTheirPrefixFromRightToLeft(t *testing.T) {
	t.Parallel()
	kinds := &login.State{Step: login.StepIdentify, Factor: authenticator.OTP, LoginHint: "+85512345678"}
	question := &login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: controls}
	for id, state := range map[string]*login.State{"Otp_KHM": kinds, "kba_vid": question} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			state.UILocales = []string{"ar"}
			c := newFakeLogin(t, state, withIdentifierTypes).chromium(t, nil)
			assert.Equal(t, "rtl", c.eval(`document.documentElement.dir`))
			assert.Equal(t, "true", c.eval(`((number) => number.parentElement.querySelector("select").getBoundingClientRect().right <=
				number.getBoundingClientRect().left)(document.getElementById("`+id+`"))`))
			assert.Equal(t, "start", c.eval(`getComputedStyle(document.getElementById("`+id+`")).textAlign`))
			c.assertNoComplaints()
		})
	}
}

func TestChromiumLetsThePasswordBeginBesideTheEye(t *testing.T) {
	t.Parallel()
	for language, side := range map[string]string{"en": "Right", "ar": "Left"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			state := &login.State{Step: login.StepVerify, Factor: authenticator.Password, UILocales: []string{language}}
			c := newFakeLogin(t, state, nil).chromium(t, nil)
			c.do(chromedp.WaitVisible(chromedp.ID("password-eye")))
			assert.Equal(t, "true", c.eval(`document.getElementById("password-eye").offsetWidth <=
				parseFloat(getComputedStyle(document.getElementById("response")).padding`+side+`)`), "nothing is written under it")
		})
	}
}

func TestChromiumShowsPlaceholdersInTheDirectionOfThePage(t *testing.T) {
	t.Parallel()
	form := &authenticator.Form{Fields: []authenticator.FormField{{Name: "village", Placeholders: authenticator.Texts{"ar": "القرية"}}}}
	state := &login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: form, UILocales: []string{"ar"}}
	c := newFakeLogin(t, state, nil).chromium(t, nil)
	direction := func() string { return c.eval(`getComputedStyle(document.getElementById("field-village")).direction`) }
	assert.Equal(t, "rtl", direction())
	c.fill("field-village", "Meridian")
	assert.Equal(t, "ltr", direction(), "what is typed says its own")
}

func TestChromiumWritesNoMonthInALanguageOfWhichItKnowsNone(t *testing.T) {
	t.Parallel()
	for language, month := range map[string]string{"km": "មីនា", "si": "මාර්තු", "fr": "mars"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			state := &login.State{Step: login.StepVerify, Factor: authenticator.Password, UILocales: []string{language}, ExpiresAt: now.Add(48 * time.Hour)}
			c := newFakeLogin(t, state, func(c *ui.Config) { c.Now = func() time.Time { return now } }).chromium(t, nil)
			c.do(chromedp.WaitVisible(chromedp.ID("password-eye"))) // the script ran
			end := c.eval(`document.querySelector("#time-end time").textContent`)
			assert.Contains(t, end, month)
			assert.NotContains(t, end, "March")
		})
	}
}

func TestChromiumListsWhereACodeWentInTheDirectionOfThePage(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{"en": "true", "ar": "false"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			code := &authenticator.CodeReceipt{Destinations: []string{"+855", "a@b"}}
			state := &login.State{Step: login.StepVerify, Factor: authenticator.OTP, Code: code, UILocales: []string{language}}
			c := newFakeLogin(t, state, nil).chromium(t, nil)
			assert.Equal(t, want, c.eval(`((text) => {
				const left = (part) => {
					const range = document.createRange();
					range.setStart(text, text.data.indexOf(part));
					range.setEnd(text, text.data.indexOf(part) + part.length);
					return range.getBoundingClientRect().left;
				};
				return left("+855") < left("a@b");
			})(document.getElementById("code-sent").firstChild)`), "the first comes first")
		})
	}
}
