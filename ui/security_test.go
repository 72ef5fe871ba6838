package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// newPages returns pages over a fake flow.
func newPages(tb testing.TB, configure func(*ui.Config)) (*ui.UI, *fakeFlow) {
	tb.Helper()
	flow := newFakeFlow()
	config := ui.Config{Flow: flow}
	if configure != nil {
		configure(&config)
	}
	pages, err := ui.New(config)
	require.NoError(tb, err)
	return pages, flow
}

// get asks the pages for a page of the login that the handle reaches, with its cookie.
func get(pages *ui.UI, handle, page string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/login/"+login.ID(handle)+"/"+page, nil)
	r.AddCookie(&http.Cookie{Name: "signet-" + login.ID(handle), Value: handle})
	r.AddCookie(&http.Cookie{Name: "__Host-signet-" + login.ID(handle), Value: handle})
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	return w
}

func TestPagesSendAStrictPolicy(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, nil)
	for redirectURI, source := range map[string]string{
		"https://portal.example.org/callback?a=b":   " https:",
		"http://[::1]:9000/callback":                " http:",
		"org.example.wallet:/callback":              " org.example.wallet:",
		"https://a;script-src.example.org/callback": " https:",
		":": "",
	} {
		flow.put("handle", &login.State{Step: login.StepChoose, Option: -1, RedirectURI: redirectURI})
		h := get(pages, "handle", "choose").Header()
		assert.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'"+
			source+"; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'", h.Get("Content-Security-Policy"), redirectURI)
	}
	h := get(pages, "nobody's", "choose").Header()
	for name, value := range map[string]string{
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Content-Type": "text/html; charset=utf-8", "Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	} {
		assert.Equal(t, value, h.Get(name), name)
	}
	assert.Contains(t, h.Get("Content-Security-Policy"), "form-action 'self';")
	assert.Empty(t, h.Get("Cross-Origin-Opener-Policy"), "a client may open the login in a window of its own, and see it end")
}

func TestPagesHaveNoInlineScriptOrStyle(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	for _, a := range []*answer{b.open(p.request()), b.atCode(p), b.atConsent(p), b.open("/login/nothing")} {
		assert.NotRegexp(t, `<script>|<script [^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`, a.body)
		assert.NotRegexp(t, `(src|href)="(https?:)?//`, strings.ReplaceAll(a.body, `href="https://portal.example.org/"`, ""))
		assert.Equal(t, 1, strings.Count(a.body, "<h1>"))
		assert.Equal(t, 1, strings.Count(a.body, "<main "))
		assert.Contains(t, a.body, `<a class="skip" href="#main">`)
	}
}

func TestACookieTiesTheLoginToItsBrowser(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		p := newProvider(t, func(c *ui.Config) { c.Secure = secure })
		response, err := newBrowser(t, p.URL).client.Get(p.URL + p.request())
		require.NoError(t, err)
		response.Body.Close()
		require.Len(t, response.Cookies(), 1)
		c := response.Cookies()[0]
		handle, _, _ := strings.Cut(c.Value, ".")
		name := "signet-" + login.ID(handle)
		if secure {
			name = "__Host-" + name
		}
		assert.Equal(t, name, c.Name)
		assert.Equal(t, secure, c.Secure)
		assert.True(t, c.HttpOnly)
		assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
		assert.Equal(t, "/", c.Path)
		assert.Empty(t, c.Domain)
		assert.InDelta(t, 600+30*60, c.MaxAge, 5, "the login, and a while to tell where it came from")
		assert.NotContains(t, response.Header.Get("Location"), handle, "the handle is in no URL")
	}
}

func TestTheOldestOfMoreThanTenLoginsIsForgotten(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	at, err := url.Parse(p.URL)
	require.NoError(t, err)
	first := b.open(p.request())
	for range 9 {
		b.open(p.request())
	}
	assert.Len(t, b.client.Jar.Cookies(at), 10)
	assert.Equal(t, http.StatusOK, b.open(first.path).status)
	eleventh := b.open(p.request())
	assert.Equal(t, http.StatusOK, eleventh.status)
	assert.Len(t, b.client.Jar.Cookies(at), 10)
	assert.Equal(t, http.StatusBadRequest, b.open(first.path).status)
}

