package signet_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// The rows of the OpenID Foundation's comprehensive plan that are about sessions, by their names.

func TestPromptLogin(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	first, _ := b.login(w.portal, alice)
	w.clock.advance(3 * time.Second)
	second, pages := b.login(w.portal, alice, "prompt", "login")
	assert.Equal(t, []string{"choose", "verify/pwd"}, pages, "the login page appears again, the consent does not")
	assert.Equal(t, first.Subject, second.Subject)
	assert.Equal(t, first.SID, second.SID, "it is the same session")
	assert.Greater(t, second.AuthTime, first.AuthTime)
}

func TestPromptNoneNotLoggedIn(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	state := strings.Repeat("s-._~128", 16)
	answer := w.browser().open(w.portal.request("prompt", "none", "state", state))
	assert.Equal(t, w.portal.RedirectURIs[0], answer.client)
	assert.Equal(t, "login_required", answer.query.Get("error"))
	assert.Equal(t, state, answer.query.Get("state"))
	assert.Equal(t, w.URL, answer.query.Get("iss"))
}

func TestPromptNoneLoggedIn(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	first, _ := b.login(w.portal, alice)
	w.clock.advance(3 * time.Second)
	second, pages := b.login(w.portal, alice, "prompt", "none", "nonce", "n2")
	assert.Empty(t, pages)
	assert.Equal(t, first.Subject, second.Subject)
	assert.Equal(t, first.AuthTime, second.AuthTime)
	assert.Equal(t, first.ACR, second.ACR)
	assert.Equal(t, first.AMR, second.AMR)
	assert.Equal(t, first.SID, second.SID)
	assert.NotEmpty(t, first.SID)
	assert.Equal(t, "n2", second.Nonce)
}

func TestMaxAge1(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	first, _ := b.login(w.portal, alice)
	w.clock.advance(2 * time.Second)
	second, pages := b.login(w.portal, alice, "max_age", "1")
	assert.Equal(t, []string{"choose", "verify/pwd"}, pages)
	assert.Greater(t, second.AuthTime, first.AuthTime)
	assert.Equal(t, first.Subject, second.Subject)
}

func TestMaxAge10000(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	first, _ := b.login(w.portal, alice, "max_age", "15000")
	w.clock.advance(3 * time.Second)
	second, pages := b.login(w.portal, alice, "max_age", "10000")
	assert.Empty(t, pages)
	assert.Equal(t, first.AuthTime, second.AuthTime)
}

func TestMaxAge0IsPromptLogin(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	_, pages := b.login(w.portal, alice, "max_age", "0")
	assert.Equal(t, []string{"choose", "verify/pwd"}, pages)
	assert.Equal(t, "login_required", b.open(w.portal.request("max_age", "0", "prompt", "none")).query.Get("error"))
}

func TestIDTokenHint(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	first, _ := b.login(w.portal, alice)
	second, pages := b.login(w.portal, alice, "prompt", "none", "id_token_hint", first.raw)
	assert.Empty(t, pages)
	assert.Equal(t, first.Subject, second.Subject)

	other := w.browser()
	other.login(w.portal, bob)
	answer := other.open(w.portal.request("prompt", "none", "id_token_hint", first.raw))
	assert.Equal(t, "login_required", answer.query.Get("error"), "the hint asks for alice, bob is logged in")
	session := other.session()
	third, pages := other.login(w.portal, alice, "id_token_hint", first.raw)
	assert.Equal(t, []string{"choose", "verify/pwd", "consent"}, pages, "nothing of bob's session counts for alice")
	assert.Equal(t, first.Subject, third.Subject)
	assert.NotEqual(t, session, other.session())
}

func TestTheClaimsParameterRestrictsThePerson(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	first, _ := b.login(w.portal, alice)
	claims := func(sub string) string { return `{"id_token":{"sub":{"value":"` + sub + `"}}}` }
	_, pages := b.login(w.portal, alice, "prompt", "none", "claims", claims(first.Subject))
	assert.Empty(t, pages)
	answer := b.open(w.portal.request("prompt", "none", "claims", claims("somebody")))
	assert.Equal(t, "login_required", answer.query.Get("error"))
}

func TestPromptNoneAllowsNoOther(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	for _, prompt := range []string{"none login", "consent none", "none select_account"} {
		assert.Equal(t, "invalid_request", b.open(w.portal.request("prompt", prompt)).query.Get("error"), prompt)
	}
}

