package ui_test

import (
	"html"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/wallet"
)

var (
	walletLink = regexp.MustCompile(`id="wallet-qr-btn" href="([^"]+)"`)
	nextCode   = regexp.MustCompile(`data-next="(\d+)"`)
)

// deepLink is that of the page, or empty.
func (a *answer) deepLink() string {
	if m := walletLink.FindStringSubmatch(a.body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// next is in how many seconds the page shows another code.
func (a *answer) next(tb testing.TB) int {
	tb.Helper()
	m := nextCode.FindStringSubmatch(a.body)
	require.NotNil(tb, m, a.body)
	n, err := strconv.Atoi(m[1])
	require.NoError(tb, err)
	return n
}

const looksByItself = `<noscript><meta http-equiv="refresh" content="5"></noscript>`

func TestADeploymentSaysWhenAndHowOftenAnotherCodeIsShown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		buffer    time.Duration
		limit     int
		next      int
		refreshes string
		// same says that there is no other code after 45 of 60 seconds.
		same bool
	}{
		"nothing is said":       {0, 0, 50, "3", true},
		"earlier, more often":   {20 * time.Second, 7, 40, "7", false},
		"not in the first half": {time.Hour, 0, 30, "3", false},
		"none":                  {-1, -1, 60, "0", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalletLogin(t, callback, nil, func(u *ui.Config) { u.QRBuffer, u.QRRefreshes = c.buffer, c.limit })
			p := w.page()
			assert.Equal(t, c.next, p.next(t))
			assert.Contains(t, p.body, `data-refreshes="`+c.refreshes+`"`)
			w.clock.advance(45 * time.Second)
			assert.Equal(t, c.same, p.deepLink() == w.open(p.path).deepLink())
		})
	}
}

func TestWithoutJavaScriptThePageOfAWalletLooksByItself(t *testing.T) {
	t.Parallel()
	w := newWalletLogin(t, callback, nil)
	p := w.page()
	assert.Contains(t, p.body, looksByItself)
	first := p.deepLink()
	assert.Contains(t, p.body, `id="download_now" href="https://wallet.example/get"`)
	w.clock.advance(49 * time.Second)
	assert.Equal(t, first, w.open(p.path).deepLink(), "as long as the code works")
	w.clock.advance(2 * time.Second)
	second := w.open(p.path).deepLink()
	assert.NotEqual(t, first, second)
	_, err := w.scan(first)
	require.NoError(t, err, "somebody is just about to scan it")

	linked := w.open(p.path)
	assert.Contains(t, linked.text(), "Approve on your phone")
	assert.Contains(t, linked.body, looksByItself)
	w.clock.advance(6 * time.Minute)
	late := w.open(p.path)
	assert.Contains(t, late.text(), "Your wallet did not finish in time, and nothing was shared.")
	assert.Contains(t, late.body, `id="back-button"`)
	assert.Contains(t, late.body, looksByItself)

	_, err = w.scan(late.deepLink())
	require.NoError(t, err)
	again := w.open(late.path)
	assert.Contains(t, again.text(), "Approve on your phone")
	assert.NotContains(t, again.text(), "did not finish", "that was the one before")
}

func TestALoginThatAWalletHasMeetsNoSession(t *testing.T) {
	t.Parallel()
	w := newWalletLogin(t, callback, nil)
	p := w.page()
	w.header.Set("Cookie", w.header.Get("Cookie")+"; signet-session=a-token")
	w.page()
	require.Equal(t, []string{"join"}, w.flow.made(), "until then it does")
	_, err := w.scan(p.deepLink())
	require.NoError(t, err)
	assert.Contains(t, w.page().text(), "Approve on your phone")
	assert.Equal(t, []string{"join"}, w.flow.made())
}

func TestAWalletThatProvedWhoThePersonIsAndWasLateEndsTheLogin(t *testing.T) {
	t.Parallel()
	w := newWalletLogin(t, callback, nil)
	linked, err := w.scan(w.page().deepLink())
	require.NoError(t, err)
	w.flow.do = func(call string, s *login.State) error {
		if call == "answer" {
			s.Step, s.Succeeded = login.StepConsent, []authenticator.Factor{authenticator.Wallet}
		}
		return nil
	}
	proved, err := w.Authenticate(t.Context(), linked.Handle, authenticator.Identifier{}, authenticator.Challenge{Factor: authenticator.Wallet})
	require.NoError(t, err)
	require.Equal(t, login.StepConsent, proved.Step)
	w.clock.advance(6 * time.Minute)
	p := w.page()
	assert.Contains(t, p.text(), "Your wallet did not finish in time. Cancel, and start again at Health Portal.")
	assert.NotContains(t, p.body, `http-equiv="refresh"`)
	assert.Contains(t, p.body, `id="cancel"`)
	assert.NotContains(t, w.open("/login/"+login.ID(fakeHandle)+"/consent").body, `id="continue"`, "whoever sits here decides nothing")
}

func TestCodesOfAShortLifeAreShownForHalfOfIt(t *testing.T) {
	t.Parallel()
	w := newWalletLogin(t, callback, func(c *wallet.LinkerConfig) { c.CodeLifetime = 8 * time.Second })
	p := w.page()
	assert.Equal(t, 4, p.next(t))
	assert.Equal(t, p.deepLink(), w.open(p.path).deepLink())
	w.clock.advance(4 * time.Second)
	assert.NotEqual(t, p.deepLink(), w.open(p.path).deepLink())
}

func TestNoCodeFollowsTheLast(t *testing.T) {
	t.Parallel()
	t.Run("of a login that ends", func(t *testing.T) {
		t.Parallel()
		w := newWalletLogin(t, callback, nil)
		w.clock.advance(time.Hour - 30*time.Second)
		p := w.page()
		assert.NotEmpty(t, p.deepLink())
		assert.Zero(t, p.next(t))
		w.clock.advance(25 * time.Second)
		assert.Equal(t, p.deepLink(), w.open(p.path).deepLink())
	})
	t.Run("that there may be", func(t *testing.T) {
		t.Parallel()
		w := newWalletLogin(t, callback, func(c *wallet.LinkerConfig) { c.MaxCodes = 1 })
		p := w.page()
		w.clock.advance(55 * time.Second)
		last := w.open(p.path)
		assert.Equal(t, p.deepLink(), last.deepLink(), "it is shown to its end")
		assert.Zero(t, last.next(t))
		w.clock.advance(6 * time.Second)
		none := w.open(p.path)
		assert.Empty(t, none.deepLink())
		assert.Contains(t, none.text(), "No more codes can be shown in this login.")
		assert.Contains(t, none.body, `id="back-button"`)
		assert.NotContains(t, none.body, `http-equiv="refresh"`)
	})
}

func TestAScriptIsToldThatTheServerCannotAnswer(t *testing.T) {
	t.Parallel()
	w := newWalletLogin(t, callback, nil)
	w.page()
	w.breaks(errBroken)
	a := w.open("/login/" + login.ID(fakeHandle) + "/wallet?seen=0")
	assert.Equal(t, http.StatusServiceUnavailable, a.status)
	assert.NotEmpty(t, a.header.Get("Retry-After"))
}