func TestALoginWithoutItsCookieIsExplained(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	page := newBrowser(t, p.URL).open(p.request())
	id := strings.TrimPrefix(page.login(), "/login/")
	other := newBrowser(t, p.URL)
	foreign := newBrowser(t, p.URL)
	foreign.header.Set("Cookie", "signet-"+id+"=another-handle")
	for _, b := range []*browser{other, foreign} {
		for _, a := range []*answer{b.open(page.path), b.send(http.MethodPost, page.login()+"/choose", "csrf="+page.csrf(t)+"&option=0")} {
			assert.Equal(t, http.StatusBadRequest, a.status)
			assert.Contains(t, a.text(), "signet-"+id)
			assert.Contains(t, a.text(), "allow cookies for 127.0.0.1")
			assert.Contains(t, a.text(), "Reference: "+id)
		}
		assert.Contains(t, b.open(page.path+"?lang=fr").body, `<html lang="fr"`, "it is explained in every language")
	}
}

// Architecture, invariant 13.
func TestEveryFormIsBoundToTheBrowserThatBeganTheLogin(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	page := b.atCode(p)
	token := page.csrf(t)
	otherLogin := b.open(p.request()).csrf(t)
	changed := map[bool]string{true: "A", false: "B"}[token[0] != 'A'] + token[1:]
	form := func(csrf string) string { return url.Values{"csrf": {csrf}, "response": {mock.OTP}}.Encode() }
	for name, forged := range map[string]struct{ body, header, value string }{
		"without token":               {body: "response=" + mock.OTP},
		"with an empty token":         {body: form("")},
		"with another login's token":  {body: form(otherLogin)},
		"with a changed token":        {body: form(changed)},
		"from another site":           {form(token), "Sec-Fetch-Site", "cross-site"},
		"from a sibling domain":       {form(token), "Sec-Fetch-Site", "same-site"},
		"from another origin":         {form(token), "Origin", "https://evil.example.org"},
		"from an origin that is null": {form(token), "Origin", "null"},
	} {
		b.header = http.Header{}
		if forged.header != "" {
			b.header.Set(forged.header, forged.value)
		}
		a := b.send(http.MethodPost, page.path, forged.body)
		assert.Equal(t, http.StatusForbidden, a.status, name)
		assert.Contains(t, a.text(), "This form was not accepted", name)
		assert.Contains(t, a.body, `href="`+page.login()+`/"`, "there is a way back")
	}
	for _, cross := range []string{"", "/cancel", "/resend/otp"} {
		b.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
		assert.Equal(t, http.StatusForbidden, b.send(http.MethodPost, page.login()+max(cross, "/verify/otp"), form(token)).status)
	}
	for name, header := range map[string]http.Header{
		"same origin by Sec-Fetch-Site": {"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}},
		"same origin by Origin":         {"Origin": {p.URL}},
		"old browser":                   {},
	} {
		b.header = header
		assert.Equal(t, "verify/otp", b.submit(page, "verify/otp", "response", "000000").page(), name)
	}
	b.header = http.Header{}
	assert.Equal(t, "consent", b.submit(page, "verify/otp", "response", mock.OTP).page())
}

// What is compressed beside a stranger's text must not stay what it is from answer to answer (BREACH).
func TestTheTokenOfFormsIsAnotherOneOnEveryPage(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	page := b.atCode(p)
	first, second := page.csrf(t), b.open(page.path).csrf(t)
	assert.NotEqual(t, first[:len(first)/2], second[:len(second)/2], "the mask")
	assert.NotEqual(t, first[len(first)/2:], second[len(second)/2:], "what it hides")
	assert.Equal(t, "verify/otp", b.submit(page, "verify/otp", "response", "000000").page(), "the older one is good, too")
}

func TestMalformedFormsAreRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	page := b.atConsent(p)
	token := "csrf=" + page.csrf(t)
	for name, bad := range map[string]struct {
		body   string
		status int
	}{
		"a field twice":     {token + "&response=1&response=2", http.StatusBadRequest},
		"the token twice":   {token + "&" + token, http.StatusBadRequest},
		"a claim twice":     {token + "&claim=name&claim=name", http.StatusBadRequest},
		"bad encoding":      {token + "&claim=%zz", http.StatusBadRequest},
		"more than 16 KiB":  {token + "&claim=" + strings.Repeat("x", 17<<10), http.StatusRequestEntityTooLarge},
		"many other fields": {token + strings.Repeat("&a=1", 6<<10), http.StatusRequestEntityTooLarge},
	} {
		a := b.send(http.MethodPost, page.path, bad.body)
		assert.Equal(t, bad.status, a.status, name)
		assert.Contains(t, a.text(), "This form could not be read", name)
	}
	assert.Equal(t, "consent", b.open(page.path).page(), "the login goes on")
}

func TestUnknownPathsAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	page := b.open(p.request())
	for _, path := range []string{
		"/login/", "/login/x/choose", page.login(), page.login() + "/admin", page.login() + "/verify", page.login() + "/verify/",
		page.login() + "/verify/a/b", page.login() + "/verify/a%0d%0ab", "/login/assets/", "/login/assets/signet.css",
	} {
		a := b.send(http.MethodGet, path, "")
		assert.Equal(t, http.StatusNotFound, a.status, path)
		assert.Contains(t, a.text(), "This page does not exist", path)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions, "PATCH", "GE"} {
		a := b.send(method, page.path, "")
		assert.Equal(t, http.StatusMethodNotAllowed, a.status, method)
		assert.Equal(t, "GET, HEAD, POST", a.header.Get("Allow"))
	}
	assert.Equal(t, http.StatusMethodNotAllowed, b.send(http.MethodPost, page.login()+"/done", "").status)
	head := b.send(http.MethodHead, page.path, "")
	assert.Equal(t, http.StatusOK, head.status)
	assert.Empty(t, head.body)
}

func TestTextsOfClientsAndPeopleCannotInject(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, nil)
	const evil = `"><script>alert(1)</script>{{.CSRF}}`
	client := newEvilClient(evil)
	states := map[string]*login.State{
		"choose":       {Step: login.StepChoose, Options: []authenticator.FactorSet{{authenticator.Factor(evil)}, {"otp"}}},
		"identify/otp": {Step: login.StepIdentify, Factor: "otp", Identifier: authenticator.Identifier{Value: evil}, LoginHint: evil},
		"verify/otp":   {Step: login.StepVerify, Factor: "otp", Code: &authenticator.CodeReceipt{Destinations: []string{evil}}},
		"consent":      {Step: login.StepConsent, Essential: []string{evil}, Voluntary: []string{evil}, Scopes: []string{evil}},
		"done":         {Step: login.StepDone, RedirectURI: "javascript:alert(1)"},
	}
	for page, s := range states {
		s.Client = client
		flow.put(page, s)
		w := get(pages, page, page+"?problem="+url.QueryEscape(evil)+"&lang="+url.QueryEscape(evil))
		require.Equal(t, http.StatusOK, w.Code, page)
		assert.NotContains(t, w.Body.String(), "<script>", page)
		assert.NotContains(t, w.Body.String(), `href="javascript:`, page)
	}
}

func TestAnOutageIsShownAndNotExplained(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, nil)
	flow.broken = fmt.Errorf("dial tcp 10.0.0.7:6379: refused")
	w := get(pages, "h", "choose")
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
	assert.Contains(t, w.Body.String(), "The login does not work at the moment")
	assert.NotContains(t, w.Body.String(), "10.0.0.7")
}
