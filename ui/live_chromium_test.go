package ui_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/login"
)

// noteNews notes what the two live regions of the pages say, over all pages of the site.
const noteNews = `addEventListener("DOMContentLoaded", () => {
	for (const id of ["polite", "assertive"]) {
		const region = document.getElementById(id);
		if (region) new MutationObserver(() => {
			const said = region.textContent;
			if (said) sessionStorage.news = JSON.stringify([...JSON.parse(sessionStorage.news || "[]"), id + ": " + said]);
		}).observe(region, { childList: true, characterData: true, subtree: true });
	}
});`

// handClock is a clock of the page that goes on only by "await pass(seconds)".
const handClock = `(() => {
	const later = setTimeout;
	const timers = new Map();
	let now = 0, last = 0;
	performance.now = () => now;
	setTimeout = (f, wait = 0) => { timers.set(++last, { at: now + wait, f }); return last; };
	clearTimeout = (id) => timers.delete(id);
	window.pass = async (seconds) => {
		for (const end = now + seconds * 1000; now < end;) {
			now += 100;
			for (const [id, timer] of [...timers]) if (timer.at <= now) { timers.delete(id); timer.f(); }
			await new Promise((done) => later(done));
		}
		return true;
	};
})();`

// pass lets time pass on a page with a handClock.
func (c *chromium) pass(seconds string) {
	c.t.Helper()
	_, err := chromedp.Run(c.ctx, chromedp.Evaluate[bool]("pass("+seconds+")", chromedp.EvalAwaitPromise))
	require.NoError(c.t, err)
}

// news is what was said since it was asked for the last time.
func (c *chromium) news() []string {
	c.t.Helper()
	said := c.eval(`(() => { const news = sessionStorage.news || "[]"; sessionStorage.news = "[]"; return news; })()`)
	var list []string
	require.NoError(c.t, json.Unmarshal([]byte(said), &list))
	return list
}

// hears waits until something has been said.
func (c *chromium) hears(text string) {
	c.t.Helper()
	want, err := json.Marshal(text)
	require.NoError(c.t, err)
	_, err = chromedp.Run(c.ctx, chromedp.Poll[bool](`(sessionStorage.news || "").includes(`+string(want)+`)`))
	require.NoError(c.t, err, "%s was not said", text)
}

func TestChromiumSaysWhatHappensInALogin(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	c := newChromium(t)
	c.beforePages(noteNews)
	c.do(chromedp.Navigate(p.URL + p.request()))
	c.click("login_with_otp")
	assert.Equal(t, []string{"polite: Sending…"}, c.news())

	c.do(chromedp.Click(chromedp.ID("get_otp")))
	c.hears("Enter your ID number.")
	assert.Equal(t, []string{"assertive: Enter your ID number."}, c.news(), "once")
	assert.Equal(t, "Otp_vid", c.focused())
	c.fill("Otp_vid", personID)
	c.click("get_otp")
	assert.Equal(t, []string{"polite: Sending…"}, c.news())

	// That the code is sent is said with the field, which has the focus.
	field := c.hearFocused()
	assert.Equal(t, "textbox", field.role)
	assert.Contains(t, field.description, "We sent a one-time code to")

	c.fill("otp_verify_input", "000000")
	c.click("verify_otp")
	c.do(chromedp.WaitVisible(chromedp.ID("error-banner")))
	banner := c.hearFocused()
	assert.Equal(t, "alert", banner.role)
	assert.Equal(t, "This code is not right. Use the code of the newest message.", banner.children[1].name)
	assert.True(t, strings.HasPrefix(c.eval("document.title"), "Error: "), "the title is the first that is read")
	assert.Equal(t, []string{"polite: Sending…"}, c.news(), "what has the focus is not said twice")

	c.do(chromedp.SetValue(chromedp.ID("otp_verify_input"), mock.OTP))
	c.click("verify_otp")
	c.do(chromedp.WaitVisible(chromedp.ID("continue")))
	c.assertNoComplaints()
}

