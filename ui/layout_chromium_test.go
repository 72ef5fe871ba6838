package ui_test

import (
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChromiumMeasuresNoLayoutShift(t *testing.T) {
	t.Parallel()
	for name, s := range everyStep() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.ExtensionsLeft = 1
			f := newFakeLogin(t, s, nil)
			c := f.chromium(t, func(c *chromium) { c.do(chromedp.EmulateViewport(360, 640)) })
			shift, err := chromedp.Run(c.ctx, chromedp.Evaluate[string](`new Promise((resolve) => {
				let sum = 0;
				new PerformanceObserver((list) => { for (const e of list.getEntries()) sum += e.value; }).observe({ type: "layout-shift", buffered: true });
				requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(String(sum)))));
			})`, chromedp.EvalAwaitPromise))
			require.NoError(t, err)
			sum, err := strconv.ParseFloat(shift, 64)
			require.NoError(t, err)
			assert.Less(t, sum, 0.02)
			t.Logf("%s: %v", name, sum)
		})
	}
}

func TestChromiumHeedsContrastColoursAndMotion(t *testing.T) {
	t.Parallel()
	emulate := func(c *chromium, features ...string) {
		c.t.Helper()
		var list []*emulation.MediaFeature
		for i := 0; i+1 < len(features); i += 2 {
			list = append(list, &emulation.MediaFeature{Name: features[i], Value: features[i+1]})
		}
		_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: list})
		require.NoError(c.t, err)
	}
	c := newFakeLogin(t, newConsent(), nil).chromium(t, nil)
	style := func(selector, property string) string {
		return c.eval(`getComputedStyle(document.querySelector("` + selector + `")).` + property)
	}
	emulate(c, "prefers-reduced-motion", "reduce")
	assert.Equal(t, "0s", style(".button", "transitionDuration"))
	usual := style(".lead", "color")
	emulate(c, "prefers-contrast", "more")
	assert.NotEqual(t, usual, style(".lead", "color"))
	assert.Equal(t, style("h1", "color"), style(".lead", "color"), "nothing is muted")
	emulate(c, "forced-colors", "active")
	for _, selector := range []string{".button", ".card"} {
		assert.Equal(t, "solid", style(selector, "borderTopStyle"), "%s has an edge that is no colour of ours", selector)
	}
	c.assertNoComplaints()
}
