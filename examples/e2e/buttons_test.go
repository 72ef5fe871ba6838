package e2e_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryLookOfTheButtonSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := openBrowser(t)
	for _, css := range []string{
		`.looks a[class=signet-button]:has(.filled_orange.rounded_edges)`, // without a script
		`.place[data-theme=filled_black][data-type=icon] button`,
		`.place[data-own] button`,
	} {
		b.open(w.portal + "/")
		b.click("#to-buttons")
		b.do("wait for the script", chromedp.WaitVisible(chromedp.CSS(".place[data-locale=ta] button")))
		b.click(css)
		b.isAt(w.issuer + "/")
		answerPassword(b, w.person, password)
		allow(b)
		seesProfile(b, w, w.person)
		b.click("#sign-out")
	}
	b.open(w.portal + "/buttons")
	look(b, "portal-buttons", "")
	disabled, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.querySelectorAll(".place:empty, .place :disabled").length`))
	require.NoError(t, err)
	assert.Zero(t, disabled)
}
