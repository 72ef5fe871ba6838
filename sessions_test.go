package signet_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
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
