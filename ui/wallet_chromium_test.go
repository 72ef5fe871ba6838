package ui_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/wallet"
)

// walletClock gives the script of the page a clock that stands still until the test lets time pass, and counts its requests.
const walletClock = `(() => {
	const mine = () => new Error().stack.includes("/wallet.");
	const { setTimeout: later, clearTimeout: forget, fetch: ask } = window;
	const steady = performance.now.bind(performance);
	const timers = new Map();
	let now = 0, last = 0;
	window.setTimeout = (f, ms = 0) => {
		if (!mine()) return later(f, ms);
		timers.set(--last, { at: now + ms, f });
		walletTest.waits.push(ms);
		return last;
	};
	window.clearTimeout = (id) => { if (!timers.delete(id)) forget(id); };
	performance.now = () => mine() ? now : steady();
	window.fetch = async (...request) => {
		walletTest.requests++;
		walletTest.open++;
		try { return await ask(...request); } finally { walletTest.open--; }
	};
	window.walletTest = {
		waits: [], requests: 0, open: 0,
		get timers() { return timers.size; },
		pass(ms) {
			now += ms;
			for (const [id, timer] of [...timers]) if (timer.at <= now && timers.delete(id)) timer.f();
		},
	};
	let hidden = false;
	Object.defineProperty(document, "hidden", { get: () => hidden });
	window.walletTest.hide = (is) => { hidden = is; document.dispatchEvent(new Event("visibilitychange")); };
})()`

// walletPage is the page in a real browser.
type walletPage struct {
	*walletLogin
	*chromium
}

func newWalletPage(t *testing.T, configure func(*wallet.LinkerConfig)) *walletPage {
	t.Helper()
	w := newWalletLogin(t, newPortal(t).URL+"/callback", configure)
	c := w.chromium(t, func(c *chromium) {
		_, err := chromedp.Call(c.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: walletClock})
		require.NoError(t, err)
	})
	p := &walletPage{w, c}
	p.says("Waiting for your wallet.")
	p.waits(1)
	return p
}

// until waits until the browser finds that so it is.
func (p *walletPage) until(expression string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression))
	require.NoError(p.t, err, "%s; the page reads: %s", expression, p.eval("document.body.textContent"))
}

func (p *walletPage) says(text string) {
	p.t.Helper()
	p.until(`document.getElementById("wallet-status")?.textContent === ` + strconv.Quote(text))
}

// waits lets time pass in the browser until so many browsers wait at the server.
func (p *walletPage) waits(browsers int64) {
	p.t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for p.waiting.Load() != browsers {
		p.eval("walletTest.pass(100)")
		<-ticker.C
	}
}

func (p *walletPage) link() string {
	p.t.Helper()
	return p.eval(`document.getElementById("wallet-qr-btn")?.href`)
}

// pass lets time pass, at the server and in the browser.
func (p *walletPage) pass(d time.Duration) {
	p.t.Helper()
	p.clock.advance(d)
	p.eval("walletTest.pass(" + strconv.FormatInt(d.Milliseconds(), 10) + ")")
}

func (p *walletPage) number(expression string) float64 {
	p.t.Helper()
	n, err := strconv.ParseFloat(p.eval(expression), 64)
	require.NoError(p.t, err)
	return n
}

func TestChromiumShowsTheNextCodeBeforeTheOneExpires(t *testing.T) {
	t.Parallel()
	p := newWalletPage(t, nil)
	first := p.link()
	p.pass(50 * time.Second)
	p.says("There is a new code.")
	assert.NotEqual(t, first, p.link())
	p.clock.advance(9 * time.Second)
	_, err := p.scan(first)
	require.NoError(t, err, "the two overlap")
	p.until(`document.querySelector("h1").textContent === "Approve on your phone"`)
	assert.Equal(t, "null", p.eval(`document.getElementById("wallet-qr-code")`))
	p.assertNoComplaints()
}

func TestChromiumStopsShowingCodesToNobodyAndShowsOneToWhoeverAsks(t *testing.T) {
	t.Parallel()
	p := newWalletPage(t, nil)
	links := map[string]bool{p.link(): true}
	for i := range 3 {
		p.pass(50 * time.Second)
		p.until(`!` + toJS(links) + `.includes(document.getElementById("wallet-qr-btn").href)`)
		links[p.link()] = true
		require.Len(t, links, 2+i)
	}
	p.until("walletTest.timers === 0")
	p.clock.advance(time.Minute)
	p.says("The code expired. Ask for a new one.")
	assert.Equal(t, "true,true", p.eval(`["#wallet-qr-code", "#wallet-qr-btn"].map((id) => !document.querySelector(id).offsetParent)`))
	p.pass(time.Second)
	p.until("walletTest.timers === 0 && walletTest.open === 0")
	p.waits(0)
	p.eval("(walletTest.hide(true), walletTest.hide(false))")
	assert.Equal(t, "0", p.eval("walletTest.timers + walletTest.open"), "nothing goes on by itself")

	p.click("refresh_qr_code")
	p.says("Waiting for your wallet.")
	p.waits(1)
	assert.False(t, links[p.link()])
	_, err := p.scan(p.link())
	require.NoError(t, err)
	p.until(`!!document.getElementById("unlink")`)
	p.assertNoComplaints()
}

