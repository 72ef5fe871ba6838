package ui_test

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/ui"
)

// begin asks for a page without a session and returns where that leads.
func (b *browser) begin(path string) string {
	b.tb.Helper()
	a := b.send(http.MethodGet, path, "")
	require.Equal(b.tb, http.StatusSeeOther, a.status, a.body)
	return strings.TrimPrefix(a.header.Get("Location"), b.base)
}

// answered is where the authorization endpoint sends the browser.
func (b *browser) answered(path string) string {
	b.tb.Helper()
	return b.begin(b.begin(path))
}

func TestTheAccountPagesLogInLikeARelyingParty(t *testing.T) {
	t.Parallel()
	w := newBank(t, func(_ *ui.Config, c *ui.AccountConfig) {
		c.MaxAge, c.ACRValues = 5*time.Minute, []string{"urn:example:gold", "urn:example:silver"}
	})
	w.set(func() { w.grant = func(g *oauth.Grant) { g.ACR = "urn:example:silver" } })
	b := newBrowser(t, w.URL)
	at, err := url.Parse(b.begin("/account/consents/x"))
	require.NoError(t, err)
	assert.Equal(t, "/authorize", at.Path)
	assert.Equal(t, []string{"client_id", "request_uri"}, slices.Sorted(maps.Keys(at.Query())), "nothing else is in the URL")
	first := w.last
	assert.Equal(t, ui.AccountClientID, first.ClientID)
	assert.Equal(t, ui.AccountClient(w.URL, "").RedirectURIs[0], first.RedirectURI)
	assert.Equal(t, []string{"openid"}, first.Scope)
	assert.Len(t, first.CodeChallenge, 43)
	assert.Equal(t, "300", first.Parameters["max_age"])
	assert.Equal(t, "urn:example:gold urn:example:silver", first.Parameters["acr_values"])

	b.begin("/account/consents/x")
	for what, values := range map[string][2]string{
		"state": {first.State, w.last.State}, "nonce": {first.Parameters["nonce"], w.last.Parameters["nonce"]},
		"code_challenge": {first.CodeChallenge, w.last.CodeChallenge},
	} {
		assert.NotEqual(t, values[0], values[1], "%s is fresh", what)
		assert.GreaterOrEqual(t, len(values[0]), 26, "%s is random", what)
	}
	assert.Equal(t, "/account/consents/x", b.walk("/account/consents/x").path, "the login leads back to the page")
}

func TestTheAccountCookiesTellNothing(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		w := newBank(t, func(c *ui.Config, _ *ui.AccountConfig) { c.Secure = secure })
		var cookies []*http.Cookie
		header := ""
		for path := "/account/"; path != "" && len(cookies) < 4; { // a browser without TLS keeps no Secure cookies
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+path, nil)
			require.NoError(t, err)
			r.Header.Set("Cookie", header)
			response, err := http.DefaultTransport.RoundTrip(r)
			require.NoError(t, err)
			response.Body.Close()
			for _, c := range response.Cookies() {
				cookies = append(cookies, c)
				if c.MaxAge >= 0 {
					header = c.Name + "=" + c.Value
				}
			}
			path = strings.TrimPrefix(response.Header.Get("Location"), w.URL)
		}
		require.Len(t, cookies, 4, "the attempt, its end, the session, and the session prolonged")
		for _, c := range cookies {
			assert.Equal(t, secure, strings.HasPrefix(c.Name, "__Host-"), c.Name)
			assert.Equal(t, secure, c.Secure)
			assert.True(t, c.HttpOnly)
			assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
			assert.Equal(t, "/", c.Path)
			assert.Empty(t, c.Domain)
			plain, err := base64.RawURLEncoding.DecodeString(c.Value)
			require.NoError(t, err)
			for _, secret := range []string{asha, w.last.State, "person", "state"} {
				assert.NotContains(t, string(plain), secret)
			}
		}
		assert.InDelta(t, 600, cookies[3].MaxAge, 1)
		assert.NotEqual(t, cookies[2].Value, cookies[3].Value, "each is sealed anew")
	}
}