func TestPromptConsentForcesTheConsentPage(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	_, pages := b.login(w.portal, alice, "prompt", "consent")
	assert.Equal(t, []string{"consent"}, pages)
	_, pages = b.login(w.portal, alice, "prompt", "consent", "scope", "openid")
	assert.Equal(t, []string{"consent"}, pages, "also where there is nothing to tick")
	_, pages = b.login(w.portal, alice, "prompt", "login consent")
	assert.Equal(t, []string{"choose", "verify/pwd", "consent"}, pages)
}

func TestPromptNoneWithoutConsent(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	answer := b.open(w.portal.request("prompt", "none", "scope", "openid email phone"))
	assert.Equal(t, "consent_required", answer.query.Get("error"), "more than before")
	answer = b.open(w.clinic.request("prompt", "none"))
	assert.Equal(t, "consent_required", answer.query.Get("error"), "the consent was another client's")
	_, pages := b.login(w.portal, alice, "prompt", "none", "scope", "openid")
	assert.Empty(t, pages, "less than before")
}

func TestConsentIsAskedOncePerSession(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice, "scope", "openid email phone")
	for _, smaller := range []string{"openid email phone", "openid phone", "openid email", "openid"} {
		_, pages := b.login(w.portal, alice, "scope", smaller)
		assert.Empty(t, pages, smaller)
	}
	_, pages := b.login(w.portal, alice, "scope", "openid email appointments")
	assert.Equal(t, []string{"consent"}, pages)
	_, pages = b.login(w.portal, alice, "scope", "openid email phone appointments")
	assert.Empty(t, pages, "decisions add up")
	_, pages = w.browser().login(w.portal, alice)
	assert.Contains(t, pages, "consent", "another browser is another session")
}

func TestARefusedClaimStaysRefusedUntilItIsEssential(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	s := b.open(w.portal.request())
	s = b.submit(s, "/choose", "option", "1")
	s = b.submit(s, "/verify/pwd", "identifier", alice, "response", password)
	s = b.submit(s, "/consent") // nothing ticked
	require.NotEmpty(t, s.client)

	answer := b.open(w.portal.request("prompt", "none"))
	_, access := b.redeem(w.portal, answer.query)
	assert.NotContains(t, b.userinfo(access), "email")
	essential := `{"userinfo":{"email":{"essential":true}}}`
	answer = b.open(w.portal.request("prompt", "none", "claims", essential))
	assert.Equal(t, "consent_required", answer.query.Get("error"))
	_, pages := b.login(w.portal, alice, "claims", essential)
	assert.Equal(t, []string{"consent"}, pages)
}

// userinfo is the payload of the userinfo response.
func (b *browser) userinfo(access string) map[string]any {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.URL+"/userinfo", nil)
	require.NoError(b, err)
	r.Header.Set("Authorization", "Bearer "+access)
	response, err := b.Client().Do(r)
	require.NoError(b, err)
	defer response.Body.Close()
	require.Equal(b, http.StatusOK, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(b, err)
	claims := map[string]any{}
	b.verify(string(body), &claims)
	return claims
}

func TestSelectAccountShowsWhomOneIsLoggedInAs(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	_, pages := b.login(w.portal, alice, "prompt", "select_account")
	assert.NotContains(t, pages, "account", "nobody is logged in")

	page := b.open(w.portal.request("prompt", "select_account"))
	require.Equal(t, "account", page.page())
	assert.Contains(t, page.body, "Continue as ••••356")
	assert.NotContains(t, page.body, alice)
	assert.Equal(t, "account", b.open(page.path).page(), "a reload shows it again")
	end := b.submit(page, "/account", "account", "same")
	assert.NotEmpty(t, end.query.Get("code"))
	again := b.submit(page, "/account", "account", "same")
	assert.Equal(t, end.query.Get("code"), again.query.Get("code"), "a repetition gets no second code")

	session := b.session()
	page = b.open(w.portal.request("prompt", "select_account"))
	s, pages := b.walk(b.submit(page, "/account", "account", "other"), bob)
	assert.Equal(t, []string{"choose", "verify/pwd", "consent"}, pages)
	token, _ := b.redeem(w.portal, s.query)
	assert.NotEqual(t, session, b.session())
	now, _ := b.login(w.portal, bob, "prompt", "none")
	assert.Equal(t, token.Subject, now.Subject)
}

func TestSelectAccountWithLogin(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice)
	page := b.open(w.portal.request("prompt", "select_account login"))
	require.Equal(t, "account", page.page())
	_, pages := b.walk(b.submit(page, "/account", "account", "same"), alice)
	assert.Equal(t, []string{"choose", "verify/pwd"}, pages)
}

