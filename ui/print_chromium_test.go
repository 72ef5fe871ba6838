package ui_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChromiumPrintsWhatIsSharedAndNoControls(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	c := newChromium(t)
	_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	require.NoError(t, err)
	for _, path := range []string{"/account/", "/account/consents/" + clinicID} {
		c.do(chromedp.Navigate(w.URL + path))
		assert.Empty(t, c.eval(`[...document.querySelectorAll("nav, a, button, input, summary, footer")].filter((e) => e.offsetParent).map((e) => e.outerHTML)`), path)
		printed := c.eval(`document.body.innerText`)
		for _, part := range []string{"Clinic", "Full name", "Email address", "Date of birth", "To know <your> age"} {
			assert.Contains(t, printed, part, path)
		}
		assert.NotContains(t, printed, "Log out", path)
		assert.Equal(t, "rgb(255, 255, 255) rgb(0, 0, 0)", c.eval(`(s => s.backgroundColor + " " + s.color)(getComputedStyle(document.body))`), "ink is for what is read")
	}
	c.assertNoComplaints()
}