// hearFocused is what has the focus, as a screen reader is told of it.
func (c *chromium) hearFocused() *spokenNode {
	c.t.Helper()
	for _, n := range c.hear().root.all() {
		if n.has("focused") {
			return n
		}
	}
	require.Fail(c.t, "nothing has the focus")
	return nil
}

func TestChromiumSaysSeveralMistakesAtOnce(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password}, nil)
	c := f.chromium(t, func(c *chromium) { c.beforePages(noteNews) })
	c.do(chromedp.Click(chromedp.ID("verify_password")))
	c.hears("Enter your")
	assert.Equal(t, []string{"assertive: Enter your ID number. Enter your password."}, c.news())
}

func TestChromiumSaysHowMuchTimeIsLeftThreeTimes(t *testing.T) {
	t.Parallel()
	s := &login.State{Step: login.StepVerify, Factor: authenticator.Password, ExpiresAt: time.Now().Add(10 * time.Minute)}
	f := newFakeLogin(t, s, nil)
	c := f.chromium(t, func(c *chromium) { c.beforePages(noteNews + handClock) })
	c.pass("document.getElementById('time-limit').dataset.seconds - 61")
	assert.Empty(t, c.news(), "the clock is not read out")
	c.pass("80")
	assert.Equal(t, []string{
		"polite: This login ends in 60 seconds.", "polite: This login ends in 30 seconds.", "polite: This login ends in 10 seconds.",
		"polite: The time for this login is over. Start again at Health Portal.",
	}, c.news())
}

func TestChromiumSaysWhenAnAnswerMayBeGivenAgain(t *testing.T) {
	t.Parallel()
	s := &login.State{Step: login.StepVerify, Factor: authenticator.Password, RetryAt: time.Now().Add(4 * time.Minute), ExpiresAt: time.Now().Add(10 * time.Minute)}
	f := newFakeLogin(t, s, nil)
	c := f.chromium(t, func(c *chromium) { c.beforePages(noteNews + handClock) })
	c.pass("250")
	assert.Equal(t, []string{"polite: You can try again now."}, c.news())
}

func TestChromiumSaysThatThereIsNoConnection(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP}, nil)
	c := f.chromium(t, func(c *chromium) { c.beforePages(noteNews) })
	c.fill("Otp_vid", personID)
	offline := func(is bool) {
		_, err := chromedp.Call(c.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: is, DownloadThroughput: -1, UploadThroughput: -1})
		require.NoError(t, err)
	}
	offline(true)
	c.hears("There is no connection.")
	c.news()
	c.do(chromedp.Click(chromedp.ID("get_otp")))
	c.hears("There is no connection.")
	assert.NotContains(t, strings.Join(c.news(), "\n"), "Sending")
	offline(false)
	c.hears("You are online again.")
}

// The wallet's page is that of the preview, whose login no wallet ever takes.
func TestChromiumSaysThatThereIsANewCodeToScan(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	c.beforePages(noteNews + handClock + `(() => {
		const page = fetch(location.href).then((answer) => answer.text()).catch(() => {});
		fetch = (url) => url === location.href ? page.then((text) => new Response(text)) : new Promise(() => {});
	})()`)
	c.do(chromedp.Navigate(newPreview(t) + "wla?lang=en"))
	c.pass("1")
	assert.Equal(t, []string{"polite: Waiting for your wallet."}, c.news())
	c.pass("document.getElementById('wallet').dataset.next")
	c.pass("1")
	assert.Equal(t, []string{"polite: There is a new code."}, c.news())
}

func TestChromiumSaysWhatIsMissingInPlaceOfWhatWasWrong(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, knownPerson(login.StepVerify, authenticator.Password), nil)
	c := f.chromium(t, nil)
	c.do(chromedp.Navigate(c.eval(`location.href`) + "?problem=wrong_credentials"))
	c.waitText("response-error", "The password is not right.")
	c.do(chromedp.Click(chromedp.ID("verify_password")))
	c.waitText("response-error", "Enter your password.")
	assert.Equal(t, "1", c.eval(`document.querySelectorAll(".error").length`))
	assert.Empty(t, f.flow.made(), "nothing was sent")
}