func TestASessionOfTheAccountPagesEnds(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	b := newBrowser(t, w.URL)
	b.walk("/account/")
	w.clock.advance(9 * time.Minute)
	assert.Equal(t, http.StatusOK, b.send(http.MethodGet, "/account/", "").status)
	w.clock.advance(9 * time.Minute)
	page := b.send(http.MethodGet, "/account/consents/"+clinicID+"/withdraw", "")
	assert.Equal(t, http.StatusOK, page.status, "each page prolongs it")
	w.clock.advance(10 * time.Minute)
	assert.Contains(t, b.begin("/account/"), "/authorize?", "ten minutes after the last page")

	expired := b.press(page, page.path)
	assert.Equal(t, page.path, expired.path, "a form that comes too late leads to the login, and to its page again")
	assert.Equal(t, consent.Active, w.histories[asha][clinicID][0].Status)
	assert.Contains(t, b.press(expired, expired.path).text(), "Done.")

	for range 4 {
		w.clock.advance(7 * time.Minute)
		assert.Equal(t, http.StatusOK, b.send(http.MethodGet, "/account/", "").status)
	}
	w.clock.advance(2 * time.Minute)
	assert.Contains(t, b.begin("/account/"), "/authorize?", "half an hour after the login")
}

func TestOnlyTheAccountPagesOwnCookieIsASession(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	other := newBank(t, func(_ *ui.Config, c *ui.AccountConfig) { c.Secret, c.Issuer = []byte(strings.Repeat("t", 32)), w.URL })
	b := newBrowser(t, w.URL)
	b.walk("/account/")
	at, err := url.Parse(w.URL)
	require.NoError(t, err)
	session := sessionCookie(t, b.client.Jar, at)
	for name, value := range map[string]string{
		"changed":       session.Value[:60] + flip(session.Value[60:61]) + session.Value[61:],
		"shortened":     session.Value[:len(session.Value)-2],
		"empty":         "",
		"not base64":    "!",
		"only its salt": session.Value[:32],
		"endless":       strings.Repeat("A", 5000),
	} {
		stranger := newBrowser(t, w.URL)
		stranger.header.Set("Cookie", session.Name+"="+value)
		assert.Contains(t, stranger.begin("/account/"), "/authorize?", name)
	}
	foreign := newBrowser(t, other.URL)
	foreign.header.Set("Cookie", session.Name+"="+session.Value)
	assert.Contains(t, foreign.begin("/account/"), "/authorize?", "a cookie that another secret sealed")

	attempt := newBrowser(t, w.URL)
	attempt.begin("/account/")
	pending := attempt.client.Jar.Cookies(at)[0]
	swapped := newBrowser(t, w.URL)
	swapped.header.Set("Cookie", session.Name+"="+pending.Value)
	assert.Contains(t, swapped.begin("/account/"), "/authorize?", "a cookie under another's name")
}

func flip(s string) string {
	if s == "A" {
		return "B"
	}
	return "A"
}

func sessionCookie(tb testing.TB, jar http.CookieJar, at *url.URL) *http.Cookie {
	tb.Helper()
	for _, c := range jar.Cookies(at) {
		if strings.HasPrefix(c.Name, "signet-account-") && !strings.HasPrefix(c.Name, "signet-account-login-") {
			return c
		}
	}
	tb.Fatal("there is no session")
	return nil
}

func TestACallbackIsGoodOnceInItsBrowser(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	b := newBrowser(t, w.URL)
	callback := b.answered("/account/")
	stranger := newBrowser(t, w.URL)
	refused := stranger.send(http.MethodGet, callback, "")
	assert.Equal(t, http.StatusBadRequest, refused.status, "another browser")
	assert.Contains(t, refused.text(), "This login cannot continue here")
	assert.Empty(t, refused.header.Values("Set-Cookie"))

	assert.Equal(t, "/account/", b.begin(callback), "the stranger did not use the code up")
	assert.Equal(t, "/account/", b.begin(callback), "a reload leads to the pages")
	stolen, err := cookiejar.New(nil)
	require.NoError(t, err)
	b.client.Jar = stolen
	assert.Equal(t, http.StatusBadRequest, b.send(http.MethodGet, callback, "").status, "and without a session nowhere")
}

func TestCallbacksThatAnswerNoLoginAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		respond func(url.Values)
		status  int
		want    string
	}{
		"wrong state":        {func(q url.Values) { q.Set("state", "guess") }, http.StatusBadRequest, "This login cannot continue here"},
		"no state":           {func(q url.Values) { q.Del("state") }, http.StatusBadRequest, "This login cannot continue here"},
		"another issuer":     {func(q url.Values) { q.Set("iss", "https://evil.example") }, http.StatusBadRequest, "This login cannot continue here"},
		"no issuer":          {func(q url.Values) { q.Del("iss") }, http.StatusBadRequest, "This login cannot continue here"},
		"cancelled":          {func(q url.Values) { q.Set("error", "access_denied") }, http.StatusOK, "You did not log in"},
		"refused":            {func(q url.Values) { q.Set("error", "login_required") }, http.StatusBadRequest, "You could not be logged in"},
		"a code of nobody's": {func(q url.Values) { q.Set("code", "guess") }, http.StatusBadRequest, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newBank(t, nil)
			w.set(func() { w.respond = c.respond })
			b := newBrowser(t, w.URL)
			a := b.send(http.MethodGet, b.answered("/account/"), "")
			assert.Equal(t, c.status, a.status)
			assert.Contains(t, a.text(), c.want)
			assert.Contains(t, a.body, `href="/account/"`, "one can try again")
			assert.NotNil(t, w.grants["code-0"], "the code was not taken")
			assert.Contains(t, b.begin("/account/"), "/authorize?", "nobody is logged in")
		})
	}
}

func TestGrantsThatAreNotWhatThePagesAskedForAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		grant  func(*oauth.Grant)
		status int
	}{
		"of nobody":                  {func(g *oauth.Grant) { g.Person = "" }, http.StatusServiceUnavailable},
		"of a weaker login":          {func(g *oauth.Grant) { g.ACR = "urn:example:bronze" }, http.StatusForbidden},
		"of an older login":          {func(g *oauth.Grant) { g.AuthTime = g.AuthTime.Add(-32 * time.Minute) }, http.StatusForbidden},
		"of a login that is unknown": {func(g *oauth.Grant) { g.AuthTime = time.Time{} }, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newBank(t, func(_ *ui.Config, a *ui.AccountConfig) { a.ACRValues = []string{"urn:example:gold"} })
			w.set(func() {
				w.grant = func(g *oauth.Grant) {
					g.ACR = "urn:example:gold"
					c.grant(g)
				}
			})
			b := newBrowser(t, w.URL)
			assert.Equal(t, c.status, b.walk("/account/").status)
			assert.Contains(t, b.begin("/account/"), "/authorize?", "nobody is logged in")
		})
	}
}

func TestLoginsToTheAccountPagesInSeveralTabs(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	b := newBrowser(t, w.URL)
	first, second := b.answered("/account/consents/1"), b.answered("/account/consents/2")
	assert.Equal(t, "/account/consents/2", b.begin(second))
	assert.Equal(t, "/account/consents/1", b.begin(first))

	b = newBrowser(t, w.URL)
	var callbacks []string
	for range 5 {
		callbacks = append(callbacks, b.answered("/account/"))
	}
	assert.Equal(t, http.StatusBadRequest, b.send(http.MethodGet, callbacks[0], "").status, "the oldest of too many is forgotten")
	assert.Equal(t, "/account/", b.begin(callbacks[1]))

	b = newBrowser(t, w.URL)
	late := b.answered("/account/")
	w.clock.advance(time.Hour)
	assert.Equal(t, http.StatusBadRequest, b.send(http.MethodGet, late, "").status, "a login does not take for ever")
}

// Architecture, invariant 13.
func TestEveryFormOfTheAccountPagesIsBoundToItsSession(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	w.set(func() { w.passkeys[asha] = []ui.Passkey{{ID: "phone"}} })
	b, elsewhere := newBrowser(t, w.URL), newBrowser(t, w.URL)
	own, theirs := b.walk("/account/").csrf(t), elsewhere.walk("/account/").csrf(t)
	require.NotEqual(t, own, theirs)
	for name, c := range map[string]struct {
		body, site string
		status     int
	}{
		"no token":                {"", "same-origin", http.StatusForbidden},
		"a guess":                 {"csrf=guess", "same-origin", http.StatusForbidden},
		"that of another session": {"csrf=" + theirs, "same-origin", http.StatusForbidden},
		"another site":            {"csrf=" + own, "cross-site", http.StatusForbidden},
		"two tokens":              {"csrf=" + own + "&csrf=x", "same-origin", http.StatusBadRequest},
		"too much":                {"csrf=" + own + "&x=" + strings.Repeat("x", 20<<10), "same-origin", http.StatusRequestEntityTooLarge},
		"no form":                 {"%", "same-origin", http.StatusBadRequest},
	} {
		b.header.Set("Sec-Fetch-Site", c.site)
		for _, path := range []string{"consents/" + clinicID + "/withdraw", "passkeys/phone/remove", "logout"} {
			a := b.send(http.MethodPost, "/account/"+path, c.body)
			assert.Equal(t, c.status, a.status, "%s: %s", name, path)
		}
	}
	b.header.Del("Sec-Fetch-Site")
	assert.Equal(t, consent.Active, w.histories[asha][clinicID][0].Status)
	assert.Len(t, w.passkeys[asha], 1)
	assert.Equal(t, http.StatusOK, b.send(http.MethodGet, "/account/", "").status, "and they are still logged in")
}