func TestAnotherPersonHasToSayThatTheyAre(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	first, _ := b.login(w.portal, alice)
	page := b.submit(b.open(w.portal.request("prompt", "login")), "/choose", "option", "1")
	assert.Contains(t, page.body, "Logged in as ••••356.")
	page = b.submit(page, "/verify/pwd", "identifier", bob, "response", password)
	require.Equal(t, "verify/pwd", page.page(), "the session is alice's")
	assert.Contains(t, page.body, "another person")
	end, pages := b.walk(b.submit(page, "/account", "account", "other"), bob)
	assert.Equal(t, []string{"choose", "verify/pwd", "consent"}, pages)
	token, _ := b.redeem(w.portal, end.query)
	assert.NotEqual(t, first.Subject, token.Subject)
	assert.NotEqual(t, first.SID, token.SID, "it is another session")
	require.Len(t, w.trail.of(audit.LoggedOut), 1, "alice's session is over")
	assert.Equal(t, first.Subject, w.trail.of(audit.LoggedOut)[0].Subject)
}

func TestAPOSTedRequestMeetsTheSession(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	first, _ := b.login(w.portal, alice)
	session := b.session()
	b.client.Jar = laxJar{b.client.Jar} // as browsers do with the POST of another site
	form, err := url.ParseQuery(strings.TrimPrefix(w.portal.request(), "/authorize?"))
	require.NoError(t, err)
	s := b.do(http.MethodPost, "/authorize", form)
	token, _ := b.redeem(w.portal, s.query)
	assert.Equal(t, first.SID, token.SID)
	assert.Equal(t, session, b.session())
}

// laxJar keeps the session's cookie back from the authorization endpoint.
type laxJar struct{ http.CookieJar }

func (j laxJar) Cookies(u *url.URL) []*http.Cookie {
	if u.Path == "/authorize" {
		return nil
	}
	return j.CookieJar.Cookies(u)
}

func TestAStepUpAsksOnlyForWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	first, _ := b.login(w.portal, alice, "acr_values", acrPassword)
	assert.Equal(t, acrPassword, first.ACR)
	essential := `{"id_token":{"acr":{"essential":true,"value":"` + acrBoth + `"}}}`
	answer := b.open(w.portal.request("prompt", "none", "claims", essential))
	assert.Equal(t, "login_required", answer.query.Get("error"), "the session is never stronger than how it was made")

	w.clock.advance(time.Minute)
	session := b.session()
	second, pages := b.login(w.portal, alice, "acr_values", acrBoth)
	assert.Equal(t, []string{"identify/otp", "verify/otp"}, pages)
	assert.Equal(t, acrBoth, second.ACR)
	assert.Equal(t, []string{"pwd", "otp", "mfa"}, second.AMR)
	assert.Equal(t, first.AuthTime, second.AuthTime, "the password is as old as it is")
	assert.NotEqual(t, session, b.session(), "the session is a new one")
	third, pages := b.login(w.portal, alice, "prompt", "none", "claims", essential)
	assert.Empty(t, pages, "the session was upgraded")
	assert.Equal(t, acrBoth, third.ACR)

	w.clock.advance(5 * time.Second)
	fourth, pages := b.login(w.portal, alice, "acr_values", acrBoth, "max_age", "30")
	assert.Equal(t, []string{"verify/pwd"}, pages, "the password is too old, the code is not")
	assert.Greater(t, fourth.AuthTime, first.AuthTime)
}

func TestAWishForAContextIsNoReasonToRefuse(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	b := w.browser()
	b.login(w.portal, alice, "acr_values", acrPassword)
	token, pages := b.login(w.portal, alice, "prompt", "none", "acr_values", acrBoth)
	assert.Empty(t, pages)
	assert.Equal(t, acrPassword, token.ACR)
}

func TestAClientCanDemandAFreshLogin(t *testing.T) {
	t.Parallel()
	w := newSessionWorld(t)
	w.clinic.DefaultMaxAge = new(time.Duration)
	b := w.browser()
	b.login(w.portal, alice)
	assert.Equal(t, "login_required", b.open(w.clinic.request("prompt", "none")).query.Get("error"))
	_, pages := b.login(w.clinic, alice)
	assert.Equal(t, []string{"choose", "verify/pwd", "consent"}, pages)
	_, pages = b.login(w.clinic, alice)
	assert.Equal(t, []string{"choose", "verify/pwd"}, pages)
	_, pages = b.login(w.clinic, alice, "max_age", "600")
	assert.Empty(t, pages, "unless the request itself says otherwise")
}

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
