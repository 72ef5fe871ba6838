package signet_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/audit"
)

// The rows of the OpenID Foundation's logout plans.

const bye = "https://portal.example/bye"

// logout is the path of a logout request; empty values are left out.
func logout(parameters ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(parameters); i += 2 {
		if parameters[i+1] != "" {
			q.Set(parameters[i], parameters[i+1])
		}
	}
	return "/logout?" + q.Encode()
}

// loggedIn reports whether the browser has a session.
func (b *browser) loggedIn() bool {
	b.Helper()
	answer := b.open(b.portal.request("prompt", "none", "scope", "openid"))
	if answer.query.Get("code") != "" {
		return true
	}
	require.Equal(b, "login_required", answer.query.Get("error"))
	return false
}

func TestLogoutDiscovery(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	metadata := w.browser().open("/.well-known/openid-configuration").body
	assert.Contains(t, metadata, `"end_session_endpoint":"`+w.URL+`/logout"`)
	assert.Contains(t, metadata, `"backchannel_logout_supported":true`)
	assert.Contains(t, metadata, `"backchannel_logout_session_supported":true`)
	assert.NotContains(t, metadata, "frontchannel")
}

func TestLogoutWithHintAndRedirectURIAndState(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	require.True(t, b.loggedIn())
	answer := b.open(logout("id_token_hint", token.raw, "post_logout_redirect_uri", bye, "state", "st-._~ ate"))
	assert.Equal(t, bye, answer.client)
	assert.Equal(t, url.Values{"state": {"st-._~ ate"}}, answer.query)
	assert.Empty(t, b.session(), "the cookie is cleared")
	assert.False(t, b.loggedIn())

	answer = b.open(logout("id_token_hint", token.raw, "post_logout_redirect_uri", bye, "state", "again"))
	assert.Equal(t, bye, answer.client, "a logout of somebody who is logged out is no error")
}

func TestLogoutDeletesTheSessionAndNotOnlyTheCookie(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	session := b.session()
	b.open(logout("id_token_hint", token.raw))
	b.setSession(session)
	assert.False(t, b.loggedIn())
}

func TestLogoutWithoutState(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	answer := b.open(logout("id_token_hint", token.raw, "post_logout_redirect_uri", bye))
	assert.Equal(t, bye, answer.client)
	assert.Empty(t, answer.query)
}

func TestLogoutToAnUnregisteredURIStaysAtThePage(t *testing.T) {
	t.Parallel()
	for name, uri := range map[string]string{
		"unregistered": "https://portal.example/elsewhere", "query added": bye + "?foo=bar",
		"another client's": "https://clinic.example/bye", "the redirect URI": "https://portal.example/callback",
		"prefix": bye + "/", "case": strings.ToUpper(bye), "script": "javascript:alert(1)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSessionWorld(t)
			b := w.browser()
			token, _ := b.login(w.portal, alice)
			page := b.open(logout("id_token_hint", token.raw, "post_logout_redirect_uri", uri, "state", "s"))
			require.Empty(t, page.client)
			assert.Contains(t, page.body, "You are logged out")
			assert.Contains(t, page.body, `id="error-code" dir="ltr">invalid_request<`)
			assert.NotContains(t, page.body, uri)
			assert.False(t, b.loggedIn())
		})
	}
}

func TestLogoutWithABadHintStaysAtThePage(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	stranger := newSessionWorld(t)
	foreign, _ := stranger.browser().login(stranger.portal, alice)
	own, _ := w.browser().login(w.portal, bob)
	parts := strings.Split(own.raw, ".")
	_, access := w.access(t)
	for name, hint := range map[string]string{
		"alg none":      "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"a stranger's":  foreign.raw,
		"changed":       parts[0] + "." + strings.Replace(parts[1], parts[1][10:12], "AA", 1) + "." + parts[2],
		"an access one": access,
		"garbage":       "garbage",
		"none":          "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := w.browser()
			b.login(w.portal, alice)
			page := b.open(logout("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "s"))
			require.Empty(t, page.client)
			assert.Contains(t, page.body, "Do you want to log out?")
			assert.True(t, b.loggedIn(), "the person was not asked yet")
			page = b.submit(page, "/logout", "confirm", "yes")
			require.Empty(t, page.client, "nor is there a redirect after the person confirmed")
			assert.Contains(t, page.body, "You are logged out")
			assert.NotContains(t, page.body, bye)
			assert.False(t, b.loggedIn())
		})
	}
}

// access is an access token, which is signed by the same keys as ID Tokens.
func (w *sessionWorld) access(t *testing.T) (idToken, string) {
	b := w.browser()
	s, _ := b.walk(b.open(w.portal.request()), bob)
	require.NotEmpty(t, s.client)
	return b.redeem(w.portal, s.query)
}

