package e2e_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

// newPreview shows every page in every state, and returns where.
func newPreview(t *testing.T) string {
	t.Helper()
	pages, err := ui.New(ui.Config{Flow: struct{ ui.Flow }{}}) // nobody logs in
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/login/", pages)
	mux.Handle("/login/preview/", pages.Preview())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/login/preview/"
}

// watchPolicy gathers what the policy of a page forbids.
const watchPolicy = `
	const forbidden = [];
	addEventListener("securitypolicyviolation", (e) => forbidden.push(e.violatedDirective + " forbids " + e.blockedURI));
`

// What is asked of axe-core: all that is against level A or AA of WCAG 2.2, or its own best practices, and those rules of
// which the outcome depends on the screen and the colours.
const (
	allRules  = `"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"`
	lookRules = `"color-contrast", "target-size", "link-in-text-block", "scrollable-region-focusable"`
)

// violations is what axe-core finds. Rules that are switched off, as target-size, are asked for by name.
func violations(rules string) string {
	return `axe.run({
		runOnly: [` + rules + `], rules: { "target-size": { enabled: true } }, resultTypes: ["violations"], preload: false,
	}).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
		nodes.map((n) => id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " "))))`
}

// tooWide tells by how much a page is.
const tooWide = `[document.documentElement.scrollWidth - innerWidth].filter((over) => over > 0).map(String)`

// TestEveryPageIsForEverybody looks at every page in every state, written to the right and to the left,
// on a phone and, dark, on a large screen. "make node" installs axe-core. Nobody has to scroll sideways where there are 320
// pixels, which is 1280 at a zoom of 400 % (WCAG 2.2, 1.4.10), and nothing is against the policy of the pages.
func TestEveryPageIsForEverybody(t *testing.T) {
	t.Parallel()
	b, address := openPreview(t)
	for _, language := range []string{"en", "ar", "km"} {
		album := &album{language: language}
		for _, state := range append(ui.PreviewStates(), ui.PreviewState{Name: "index"}) {
			url := address + state.Path + "?lang=" + language
			b.do("open "+url, emulate("light"), chromedp.EmulateViewport(phoneWidth, phoneHeight, chromedp.EmulateMobile), chromedp.Navigate(url))
			album.keep(b, state, phoneWidth, phoneHeight, phoneScale)
			if language != "km" { // which is written as English is, but larger
				assert.Empty(t, list(b, violations(allRules)), "%s on a phone", url)
			}
			b.do("change the screen", emulate("dark"), chromedp.EmulateViewport(screenWidth, screenHeight))
			album.keep(b, state, screenWidth, screenHeight, screenScale)
			if language != "km" {
				assert.Empty(t, list(b, violations(lookRules)), "%s on a large screen, dark", url)
			}
			b.do("zoom", chromedp.EmulateViewport(320, 256))
			assert.Empty(t, list(b, tooWide), "%s has to be scrolled sideways", url)
			assert.Empty(t, list(b, `forbidden`), url)
		}
		album.write(b)
	}
}

// The test above is worth nothing unless what it asks can be answered otherwise.
func TestWhatIsNotForEverybodyIsFound(t *testing.T) {
	t.Parallel()
	b, address := openPreview(t)
	b.do("open a page", emulate("dark"), chromedp.Navigate(address+"choose"), chromedp.EmulateViewport(320, 256))
	assert.Equal(t, "dark", list(b, `[matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"]`)[0])
	found := strings.Join(list(b, `(() => {
		const heading = document.querySelector("h1"), small = [0, 1].map(() => document.createElement("button"));
		Object.assign(heading.style, { color: "#555", width: "400px" });
		small.forEach((button) => Object.assign(button.style, { width: "9px", height: "9px", padding: 0 }));
		heading.after(...small);
		document.body.append(new Image());
		return `+violations(allRules)+`;
	})()`), "\n")
	for _, rule := range []string{"button-name", "color-contrast", "image-alt", "target-size"} {
		assert.Contains(t, found, rule+": ")
	}
	assert.Contains(t, strings.Join(list(b, violations(lookRules)), "\n"), "target-size: ")
	assert.NotEmpty(t, list(b, tooWide))
	assert.Equal(t, []string{"style-src-elem forbids inline"}, list(b, `new Promise((seen) => {
		addEventListener("securitypolicyviolation", () => seen(forbidden.filter((f) => f.startsWith("style-src-elem"))));
		document.body.append(Object.assign(document.createElement("style"), { textContent: "p {}" }));
	})`))
}

// openPreview opens a browser that is ready to ask, and returns where the pages are.
func openPreview(t *testing.T) (b *tab, address string) {
	t.Helper()
	return openInspector(t), newPreview(t)
}

// openInspector opens a browser in which every page can be asked.
func openInspector(t *testing.T) *tab {
	t.Helper()
	axe, err := os.ReadFile("testdata/axe/node_modules/axe-core/axe.min.js")
	require.NoError(t, err, `axe-core is not installed: run "make node"`)
	b := openBrowser(t)
	_, err = chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchPolicy + string(axe)})
	require.NoError(t, err)
	return b
}

// emulate has the browser wish for a scheme, and for nothing that moves: a colour on its way to another is neither.
func emulate(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	})
}

// list evaluates an expression that is a list of texts, or will be.
func list(b *tab, expression string) []string {
	b.t.Helper()
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, b.where())
	return found
}
