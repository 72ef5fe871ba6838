package signet_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store/memory"
)

func TestClientsSeeTheirOwnSessions(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	portal, _ := b.login(w.portal, alice)
	clinic, pages := b.login(w.clinic, alice)
	assert.Equal(t, []string{"consent"}, pages)
	assert.NotEqual(t, portal.Subject, clinic.Subject)
	assert.NotEqual(t, portal.SID, clinic.SID, "nothing links a person across sectors")
	assert.Equal(t, portal.AuthTime, clinic.AuthTime)
}

func TestASessionEndsWhenItIsIdleOrOld(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	silent := func() string { return b.open(w.portal.request("prompt", "none")).query.Get("error") }
	for range 15 { // seven and a half hours
		w.clock.advance(29*time.Minute + 59*time.Second)
		require.Empty(t, silent(), "every use keeps it")
	}
	w.clock.advance(29 * time.Minute)
	require.Empty(t, silent())
	w.clock.advance(2 * time.Minute)
	assert.Equal(t, "login_required", silent(), "eight hours are over")

	b.login(w.portal, alice)
	w.clock.advance(30*time.Minute + time.Second)
	assert.Equal(t, "login_required", silent(), "idle for more than half an hour")
}

func TestASessionIsMadeAnewByWhoeverAuthenticates(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	attacker := w.browser()
	attacker.login(w.portal, bob)
	planted := attacker.session()
	victim := w.browser()
	victim.setSession(planted)
	s := victim.open(w.portal.request("prompt", "select_account"))
	s, _ = victim.walk(victim.submit(s, "/account", "account", "other"), alice)
	require.NotEmpty(t, s.query.Get("code"))
	assert.NotEqual(t, planted, victim.session())
	assert.Equal(t, "login_required", attacker.open(w.portal.request("prompt", "none")).query.Get("error"),
		"what the attacker has is worth nothing")

	victim.setSession("an invention")
	_, pages := victim.login(w.portal, alice)
	assert.NotEmpty(t, pages)
	assert.NotEqual(t, "an invention", victim.session())

	before := victim.session()
	victim.login(w.portal, alice, "prompt", "login")
	assert.NotEqual(t, before, victim.session())
	thief := w.browser()
	thief.setSession(before)
	assert.Equal(t, "login_required", thief.open(w.portal.request("prompt", "none")).query.Get("error"))
}

func TestTheSessionCookieIsForThisOriginAndBrowserSessionOnly(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	s, _ := b.walk(b.open(w.portal.request()), alice)
	var cookie *http.Cookie
	for _, line := range s.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		if c.Name == sessionCookie {
			cookie = c
		}
	}
	require.NotNil(t, cookie)
	assert.True(t, cookie.Secure && cookie.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	assert.Equal(t, "/", cookie.Path)
	assert.Empty(t, cookie.Domain)
	assert.Zero(t, cookie.MaxAge)
}

func TestASessionIsWorthNothingAtAnotherProvider(t *testing.T) {
	t.Parallel()
	backend, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { backend.Close() })
	var secret []byte
	shared := func(c *signet.Config) {
		c.Store = backend
		if secret == nil {
			secret = c.PairwiseSecret
		}
		c.PairwiseSecret = secret
	}
	one, other := newSessionWorld(t, shared), newSessionWorld(t, shared)
	b := one.browser()
	b.login(one.portal, alice)
	foreign := other.browser()
	foreign.setSession(b.session())
	assert.Equal(t, "login_required", foreign.open(other.portal.request("prompt", "none")).query.Get("error"),
		"though both have the store and the secret in common")
}

func TestProvidersOnOneHostHaveSessionCookiesOfTheirOwn(t *testing.T) {
	t.Parallel()
	cookie := func(path string) string {
		w := newSessionWorld(t, func(c *signet.Config) { c.Issuer = "https://id.example" + path })
		r := httptest.NewRequest(http.MethodGet, "https://id.example"+path+"/logout", nil)
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: "of the provider without a path"})
		answer := httptest.NewRecorder()
		w.provider.ServeHTTP(answer, r)
		return answer.Header().Get("Set-Cookie")
	}
	assert.Contains(t, cookie(""), sessionCookie+"=;", "a cookie that is worth nothing is cleared")
	assert.Empty(t, cookie("/other"), "and one of another provider left alone")
}