func toJS(set map[string]bool) string {
	var list []string
	for s := range set {
		list = append(list, strconv.Quote(s))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestChromiumSaysThatAWalletWasLateAndOffersOtherWays(t *testing.T) {
	t.Parallel()
	p := newWalletPage(t, nil)
	first := p.link()
	_, err := p.scan(first)
	require.NoError(t, err)
	p.until(`document.getElementById("unlink") && !document.getElementById("back-button")`)
	p.waits(1)
	p.clock.advance(6 * time.Minute)
	p.do(chromedp.WaitVisible(chromedp.ID("error-banner")))
	assert.Contains(t, p.eval(`document.getElementById("error-banner").textContent`),
		"Your wallet did not finish in time, and nothing was shared. Try again, or use another way.")
	assert.NotEqual(t, first, p.link())
	p.waits(1)
	p.click("back-button")
	p.do(chromedp.WaitVisible(chromedp.ID("login_with_pwd")))
	p.assertNoComplaints()
}

func TestChromiumGoesBackToTheClientWhenTheWalletRefuses(t *testing.T) {
	t.Parallel()
	p := newWalletPage(t, nil)
	tx, err := p.scan(p.link())
	require.NoError(t, err)
	p.until(`!!document.getElementById("unlink")`)
	p.waits(1)
	_, err = p.Cancel(t.Context(), tx.Handle)
	require.NoError(t, err)
	p.do(chromedp.WaitVisible(chromedp.ID("arrived")))
	assert.Equal(t, "access_denied", p.eval("document.body.textContent"))
	p.assertNoComplaints()
}

func withLongLife(c *wallet.LinkerConfig) { c.CodeLifetime = time.Hour - time.Second }

// checkBackOff lets the page fail time and again. Each time it waits longer, but not in step with others.
func (p *walletPage) checkBackOff(broken error) {
	p.t.Helper()
	const failures = 7
	before := int(p.number("walletTest.waits.length"))
	requests := p.number("walletTest.requests")
	p.breaks(broken)
	exact := 0
	for i := range failures {
		p.until("walletTest.waits.length === " + strconv.Itoa(before+i+1))
		wait := p.number("walletTest.waits.at(-1)") / 1000
		usual := min(30, float64(int(2)<<i))
		assert.GreaterOrEqual(p.t, wait, usual/2, "after %d failures", i+1)
		assert.LessOrEqual(p.t, wait, usual*3/2, "after %d failures", i+1)
		if wait == usual {
			exact++
		}
		assert.Equal(p.t, requests+float64(i), p.number("walletTest.requests"), "there is one request for one wait")
		p.eval("walletTest.pass(walletTest.waits.at(-1) - 1)")
		assert.Equal(p.t, before+i+1, int(p.number("walletTest.waits.length")), "it waits as long as it means to")
		p.eval("walletTest.pass(1)")
	}
	assert.Less(p.t, exact, failures)
	p.says("The connection is lost. Trying again.")
}

func TestChromiumAsksLessAndLessOftenWhenTheServerFailsFast(t *testing.T) {
	t.Parallel()
	p := newWalletPage(t, withLongLife)
	qr := p.link()
	p.checkBackOff(errBroken)
	p.eval("walletTest.pass(3600000)")
	p.until("walletTest.open === 0")
	assert.Equal(t, qr, p.link(), "the code stays, though there is no next one")
	p.breaks(nil)
	p.eval("walletTest.pass(45000)")
	p.waits(1)
}

func TestChromiumAsksLessAndLessOftenWithoutANetwork(t *testing.T) {
	t.Parallel()
	p := newWalletPage(t, withLongLife)
	p.checkBackOff(errCut)
	p.until("walletTest.open === 0")
	p.breaks(nil)
	_, err := p.scan(p.link())
	require.NoError(t, err)
	p.eval("walletTest.pass(45000)")
	p.until(`!!document.getElementById("unlink")`)
}

func TestChromiumDoesNotWaitWhereNobodyLooks(t *testing.T) {
	t.Parallel()
	p := newWalletPage(t, nil)
	first := p.link()
	p.eval("walletTest.hide(true)")
	p.waits(0)
	p.pass(55 * time.Second)
	p.pass(55 * time.Second)
	assert.Equal(t, "0", p.eval("walletTest.open"))
	assert.EqualValues(t, 1, p.polls.Load())
	assert.Equal(t, first, p.link())
	p.eval("walletTest.hide(false)")
	p.waits(1)
	p.until(`document.getElementById("wallet-qr-btn").href !== ` + strconv.Quote(first))
	_, err := p.scan(p.link())
	require.NoError(t, err)
	p.until(`!!document.getElementById("unlink")`)
	p.assertNoComplaints()
}