func TestLogoutWithNothingToGoBackTo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"no parameters", "only the hint", "only state"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSessionWorld(t)
			b := w.browser()
			token, _ := b.login(w.portal, alice)
			request := map[string]string{
				"no parameters": "/logout", "only the hint": logout("id_token_hint", token.raw), "only state": logout("state", "s"),
			}[name]
			page := b.open(request)
			if name != "only the hint" {
				assert.Contains(t, page.body, "You are logged in as ••••356.")
				page = b.submit(page, "/logout", "confirm", "yes")
			}
			assert.Contains(t, page.body, "You are logged out")
			assert.NotContains(t, page.body, "error-code")
			assert.False(t, b.loggedIn())
			assert.Contains(t, b.open(request).body, "You are logged out", "again")
		})
	}
}

func TestLogoutOfAnotherThanTheHintAsks(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	old, _ := w.browser().login(w.portal, alice) // of another session of hers
	foreign, _ := w.browser().login(w.portal, bob)
	b.login(w.portal, alice)
	for _, hint := range []string{old.raw, foreign.raw} {
		page := b.open(logout("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "s"))
		require.Contains(t, page.body, "Do you want to log out?")
		require.True(t, b.loggedIn())
	}
	page := b.open(logout("id_token_hint", foreign.raw, "post_logout_redirect_uri", bye, "state", "s"))
	answer := b.submit(page, "/logout", "confirm", "yes")
	assert.Equal(t, bye, answer.client, "once the person agrees")
	assert.Equal(t, "s", answer.query.Get("state"))
	assert.False(t, b.loggedIn())
}

func TestLogoutToleratesAnExpiredHint(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	w.clock.advance(25 * time.Minute)
	answer := b.open(logout("id_token_hint", token.raw, "post_logout_redirect_uri", bye))
	assert.Equal(t, bye, answer.client)
}

func TestLogoutWithAClientID(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	page := b.open(logout("id_token_hint", token.raw, "client_id", "clinic", "post_logout_redirect_uri", "https://clinic.example/bye"))
	require.Empty(t, page.client, "the hint is not for this client")
	assert.Contains(t, page.body, "Do you want to log out?")
	assert.True(t, b.loggedIn())

	page = b.open(logout("client_id", "portal", "post_logout_redirect_uri", bye, "state", "s"))
	page = b.submit(page, "/logout", "confirm", "yes")
	require.Empty(t, page.client, "anybody can send a client_id")
	assert.Contains(t, page.body, `<a class="button" id="return" href="`+bye+`?state=s">Go to PORTAL</a>`)

	token, _ = b.login(w.portal, alice)
	assert.Equal(t, bye, b.open(logout("id_token_hint", token.raw, "client_id", "portal", "post_logout_redirect_uri", bye)).client)
}

func TestLogoutByPOST(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	form := url.Values{"id_token_hint": {token.raw}, "post_logout_redirect_uri": {bye}, "state": {"s"}}
	jar := b.client.Jar
	b.client.Jar = nil // another site's form is sent without the cookie
	page := b.do(http.MethodPost, "/logout", form, "Sec-Fetch-Site", "cross-site")
	b.client.Jar = jar
	require.Contains(t, page.body, "Do you want to log out?", "the browser may have kept the session back")
	answer := b.submit(page, "/logout", "confirm", "yes")
	assert.Equal(t, bye, answer.client)
	assert.False(t, b.loggedIn())
}

func TestLogoutIsNotForOthersToConfirm(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	for name, headers := range map[string][]string{
		"another site":    {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		"a sibling":       {"Sec-Fetch-Site", "same-site", "Origin", "https://evil.example"},
		"an old browser":  {"Origin", "https://evil.example"},
		"without a token": {},
	} {
		page := b.do(http.MethodPost, "/logout", url.Values{"confirm": {"yes"}, "csrf": {"guess"}}, headers...)
		assert.Contains(t, page.body, "Do you want to log out?", name)
		assert.True(t, b.loggedIn(), name)
	}
	assert.Equal(t, http.StatusMethodNotAllowed, b.do(http.MethodPut, "/logout", nil).status)
	assert.Equal(t, http.StatusMethodNotAllowed, b.do(http.MethodHead, "/logout", nil).status)
	b.do(http.MethodGet, "/logout?confirm=yes", nil, "Sec-Fetch-Site", "same-origin")
	assert.True(t, b.loggedIn(), "a link confirms nothing")
}

// The page repeats what any site may have put into the request, beside a secret of the session.
func TestLogoutPagesHideTheTokenOfTheirFormFromThoseWhoSeeHowLongTheyAre(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	token := func() string {
		_, rest, _ := strings.Cut(b.open(logout("state", "guess")).body, `name="csrf" value="`)
		token, _, _ := strings.Cut(rest, `"`)
		require.NotEmpty(t, token)
		return token
	}
	assert.NotEqual(t, token(), token())
}

func TestLogoutPagesAreSafe(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	page := b.open(logout("state", `"><script>alert(1)</script>`, "id_token_hint", "<b>", "ui_locales", "en"))
	assert.NotContains(t, page.body, "<script>alert")
	assert.NotContains(t, page.body, "<b>")
	csp := page.header.Get("Content-Security-Policy")
	assert.Contains(t, csp, "default-src 'none'")
	assert.Contains(t, csp, "frame-ancestors 'none'")
	assert.NotContains(t, csp, "unsafe")
	assert.Equal(t, "no-store", page.header.Get("Cache-Control"))
	assert.NotContains(t, page.body, alice)
}

// logoutReceiver is a client's backchannel_logout_uri.
type logoutReceiver struct {
	*httptest.Server
	tokens chan string
}

func newLogoutReceiver(t *testing.T, status int) *logoutReceiver {
	l := &logoutReceiver{tokens: make(chan string, 16)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			l.tokens <- r.PostFormValue("logout_token")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(l.Close)
	return l
}

func TestBackChannelLogout(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	receiver := newLogoutReceiver(t, http.StatusOK)
	w.portal.BackchannelLogoutURI = receiver.URL + "/portal"
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	b.login(w.clinic, alice) // which registered no URI
	b.open(logout("id_token_hint", token.raw))

	require.NoError(t, w.provider.Backchannel.Close(t.Context()))
	require.Len(t, receiver.tokens, 1, "one token for each client")
	var claims map[string]any
	raw := <-receiver.tokens
	assert.Equal(t, "logout+jwt", w.verify(raw, &claims))
	assert.Equal(t, w.URL, claims["iss"])
	assert.Equal(t, "portal", claims["aud"])
	assert.Equal(t, token.Subject, claims["sub"])
	assert.Equal(t, token.SID, claims["sid"])
	assert.Equal(t, map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}, claims["events"])
	assert.NotContains(t, claims, "nonce")
	assert.NotEmpty(t, claims["jti"])
	now := float64(w.clock.now().Unix())
	assert.InDelta(t, now, claims["iat"], 5)
	assert.Greater(t, claims["exp"], now)
	assert.LessOrEqual(t, claims["exp"], now+120)

	page := b.open(logout("id_token_hint", raw, "post_logout_redirect_uri", bye))
	assert.Empty(t, page.client, "a logout token is no ID Token")
	require.Len(t, w.trail.of(audit.LogoutNotified), 1)
	assert.Equal(t, audit.Success, w.trail.of(audit.LogoutNotified)[0].Outcome)
	assert.Len(t, w.trail.of(audit.LoggedOut), 2)
}

func TestBackChannelLogoutReachesWhoeverLosesTheirSessionToAnother(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	receiver := newLogoutReceiver(t, http.StatusNoContent)
	w.portal.BackchannelLogoutURI = receiver.URL
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	page := b.submit(b.open(w.clinic.request("prompt", "login")), "/choose", "option", "1")
	b.walk(b.submit(page, "/account", "account", "other"), bob)
	require.NoError(t, w.provider.Backchannel.Close(t.Context()))
	require.Len(t, receiver.tokens, 1)
	var claims map[string]any
	w.verify(<-receiver.tokens, &claims)
	assert.Equal(t, token.SID, claims["sid"])
	assert.Equal(t, token.Subject, claims["sub"])
}

func TestBackChannelLogoutNeverHoldsThePersonUp(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(slow.Close)
	refusing := newLogoutReceiver(t, http.StatusBadRequest)
	w.portal.BackchannelLogoutURI, w.clinic.BackchannelLogoutURI = slow.URL, refusing.URL
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	b.login(w.clinic, alice)
	assert.Equal(t, bye, b.open(logout("id_token_hint", token.raw, "post_logout_redirect_uri", bye)).client)
	assert.False(t, b.loggedIn())
	close(hang)
	require.NoError(t, w.provider.Backchannel.Close(t.Context()))
	outcomes := map[string]audit.Event{}
	for _, e := range w.trail.of(audit.LogoutNotified) {
		outcomes[e.ClientID] = e
	}
	assert.Equal(t, audit.Failed, outcomes["clinic"].Outcome)
	assert.Equal(t, "refused", outcomes["clinic"].Reason)
	assert.Equal(t, audit.Success, outcomes["portal"].Outcome)
}

func TestBackChannelLogoutDoesNotReachInside(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t, func(c *signet.Config) { c.AllowPrivateBackchannel = false })
	receiver := newLogoutReceiver(t, http.StatusOK)
	w.portal.BackchannelLogoutURI = receiver.URL
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	b.open(logout("id_token_hint", token.raw))
	require.NoError(t, w.provider.Backchannel.Close(t.Context()))
	assert.Empty(t, receiver.tokens)
	require.Len(t, w.trail.of(audit.LogoutNotified), 1)
	assert.Equal(t, "private_address", w.trail.of(audit.LogoutNotified)[0].Reason)
}

func TestOneOfManyLogoutsTellsTheClients(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	receiver := newLogoutReceiver(t, http.StatusOK)
	w.portal.BackchannelLogoutURI = receiver.URL
	b := w.browser()
	b.login(w.portal, alice)
	session := b.session()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { assert.NoError(t, w.provider.Login.LogOut(t.Context(), session)) })
	}
	all.Wait()
	require.NoError(t, w.provider.Backchannel.Close(t.Context()))
	assert.Len(t, receiver.tokens, 1)
	assert.Len(t, w.trail.of(audit.LoggedOut), 1)
}
