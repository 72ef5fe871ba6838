package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stepTimeout ends a test whose browser hangs.
const stepTimeout = 3 * time.Minute

// browsers bounds how many run at once: each is several processes.
var browsers = make(chan struct{}, 2)

// findChromium returns the browser of the CHROMIUM environment variable, or the first that is installed.
func findChromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require.Fail(t, "no Chromium found", "make test installs it; or name one in the CHROMIUM environment variable")
	return ""
}

// tab is a tab of a browser. Its methods are what a person does, and fail the test if they cannot be done.
type tab struct {
	t         *testing.T
	ctx       context.Context
	noScripts bool
}

// openBrowser starts a browser of the test's own.
func openBrowser(t *testing.T, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	path := findChromium(t)
	browsers <- struct{}{}
	t.Cleanup(func() { <-browsers })
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // the tests may run as root, and visit nobody but themselves
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-US"),
		// A page from the cache would hide what the server answers to the back button.
		chromedp.Flag("disable-features", "Translate,BackForwardCache"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.WSURLReadTimeout(stepTimeout),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(options, flags...)...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)))
	return b
}

// newTab opens another tab of the same browser.
func (b *tab) newTab() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	require.NoError(b.t, chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)))
	other := &tab{t: b.t, ctx: ctx}
	if b.noScripts {
		other.withoutScripts()
	}
	return other
}

// withoutScripts switches JavaScript off, in this tab and those opened from it.
func (b *tab) withoutScripts() {
	b.t.Helper()
	b.noScripts = true
	b.do("switch JavaScript off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, steps...), "%s, at %s", what, b.where())
}

// load does something that loads a page, and returns the status of the page.
func (b *tab) load(what string, step chromedp.Action[chromedp.Void]) int {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, step)
	require.NoError(b.t, err, "%s, at %s", what, b.where())
	require.NotNil(b.t, response, "%s, at %s", what, b.where())
	return int(response.Status)
}

func (b *tab) open(url string) int { b.t.Helper(); return b.load("open "+url, chromedp.Navigate(url)) }
func (b *tab) back() int           { b.t.Helper(); return b.load("go back", chromedp.NavigateBack()) }
func (b *tab) reload() int         { b.t.Helper(); return b.load("reload", chromedp.Reload()) }
func (b *tab) click(css string) int {
	b.t.Helper()
	return b.load("click "+css, chromedp.Click(chromedp.CSS(css)))
}

func (b *tab) tick(css string) {
	b.t.Helper()
	b.do("tick "+css, chromedp.Click(chromedp.CSS(css)))
}

// write types into a field, over what is there.
func (b *tab) write(css, text string) {
	b.t.Helper()
	selectAll := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, input.DispatchKeyEventParams{
			Type: input.DispatchKeyEventTypeKeyDown, Commands: []string{"selectAll"},
		})
		return err
	})
	b.do("write into "+css, chromedp.Focus(chromedp.CSS(css)), selectAll, chromedp.SendKeys(chromedp.CSS(css), text))
}

// where is the URL of the page.
func (b *tab) where() string {
	b.t.Helper()
	url, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		return "an unknown place"
	}
	return url
}

// text is what the page says.
func (b *tab) text() string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	require.NoError(b.t, err)
	return text
}

// reads makes sure that the page says something.
func (b *tab) reads(text string) {
	b.t.Helper()
	assert.Contains(b.t, b.text(), text, "at %s", b.where())
}

// has makes sure that there is such an element, soon: a page may be under way.
func (b *tab) has(css string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS(css))) != nil {
		require.Fail(b.t, "no "+css, "at %s, which reads:\n%s", b.where(), b.text())
	}
}

func (b *tab) shows(css string) bool {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	nodes, err := chromedp.Run(ctx, chromedp.Nodes(chromedp.CSSAll(css), chromedp.AtLeast(0)))
	require.NoError(b.t, err)
	return len(nodes) > 0
}

// isAt makes sure that the page's URL begins so.
func (b *tab) isAt(prefix string) {
	b.t.Helper()
	require.True(b.t, strings.HasPrefix(b.where(), prefix), "at %s instead of %s, which reads:\n%s", b.where(), prefix, b.text())
}
