package ui_test

import (
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// An app is opened by a redirect to a scheme of its own, and the page stays behind it: for good, if the browser opens apps
// only for whoever touches a link.
func TestChromiumLeadsToAnAppThatDidNotOpen(t *testing.T) {
	t.Parallel()
	const app = "org.example.app:/callback"
	state := newConsent()
	state.RedirectURI = app
	f := newFakeLogin(t, state, nil)
	f.flow.do = func(_ string, s *login.State) error {
		s.Step = login.StepDone
		s.Response = &oauth.AuthorizationResponse{RedirectURI: app, Parameters: url.Values{"code": {"c1"}}}
		return nil
	}
	c := f.chromium(t, func(c *chromium) {
		const hasty = `(() => { const wait = setTimeout; window.setTimeout = (f, ms) => wait(f, ms === 15000 ? 100 : ms); })()`
		_, err := chromedp.Call(c.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: hasty})
		require.NoError(t, err)
	})
	c.do(chromedp.Click(chromedp.ID("continue")))
	_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](`document.querySelector("#continue") && !document.querySelector("form[aria-busy]")`))
	require.NoError(t, err)
	c.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.ID("return")))
	assert.Equal(t, "Go to Health Portal", c.eval(`document.getElementById("return").textContent`))

	answer := f.open(c.eval(`document.getElementById("return").getAttribute("href")`))
	assert.Equal(t, app+"?code=c1", answer.header.Get("Location"))
}
