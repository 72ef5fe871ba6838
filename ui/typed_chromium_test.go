package ui_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// noteKept notes what pages keep in the tab, beside where they keep it.
const noteKept = `{
	const keep = Storage.prototype.setItem;
	Storage.prototype.setItem = function (name, value) {
		keep.call(localStorage, "kept", (localStorage.getItem("kept") || "") + value);
		keep.call(this, name, value);
	};
}`

// in changes the language of the page as a person does.
func (c *chromium) in(language string) {
	c.t.Helper()
	c.do(chromedp.Click(chromedp.ID("language_selection")), chromedp.WaitVisible(chromedp.CSS(".language [lang="+language+"]")))
	_, err := chromedp.RunResponse(c.ctx, chromedp.Click(chromedp.CSS(".language [lang="+language+"]")))
	require.NoError(c.t, err)
	require.Equal(c.t, language, c.eval("document.documentElement.lang"))
}

func (c *chromium) value(id string) string {
	c.t.Helper()
	return c.eval(`document.getElementById("` + id + `").value`)
}

// assertNothingWaits fails if anything of what was typed is still in the tab.
func (c *chromium) assertNothingWaits() {
	c.t.Helper()
	assert.Equal(c.t, "null", c.eval(`sessionStorage.getItem("signet.typed")`))
}

func withTypesAndLanguages(c *ui.Config) {
	withIdentifierTypes(c)
	withLanguages(c)
}

func TestChromiumKeepsTheIdentifierThroughAChangeOfLanguage(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.Password, Enrollable: []authenticator.Factor{authenticator.Passkey},
	}, withTypesAndLanguages)
	c := f.chromium(t, func(c *chromium) { c.beforePages(noteNews + noteKept) })
	focused := c.focused()
	c.do(chromedp.Click(chromedp.CSS("label[for=type-mobile]")))
	c.do(chromedp.SetValue(chromedp.ID("Password_KHM-prefix"), "+91"))
	c.eval(`document.getElementById("Password_KHM-prefix").dispatchEvent(new Event("change"))`)
	c.fill("Password_IND", "98765")
	c.fill("response", "correct horse")
	c.do(chromedp.Click(chromedp.ID("password-eye")))
	require.Equal(t, "text", c.eval(`document.getElementById("response").type`))

	c.in("ar")
	assert.Equal(t, "rtl", c.eval("document.documentElement.dir"))
	assert.Equal(t, "true", c.eval(`document.getElementById("type-mobile").checked`))
	assert.Equal(t, "+91", c.value("Password_KHM-prefix"))
	assert.Equal(t, "98765", c.value("Password_IND"), "under the id of its prefix")
	assert.Equal(t, "true,false", c.eval(`[document.getElementById("Password_IND").required, document.getElementById("Password_vid").required]`))
	assert.Empty(t, c.value("response"))
	assert.Equal(t, focused, c.focused(), "the focus is where it always is on this page")
	c.assertNothingWaits()
	assert.Contains(t, c.eval(`localStorage.getItem("kept")`), "98765")
	assert.NotContains(t, c.eval(`localStorage.getItem("kept")`), "correct", "a secret never waits anywhere, shown or not")

	c.do(chromedp.Reload())
	assert.Empty(t, c.value("Password_KHM"), "it was for one change")
	assert.Empty(t, c.news())
	c.assertNoComplaints()
}

func TestChromiumKeepsTicksThroughAChangeOfLanguage(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, newConsent(), withLanguages)
	c := f.chromium(t, nil)
	c.do(chromedp.Click(chromedp.ID("claim-name")), chromedp.Click(chromedp.ID("claim-email")))
	c.in("ar")
	assert.Equal(t, "birthdate,email", c.ticked())
	assert.Equal(t, "mixed", c.every())
	c.in("km")
	assert.Equal(t, "birthdate,email", c.ticked())
	c.assertNothingWaits()
	c.assertNoComplaints()
}

func TestChromiumKeepsAnswersThroughAChangeOfLanguage(t *testing.T) {
	t.Parallel()
	f := atControls(t, withPhoto())
	c := f.chromium(t, func(c *chromium) { c.beforePages(noteKept) })
	c.fillControls()
	c.do(chromedp.SetUploadFiles(chromedp.ID("field-face"), []string{largePicture(t)}))
	c.in("ar")
	for id, want := range map[string]string{
		"kba_vid": "612345", "field-family": "Sok", "field-secret": "", "field-secret_confirm": "", "field-born.day": "27",
		"field-names.khm": "សុខ", "field-gender": "f", "field-face": "",
	} {
		assert.Equal(t, want, c.value(id), id)
	}
	assert.Equal(t, "true", c.eval(`document.getElementById("field-truth").checked`))
	assert.NotContains(t, c.eval(`localStorage.getItem("kept")`), "secret")
	c.assertNothingWaits()
	c.assertNoComplaints()
}

func TestChromiumKeepsNoCode(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.OTP, Code: &authenticator.CodeReceipt{Length: 6}, CodesLeft: 2,
	}, nil)
	c := f.chromium(t, func(c *chromium) { c.beforePages(noteKept) })
	c.fill("otp_verify_input", "1111")
	c.in("ar")
	assert.Empty(t, c.value("otp_verify_input"))
	assert.Equal(t, "null", c.eval(`localStorage.getItem("kept")`))
	c.assertNoComplaints()
}

func TestChromiumGivesWhatWasTypedToTheSamePageOnly(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	c := newChromium(t)
	c.do(chromedp.Navigate(p.URL + p.request()))
	c.click("login_with_pwd")
	c.fill("Password_vid", "12345")
	c.eval(`document.querySelector(".language a").addEventListener("click", (event) => event.preventDefault())`)
	c.eval(`document.querySelector(".language a").click()`) // and the browser stays
	require.Contains(t, c.eval(`sessionStorage.getItem("signet.typed")`), "12345")
	c.click("back-button")
	c.assertNothingWaits()
	c.click("login_with_otp")
	assert.Empty(t, c.value("Otp_vid"))
	c.assertNoComplaints()
}

func TestChromiumChangesTheLanguageWhereNothingCanBeKept(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*chromium){
		"the storage is refused": func(c *chromium) {
			c.beforePages(`Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("x", "SecurityError"); } })`)
		},
		"without JavaScript": func(c *chromium) {
			_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			require.NoError(c.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password}, nil)
			c := f.chromium(t, prepare)
			path := c.eval("location.pathname")
			c.fill("Password_vid", "12345")
			c.in("ar")
			assert.Equal(t, path, c.eval("location.pathname"), "the step stays")
			assert.Empty(t, c.value("Password_vid"))
			c.assertNoComplaints()
		})
	}
}