func TestAPersonLogsOutOfTheAccountPages(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	b := newBrowser(t, w.URL)
	out := b.press(b.walk("/account/"), "/account/logout")
	assert.Equal(t, "/account/logged-out", out.path)
	assert.Contains(t, out.text(), "You are logged out")
	assert.Contains(t, b.begin("/account/"), "/authorize?")
	assert.Equal(t, "/account/logged-out", newBrowser(t, w.URL).send(http.MethodPost, "/account/logout", "").header.Get("Location"), "without a session there is nothing to end")

	w = newBank(t, func(_ *ui.Config, c *ui.AccountConfig) { c.LogoutURL = c.Issuer + "/logout" })
	b = newBrowser(t, w.URL)
	page := b.walk("/account/")
	assert.Equal(t, w.URL+"/logout", b.send(http.MethodPost, "/account/logout", "csrf="+page.csrf(t)).header.Get("Location"))
	assert.Contains(t, b.begin("/account/"), "/authorize?")
}

func TestTheAccountPagesTakeNoOtherMethods(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newBank(t, nil).URL)
	for path, allow := range map[string]string{
		"": "GET, HEAD", "callback": "GET, HEAD", "logout": "POST", "consents/x": "GET, HEAD", "consents/x/withdraw": "GET, HEAD, POST",
		"consents/x/receipts/1": "GET, HEAD", "passkeys/x/remove": "GET, HEAD, POST", "logged-out": "GET, HEAD",
	} {
		a := b.send(http.MethodDelete, "/account/"+path, "")
		assert.Equal(t, http.StatusMethodNotAllowed, a.status, path)
		assert.Equal(t, allow, a.header.Get("Allow"), path)
	}
	for _, path := range []string{"x", "consents", "consents/", "consents/x/", "consents/x/receipts/", "consents/x/receipts/01", "consents/..%2fx", "passkeys/x"} {
		assert.Equal(t, http.StatusNotFound, b.send(http.MethodGet, "/account/"+path, "").status, path)
	}
}

func FuzzAccount(f *testing.F) {
	w := newBank(f, nil)
	w.putClinic()
	b := newBrowser(f, w.URL)
	csrf := b.walk("/account/").csrf(f)
	at, err := url.Parse(w.URL)
	require.NoError(f, err)
	session := sessionCookie(f, b.client.Jar, at)
	f.Add(http.MethodGet, "consents/"+clinicID, "lang=ar", session.Value, "", "same-origin")
	f.Add(http.MethodPost, "consents/"+clinicID+"/withdraw", "", session.Value, "csrf=x", "same-origin")
	f.Add(http.MethodPost, "logout", "", session.Value, "csrf="+csrf, "cross-site")
	f.Add(http.MethodGet, "callback", "code=code-0&state=x&iss=%", "AAAA", "", "none")
	f.Add(http.MethodGet, "consents/x/receipts/9", "", "", "", "")
	f.Fuzz(func(t *testing.T, method, page, query, cookie, body, site string) {
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawQuery = method, "/account/"+page, query
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		r.Header.Set("Cookie", session.Name+"="+cookie)
		answer := httptest.NewRecorder()
		w.account.ServeHTTP(answer, r)
		if answer.Code >= http.StatusInternalServerError {
			t.Errorf("status %d", answer.Code)
		}
		if cookie != session.Value && strings.Contains(answer.Body.String(), "Clinic") {
			t.Errorf("a stranger sees: %s", answer.Body)
		}
		if w.histories[asha][clinicID][0].Status != consent.Active && !strings.Contains(body, csrf) {
			t.Errorf("a forged form withdraws")
		}
		if location := answer.Header().Get("Location"); location != "" && !strings.HasPrefix(location, "/account/") && !strings.HasPrefix(location, w.URL+"/authorize?") {
			t.Errorf("redirected to %q", location)
		}
	})
}
