package button_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui/button"
)

// chromium is a tab at the page of a relying party whose policy allows the script of the button, images of its own, and nothing else.
type chromium struct {
	t    *testing.T
	ctx  context.Context
	site string

	mu         sync.Mutex
	complaints []string // what the browser says about the pages
	requests   []string // what it loaded, or tried to
}

func newChromium(t *testing.T) *chromium {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); path == "" && err == nil {
			path = found
		}
	}
	require.NotEmpty(t, path, "the browser tests need Chromium: install it, or name it in the environment variable CHROMIUM")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-features", "Translate"))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	c := &chromium{t: t, ctx: ctx, site: newSite(t)}
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			c.complaints = append(c.complaints, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			c.requests = append(c.requests, e.Request.URL)
		}
	}))
	return c
}

// newSite serves a relying party, with the button of a provider on another host.
func newSite(t *testing.T) string {
	t.Helper()
	b := newButton(t, button.Config{Names: map[string]string{"": "National ID", "fr": "l’identité nationale"}})
	provider := httptest.NewServer(b)
	t.Cleanup(provider.Close)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src 'self' data:; script-src "+provider.URL)
		if r.URL.Path == "/logo.svg" {
			w.Header().Set("Content-Type", "image/svg+xml")
			w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"/>`))
			return
		}
		if r.URL.Path != "/" {
			w.Write([]byte(`<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,"><p id="elsewhere">Elsewhere</p>`))
			return
		}
		w.Write([]byte(`<!doctype html><html lang="` + r.URL.Query().Get("lang") + `"><title>Portal</title><link rel="icon" href="data:,">
			<script src="` + provider.URL + b.ScriptPath() + `" integrity="` + b.ScriptIntegrity() + `" crossorigin></script>
			<main id="place">Wait</main>`))
	}))
	t.Cleanup(site.Close)
	return site.URL
}

func (c *chromium) eval(expression string) string {
	c.t.Helper()
	s, err := chromedp.Run(c.ctx, chromedp.Evaluate[string]("(async () => String("+expression+"))()", chromedp.EvalAwaitPromise))
	require.NoError(c.t, err, "%s", expression)
	return s
}

// open loads the page of the relying party.
func (c *chromium) open(query string) {
	c.t.Helper()
	require.NoError(c.t, chromedp.Do(c.ctx, chromedp.Navigate(c.site+"/"+query)))
}

// config is what every login needs, and more.
func config(more string) string {
	return `{ authorizeUri: location.origin + "/authorize", redirect_uri: location.origin + "/callback", client_id: "portal", scope: "openid", ` + more + `}`
}

// init renders the button.
func (c *chromium) init(oidcConfig, more string) {
	c.t.Helper()
	require.Equal(c.t, "place", c.eval(`(await SignInWithEsignetButton.init({ signInElement: document.getElementById("place"), oidcConfig: `+
		oidcConfig+`, `+more+`})).id`))
}

// click presses the button and returns where it leads, from the path on.
func (c *chromium) click() string {
	c.t.Helper()
	require.NoError(c.t, chromedp.Do(c.ctx, chromedp.Click(chromedp.CSS("#place button")), chromedp.WaitVisible(chromedp.ID("elsewhere"))))
	return strings.TrimPrefix(c.eval("location.href"), c.site)
}

func (c *chromium) assertQuiet() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	assert.Empty(c.t, c.complaints)
}

// waitFor waits until the expression is true.
func (c *chromium) waitFor(expression string) {
	c.t.Helper()
	_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](expression))
	require.NoError(c.t, err, "%s", expression)
}
