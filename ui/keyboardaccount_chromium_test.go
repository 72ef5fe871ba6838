package ui_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/ui"
)

// order presses Tab through the whole page and returns what had the focus, each by its text.
func (c *chromium) order() []string {
	c.t.Helper()
	var list []string
	for range 60 {
		c.press(kb.Tab)
		text := c.eval(`document.activeElement === document.body ? "" : document.activeElement.textContent.trim()`)
		if text == "" {
			return list
		}
		c.assertFocusInSight(text)
		list = append(list, text)
	}
	require.Fail(c.t, "the focus does not leave the page", "%v", list)
	return nil
}

// tabTo presses Tab until the focus is on what begins with the text.
func (c *chromium) tabTo(text string) {
	c.t.Helper()
	for range 60 {
		c.press(kb.Tab)
		if strings.HasPrefix(c.eval("document.activeElement.textContent.trim()"), text) {
			c.assertFocusInSight(text)
			return
		}
	}
	require.Fail(c.t, "Tab does not reach "+text)
}

// isNoticed waits until the focus is on what was done, which is read first.
func (c *chromium) isNoticed() {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return c.focused() == "notice" }, 10*time.Second, 50*time.Millisecond)
}

func newAccountWithEverything(t *testing.T) *bank {
	w := newBank(t, nil)
	w.putClinic()
	w.set(func() {
		w.passkeys[asha] = []ui.Passkey{{ID: "phone", CreatedAt: day(1), UsedOn: day(2)}, {ID: "laptop", CreatedAt: day(3), UsedOn: day(3)}}
	})
	return w
}

// runsInAccount runs a test on the account pages of somebody who has everything.
func runsInAccount(t *testing.T, test func(t *testing.T, w *bank, c *chromium)) {
	runs(t, func(t *testing.T, prepare func(*chromium)) {
		c := newChromium(t)
		prepare(c)
		test(t, newAccountWithEverything(t), c)
	})
}

func TestChromiumManagesTheAccountByKeyboardAlone(t *testing.T) {
	t.Parallel()
	runsInAccount(t, func(t *testing.T, w *bank, c *chromium) {
		downloads := t.TempDir()
		_, err := chromedp.CallBrowser(c.ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
			Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: downloads,
		})
		require.NoError(t, err)
		c.do(chromedp.Navigate(w.URL + "/account/"))

		// A consent, its receipt, and taking it back, with second thoughts.
		c.tabTo("Details and receipts of Clinic")
		c.enter()
		c.tabTo("Download receipt")
		c.press(kb.Enter)
		require.Eventually(t, func() bool {
			files, err := os.ReadDir(downloads)
			return err == nil && len(files) == 1 && !strings.HasSuffix(files[0].Name(), ".crdownload")
		}, 10*time.Second, 50*time.Millisecond, "the receipt is saved")
		assert.Equal(t, "/account/consents/"+clinicID, c.eval("location.pathname"), "and the page stays")
		c.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
		assert.Equal(t, "withdraw", c.focused(), "Shift and Tab go back")
		c.enter()
		c.tab("cancel")
		c.enter()
		c.tab("withdraw")
		c.enter()
		c.tab("withdraw")
		c.enter()
		c.isNoticed()
		c.tab("back-button")
		c.enter()
		c.do(chromedp.WaitVisible(chromedp.ID("empty")))

		// A passkey, with second thoughts.
		c.tabTo("Remove the passkey of")
		c.enter()
		c.tab("cancel")
		c.enter()
		c.tabTo("Remove the passkey of")
		c.enter()
		c.tab("remove")
		c.enter()
		c.isNoticed()
		assert.Equal(t, "1", c.eval(`document.querySelectorAll("a[href*=passkeys]").length`))

		c.tab("log-out")
		c.enter()
		assert.Equal(t, "/account/logged-out", c.eval("location.pathname"))
		c.assertNoComplaints()
	})
}

func TestChromiumTakesTheFocusThroughTheAccountInOrder(t *testing.T) {
	t.Parallel()
	runsInAccount(t, func(t *testing.T, w *bank, c *chromium) {
		for path, want := range map[string][]string{
			"":                                   {"Details and receipts of Clinic", "Stop sharing with Clinic", "Remove the passkey of", "Remove the passkey of", "Log out"},
			"consents/" + clinicID:               {"Stop sharing with Clinic", "Download receipt 1", "Everything that you share", "Log out"},
			"consents/" + clinicID + "/withdraw": {"Stop sharing", "Keep sharing", "Everything that you share", "Log out"},
			"passkeys/phone/remove":              {"Remove", "Keep it", "Everything that you share", "Log out"},
		} {
			c.do(chromedp.Navigate(w.URL + "/account/" + path))
			got := c.order()
			want = append([]string{"Skip to main content", "English"}, want...)
			require.Len(t, got, len(want), "%s: %q", path, got)
			for i := range want {
				assert.True(t, strings.HasPrefix(got[i], want[i]), "%s: %q instead of %q", path, got[i], want[i])
			}
		}
		c.assertNoComplaints()
	})
}

