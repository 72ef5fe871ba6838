package ui_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/login"
)

// tab presses Tab until the focus is on the element, which has to be in sight.
func (c *chromium) tab(id string) {
	c.t.Helper()
	for range 60 {
		c.press(kb.Tab)
		if c.focused() == id {
			c.assertFocusInSight(id)
			return
		}
	}
	require.Fail(c.t, "Tab does not reach "+id)
}

// assertFocusInSight makes sure that what has the focus is on the screen, that nothing hides it (WCAG 2.2, 2.4.11), and that
// it is marked by an outline of at least two pixels.
func (c *chromium) assertFocusInSight(what string) {
	c.t.Helper()
	assert.Equal(c.t, "", c.eval(`(() => {
		const element = document.activeElement, { left, right, top, bottom } = element.getBoundingClientRect();
		if (bottom <= 0 || top >= innerHeight) return "it is out of sight";
		const over = document.elementFromPoint((left + right) / 2, (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2);
		if (!over || !element.contains(over) && !over.contains(element)) return "it is hidden by " + (over && over.outerHTML);
		const { outlineStyle, outlineWidth } = getComputedStyle(element);
		return outlineStyle === "none" || parseFloat(outlineWidth) < 2 ? "it is not marked" : "";
	})()`), what)
}

// enter presses Enter and waits for the page that follows.
func (c *chromium) enter() {
	c.t.Helper()
	_, err := chromedp.RunResponse(c.ctx, chromedp.KeyEvent(kb.Enter))
	require.NoError(c.t, err)
}

// runs are with and without JavaScript.
func runs(t *testing.T, test func(t *testing.T, prepare func(*chromium))) {
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(c *chromium) {
				_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
				require.NoError(t, err)
			})
		})
	}
}

func TestChromiumLogsInByKeyboardAlone(t *testing.T) {
	t.Parallel()
	for name, walk := range map[string]func(c *chromium){
		"code": func(c *chromium) {
			c.tab("login_with_otp")
			c.enter()
			c.tab("Otp_vid")
			c.press(strings.Split(personID, "")...)
			c.enter()
			if c.focused() != "otp_verify_input" {
				c.tab("otp_verify_input")
			}
			c.press(strings.Split(mock.OTP, "")...)
			c.enter()
		},
		"password": func(c *chromium) {
			c.tab("login_with_pwd")
			c.enter()
			c.tab("Password_vid")
			c.press(strings.Split(personID, "")...)
			c.tab("response")
			c.press(strings.Split(password, "")...)
			c.tab("verify_password")
			c.enter()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs(t, func(t *testing.T, prepare func(*chromium)) {
				portal := newPortal(t)
				p := newProvider(t, nil, portal.URL+"/callback")
				c := newChromium(t)
				prepare(c)
				c.do(chromedp.Navigate(p.URL + p.request("redirect_uri", portal.URL+"/callback")))
				walk(c)
				c.tab("claim-email")
				c.press(" ")
				c.tab("continue")
				c.enter()
				c.do(chromedp.WaitVisible(chromedp.ID("arrived")))
				assert.Equal(t, "welcome", c.eval("document.body.textContent"))
				c.assertNoComplaints()
			})
		})
	}
}

func TestChromiumAnswersPINsAndQuestionsByKeyboardAlone(t *testing.T) {
	t.Parallel()
	form := &authenticator.Form{Fields: []authenticator.FormField{{Name: "name"}, {Name: "born", Type: authenticator.FieldDate}}}
	for name, c := range map[string]struct {
		state  login.State
		typed  [][2]string
		button string
		want   string
	}{
		"PIN": {login.State{Step: login.StepVerify, Factor: authenticator.PIN}, [][2]string{{"Pin_vid", "42"}, {"response", "123456"}}, "verify_pin", "123456"},
		"questions": {login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: form},
			[][2]string{{"kba_vid", "42"}, {"field-name", "Sok"}, {"field-born.day", "7"}, {"field-born.month", "2"}, {"field-born.year", "1987"}},
			"verify_kba", `{"born":"1987-02-07","name":"Sok"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs(t, func(t *testing.T, prepare func(*chromium)) {
				s := c.state
				f := newFakeLogin(t, &s, nil)
				f.flow.do = moveOn
				browser := f.chromium(t, prepare)
				for _, field := range c.typed {
					browser.tab(field[0])
					browser.press(strings.Split(field[1], "")...)
				}
				browser.tab(c.button)
				browser.enter()
				_, answer := f.flow.answered()
				assert.Equal(t, c.want, answer.Response)
				assert.Equal(t, "/login/"+login.ID(fakeHandle)+"/consent", browser.eval("location.pathname"))
				browser.assertNoComplaints()
			})
		})
	}
}

func TestChromiumUnfoldsWaysAndChangesTheLanguageByKeyboardAlone(t *testing.T) {
	t.Parallel()
	runs(t, func(t *testing.T, prepare func(*chromium)) {
		f := newFakeLogin(t, &login.State{Step: login.StepChoose, Options: []authenticator.FactorSet{{"otp"}, {"pwd"}, {"pin"}, {"bio"}, {"kba"}}}, nil)
		c := f.chromium(t, prepare)
		c.tab("language_selection")
		c.press(kb.Enter)
		c.tab("fr3")
		c.enter()
		assert.Equal(t, "fr", c.eval("document.documentElement.lang"))
		c.tab("show-more-options")
		c.press(kb.Enter)
		c.tab("login_with_kba")
		c.enter()
		assert.Equal(t, []string{"choose"}, f.flow.made())
		assert.Equal(t, 4, f.flow.option)
		c.assertNoComplaints()
	})
}