func TestASessionIsNotAtRestInClear(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	token, _ := b.login(w.portal, alice)
	b.login(w.clinic, alice)
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	dump := w.store.written.String()
	sessions := 0
	for _, key := range w.store.keys {
		if strings.Contains(key, "session") {
			sessions++
		}
	}
	require.Positive(t, sessions, "the session is in the store")
	for what, secret := range map[string]string{
		"identifier": alice, "end of it": "••••", "session": b.session(), "sid": token.SID, "subject": token.Subject,
		"claims": `"email"`, "client": "https://portal.example",
	} {
		assert.NotContains(t, dump, secret, what)
	}
}

func TestSessionsAreOffByDefault(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t, func(c *signet.Config) { c.Sessions = login.Sessions{} })
	b := w.browser()
	first, _ := b.login(w.portal, alice)
	assert.Empty(t, b.session())
	assert.Empty(t, first.SID)
	_, pages := b.login(w.portal, alice)
	assert.Equal(t, []string{"choose", "verify/pwd", "consent"}, pages)
	assert.Equal(t, "login_required", b.open(w.portal.request("prompt", "none")).query.Get("error"))
	assert.Equal(t, http.StatusNotFound, b.open("/logout").status)
	metadata := b.open("/.well-known/openid-configuration").body
	assert.NotContains(t, metadata, "end_session_endpoint")
	assert.NotContains(t, metadata, "backchannel")
}

func TestTwoTabsLogInSideBySide(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	one, two := b.open(w.portal.request()), b.open(w.clinic.request())
	s, _ := b.walk(one, alice)
	portal, _ := b.redeem(w.portal, s.query)
	session := b.session()
	s, pages := b.walk(two, alice)
	assert.Equal(t, []string{"choose", "verify/pwd", "consent"}, pages, "the second began before the first was over")
	clinic, _ := b.redeem(w.clinic, s.query)
	assert.NotEqual(t, session, b.session())
	now, pages := b.login(w.portal, alice)
	assert.Empty(t, pages, "one session knows both clients")
	assert.Equal(t, portal.SID, now.SID)
	now, _ = b.login(w.clinic, alice)
	assert.Equal(t, clinic.SID, now.SID)
}

func TestALogoutInAnotherTabTakesTheSessionAway(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	consent := b.open(w.clinic.request())
	require.Equal(t, "consent", consent.page())
	require.NoError(t, w.provider.Login.LogOut(t.Context(), b.session()))
	s := b.submit(consent, "/consent", "claim", "email")
	assert.Equal(t, "choose", s.page(), "consent without authentication gives nothing")
	_, pages := b.walk(s, alice)
	assert.Equal(t, []string{"choose", "verify/pwd", "consent"}, pages)
}

func TestALoginThatIsOverDoesNotBringItsSessionBack(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	consent := b.submit(b.submit(b.open(w.portal.request()), "/choose", "option", "1"), "/verify/pwd",
		"identifier", alice, "response", password)
	require.Equal(t, "consent", consent.page())
	done := b.submit(consent, "/consent", "claim", "email")
	session := b.session()
	repeated := b.submit(consent, "/consent", "claim", "email")
	assert.Equal(t, done.query, repeated.query)
	assert.Equal(t, session, b.session())
	require.NoError(t, w.provider.Login.LogOut(t.Context(), session))
	b.setSession("")
	b.submit(consent, "/consent", "claim", "email")
	assert.Empty(t, b.session())
	assert.Equal(t, "login_required", b.open(w.portal.request("prompt", "none")).query.Get("error"))
}

func TestUseOfASessionIsAudited(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	assert.Empty(t, w.trail.of(audit.SessionContinued))
	token, _ := b.login(w.portal, alice)
	events := w.trail.of(audit.SessionContinued)
	require.Len(t, events, 1)
	assert.Equal(t, token.Subject, events[0].Subject)
	assert.Equal(t, []string{"pwd"}, events[0].Factors)
	assert.Equal(t, "portal", events[0].ClientID)
	assert.NotEmpty(t, events[0].Transaction)
	assert.Len(t, w.trail.of(audit.Authenticated), 1)
	dump, err := json.Marshal(w.trail.events)
	require.NoError(t, err)
	assert.NotContains(t, string(dump), alice)
	assert.NotContains(t, string(dump), b.session())
}