func TestChromiumSkipsToTheMainContent(t *testing.T) {
	t.Parallel()
	runsInAccount(t, func(t *testing.T, w *bank, c *chromium) {
		c.do(chromedp.Navigate(w.URL + "/account/"))
		c.tabTo("Skip to main content")
		c.press(kb.Enter)
		c.press(kb.Tab)
		assert.Equal(t, "Details and receipts of Clinic", c.eval("document.activeElement.textContent"), "the header is skipped")
	})
}

func TestChromiumClosesTheLanguagesByKeyboard(t *testing.T) {
	t.Parallel()
	open := `document.querySelector(".language details").open`
	t.Run("with JavaScript, by Escape", func(t *testing.T) {
		t.Parallel()
		w := newAccountWithEverything(t)
		c := newChromium(t)
		c.do(chromedp.Navigate(w.URL + "/account/"))
		c.tab("language_selection")
		c.press(kb.Enter, kb.Tab, kb.Tab)
		assert.Equal(t, "true", c.eval(open))
		c.press(kb.Escape)
		assert.Equal(t, "false", c.eval(open))
		assert.Equal(t, "language_selection", c.focused(), "the focus is back where the list was opened")
	})
	t.Run("with and without JavaScript, where it was opened", func(t *testing.T) {
		t.Parallel()
		runsInAccount(t, func(t *testing.T, w *bank, c *chromium) {
			c.do(chromedp.Navigate(w.URL + "/account/"))
			c.tab("language_selection")
			c.press(kb.Enter)
			assert.Equal(t, "true", c.eval(open))
			c.press(" ")
			assert.Equal(t, "false", c.eval(open))
			c.press(kb.Enter)
			c.tab("fr3")
			c.enter()
			assert.Equal(t, "fr", c.eval("document.documentElement.lang"))
		})
	})
}

// loggedIn is a flow that has a session, until it is logged out.
type loggedIn struct {
	*fakeFlow
	out atomic.Bool
}

func (f *loggedIn) Session(context.Context, string, *oidc.LogoutRequest) (*login.Session, error) {
	if f.out.Load() {
		return nil, login.ErrUnknown
	}
	return &login.Session{Account: "…789"}, nil
}

func (f *loggedIn) LogOut(context.Context, string) error {
	f.out.Store(true)
	return nil
}

func (*loggedIn) ParseLogoutRequest(_ context.Context, form url.Values) (*oidc.LogoutRequest, error) {
	return &oidc.LogoutRequest{
		Client: &oauth.Client{ID: "portal", Names: map[string]string{"": "Health Portal"}}, RedirectURI: form.Get("post_logout_redirect_uri"),
	}, nil
}

func TestChromiumLogsOutByKeyboardAlone(t *testing.T) {
	t.Parallel()
	runs(t, func(t *testing.T, prepare func(*chromium)) {
		portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<p id=arrived>Bye"))
		}))
		t.Cleanup(portal.Close)
		flow := &loggedIn{fakeFlow: newFakeFlow()}
		pages, err := ui.New(ui.Config{Flow: flow, Logout: flow})
		require.NoError(t, err)
		mux := http.NewServeMux()
		mux.Handle("/login/", pages)
		mux.Handle("/logout", pages.LogoutHandler())
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		c := newChromium(t)
		prepare(c)
		c.do(chromedp.Navigate(server.URL + "/logout?client_id=portal&post_logout_redirect_uri=" + url.QueryEscape(portal.URL+"/bye")))
		assert.Equal(t, []string{"Skip to main content", "English", "Log out"}, c.order())
		assert.False(t, flow.out.Load(), "nobody is logged out who was not asked")
		c.tab("logout")
		c.enter()
		assert.True(t, flow.out.Load())
		assert.Equal(t, []string{"Skip to main content", "Go to Health Portal"}, c.order())
		c.tab("return")
		c.enter()
		c.do(chromedp.WaitVisible(chromedp.ID("arrived")))
		c.assertNoComplaints()
	})
}
