package ui_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

func TestChromiumWithdrawsWithAndWithoutJavaScript(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newBank(t, nil)
			w.putClinic()
			c := newChromium(t)
			_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
			require.NoError(t, err)
			c.do(chromedp.Navigate(w.URL + "/account/consents/" + clinicID))
			c.click("withdraw")
			c.click("cancel")
			c.click("withdraw")
			c.click("withdraw")
			c.do(chromedp.WaitVisible(chromedp.ID("notice")))
			assert.Equal(t, "Done. You no longer share anything with this service.", c.eval(`document.getElementById("notice").textContent`))
			c.click("back-button")
			c.do(chromedp.WaitVisible(chromedp.ID("empty")))
			c.click("log-out")
			assert.Equal(t, "/account/logged-out", c.eval("location.pathname"))
			c.assertNoComplaints()
		})
	}
}

func TestChromiumShowsTheAccountPagesOnANarrowScreen(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "ar"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			w := newBank(t, func(c *ui.Config, _ *ui.AccountConfig) { c.Catalog = languages })
			w.putClinic()
			w.set(func() { w.passkeys[asha] = []ui.Passkey{{ID: "phone", CreatedAt: day(1), UsedOn: day(2)}} })
			c := newChromium(t)
			c.do(chromedp.EmulateViewport(320, 568), chromedp.Navigate(w.URL+"/account/?lang="+language))
			for _, path := range []string{"", "consents/" + clinicID, "consents/" + clinicID + "/withdraw", "passkeys/phone/remove", "nothing"} {
				c.do(chromedp.Navigate(w.URL + "/account/" + path))
				assert.Equal(t, language, c.eval("document.documentElement.lang"), path)
				assert.Equal(t, "320", c.eval("document.documentElement.scrollWidth"), "%s scrolls sideways", path)
				assert.Equal(t, "", c.eval(`[...document.querySelectorAll("a, button, summary")]
					.filter((e) => e.offsetParent && !e.matches(".skip") && e.getBoundingClientRect().height < 24).map((e) => e.id || e.textContent)`), "targets are large enough on %s", path)
				assert.Equal(t, "", c.eval(`(() => {
					const levels = [...document.querySelectorAll("h1, h2, h3")].map((h) => +h.tagName[1]);
					const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
					const names = [...document.querySelectorAll("main a")].map((a) => a.textContent);
					return [
						levels.filter((level, i) => level > (levels[i - 1] || 0) + 1).map((level) => "a heading skips to level " + level),
						ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => "there are two of " + id),
						names.filter((name, i) => names.indexOf(name) !== i).map((name) => "two links say " + name),
						[...document.querySelectorAll("[aria-labelledby]")].filter((e) => !document.getElementById(e.getAttribute("aria-labelledby"))).map((e) => e.className),
						[...document.querySelectorAll("ul, ol")].filter((e) => [...e.children].some((c) => c.tagName !== "LI")).map(() => "a list has other children"),
					].flat();
				})()`), path)
			}
			c.assertNoComplaints()
		})
	}
}
