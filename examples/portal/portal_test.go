package portal_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/examples/portal"
)

// visit is a browser at a portal whose provider a test controls.
type visit struct {
	t        *testing.T
	provider *fakeProvider
	browser  *http.Client
	home     string
	late     atomic.Int64 // how far the portal's clock is ahead
}

func newVisit(t *testing.T, configure ...func(*portal.Config)) *visit {
	t.Helper()
	v := &visit{t: t, provider: newFakeProvider(t)}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	key := newKey(t, "client-key")
	v.provider.client = key.Public()
	config := portal.Config{
		Issuer: v.provider.issuer, ClientID: "portal", Key: key, RedirectURI: server.URL + "/callback",
		Now: func() time.Time { return time.Now().Add(time.Duration(v.late.Load())) },
	}
	for _, f := range configure {
		f(&config)
	}
	p, err := portal.New(config)
	require.NoError(t, err)
	handler, v.home = p, server.URL
	v.browser = newBrowser(t)
	return v
}

// newBrowser follows redirects within the portal, and stops where one leads to the provider.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/authorize" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

func (v *visit) get(path string) (status int, body string) {
	v.t.Helper()
	res, err := v.browser.Get(v.home + path)
	require.NoError(v.t, err)
	return v.read(res)
}

func (v *visit) read(res *http.Response) (status int, body string) {
	v.t.Helper()
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(v.t, err)
	return res.StatusCode, string(data)
}

// login begins a login and returns the authorization request, as the browser carries it.
func (v *visit) login(query string) url.Values {
	v.t.Helper()
	res, err := v.browser.Get(v.home + "/login" + query)
	require.NoError(v.t, err)
	status, body := v.read(res)
	require.Equal(v.t, http.StatusSeeOther, status, body)
	location, err := res.Location()
	require.NoError(v.t, err)
	carried := location.Query()
	if !carried.Has("request_uri") {
		v.provider.request = carried
	}
	return carried
}

// respond brings the provider's response back: the right one, with changes.
func (v *visit) respond(request url.Values, changes map[string]string) (status int, body string) {
	v.t.Helper()
	v.provider.request = request
	response := url.Values{"code": {"the-code"}, "state": {request.Get("state")}, "iss": {v.provider.issuer}}
	for name, value := range changes {
		response.Set(name, value)
		if value == "" {
			response.Del(name)
		}
	}
	return v.get("/callback?" + response.Encode())
}

func TestLoginShowsWhatTheProviderReleased(t *testing.T) {
	t.Parallel()
	for name, unsigned := range map[string]bool{"signed userinfo": false, "JSON userinfo": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t)
			v.provider.userinfoJSON = unsigned
			v.provider.userinfo = map[string]any{
				"name#ar": "آدا", "email": "ada@example.org", "email_verified": true,
				"picture": "data:image/png;base64,iVBORw0KGgo=",
				"address": map[string]any{"street_address": "Main Street 1", "locality": "Springfield"},
			}
			status, body := v.respond(v.login(""), nil)
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, body, "Ada Example")
			assert.Contains(t, body, `<span class="value" lang="ar"><bdi>آدا</bdi>`)
			assert.Contains(t, body, "ada@example.org")
			assert.Contains(t, body, "Verified")
			assert.Contains(t, body, `src="data:image/png;base64,iVBORw0KGgo="`)
			assert.Contains(t, body, "Main Street 1, Springfield")
			assert.Contains(t, body, "pairwise-1")
			assert.NotContains(t, body, "the-access-token")
		})
	}
}

func TestAuthorizationRequestCarriesWhatWasConfigured(t *testing.T) {
	t.Parallel()
	v := newVisit(t, func(c *portal.Config) {
		c.Scopes = []string{"openid", "email"}
		c.ACRValues = []string{"high", "low"}
		c.ClaimsLocales = []string{"km", "en"}
		c.Claims = json.RawMessage(`{"userinfo":{"name":{"essential":true}}}`)
	})
	request := v.login("?lang=ar-EG")
	assert.Equal(t, "code", request.Get("response_type"))
	assert.Equal(t, "portal", request.Get("client_id"))
	assert.Equal(t, "openid email", request.Get("scope"))
	assert.Equal(t, "high low", request.Get("acr_values"))
	assert.Equal(t, "km en", request.Get("claims_locales"))
	assert.Equal(t, `{"userinfo":{"name":{"essential":true}}}`, request.Get("claims"))
	assert.Equal(t, "ar-EG", request.Get("ui_locales"))
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		assert.GreaterOrEqual(t, len(request.Get(name)), 26, name)
		assert.NotEqual(t, request.Get(name), v.login("").Get(name), "%s must be fresh", name)
	}
	assert.False(t, v.login("?lang=%22%3E").Has("ui_locales"), "what is no language is not passed on")
}

func TestLoginIsRefused(t *testing.T) {
	t.Parallel()
	foreign := newKey(t, "provider")
	for name, test := range map[string]struct {
		spoil    func(*fakeProvider)
		response map[string]string
		status   int
	}{
		"state of nobody":            {response: map[string]string{"state": "unknown"}, status: http.StatusBadRequest},
		"state missing":              {response: map[string]string{"state": ""}, status: http.StatusBadRequest},
		"iss of another":             {response: map[string]string{"iss": "https://evil.example"}, status: http.StatusBadRequest},
		"iss missing":                {response: map[string]string{"iss": ""}, status: http.StatusBadRequest},
		"code missing":               {response: map[string]string{"code": ""}, status: http.StatusBadRequest},
		"code and error":             {response: map[string]string{"error": "access_denied"}, status: http.StatusBadRequest},
		"ID Token: nonce of another": {spoil: func(p *fakeProvider) { p.idToken = map[string]any{"nonce": "x"} }},
		"ID Token: nonce missing":    {spoil: func(p *fakeProvider) { p.idToken = map[string]any{"nonce": nil} }},
		"ID Token: other issuer":     {spoil: func(p *fakeProvider) { p.idToken = map[string]any{"iss": "https://evil.example"} }},
		"ID Token: other audience":   {spoil: func(p *fakeProvider) { p.idToken = map[string]any{"aud": "other"} }},
		"ID Token: expired":          {spoil: func(p *fakeProvider) { p.idToken = map[string]any{"exp": 1} }},
		"ID Token: wrong at_hash":    {spoil: func(p *fakeProvider) { p.idToken = map[string]any{"at_hash": "x"} }},
		"userinfo: other person":     {spoil: func(p *fakeProvider) { p.userinfo = map[string]any{"sub": "pairwise-2"} }},
		"userinfo: other person, JSON": {spoil: func(p *fakeProvider) {
			p.userinfo, p.userinfoJSON = map[string]any{"sub": "pairwise-2"}, true
		}},
		"userinfo: sub missing":    {spoil: func(p *fakeProvider) { p.userinfo = map[string]any{"sub": nil} }},
		"userinfo: other issuer":   {spoil: func(p *fakeProvider) { p.userinfo = map[string]any{"iss": "https://evil.example"} }},
		"userinfo: other audience": {spoil: func(p *fakeProvider) { p.userinfo = map[string]any{"aud": []string{"other"}} }},
		"userinfo: expired":        {spoil: func(p *fakeProvider) { p.userinfo = map[string]any{"exp": 1} }},
		"userinfo: foreign key":    {spoil: func(p *fakeProvider) { p.userinfoKey = &foreign }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t)
			if test.spoil != nil {
				test.spoil(v.provider)
				test.status = http.StatusBadGateway
			}
			status, body := v.respond(v.login(""), test.response)
			assert.Equal(t, test.status, status)
			assert.NotContains(t, body, "Ada Example")
			_, body = v.get("/profile")
			assert.NotContains(t, body, "Ada Example", "nobody may be signed in")
		})
	}
}

func TestResponseIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	request := v.login("")
	status, _ := v.respond(request, map[string]string{"code": "", "error": "server_error"})
	require.Equal(t, http.StatusServiceUnavailable, status)
	status, _ = v.respond(request, nil)
	assert.Equal(t, http.StatusBadRequest, status)
}

func TestResponseIsOfNoUseInAnotherBrowser(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	request := v.login("")
	v.browser = newBrowser(t)
	status, _ := v.respond(request, nil)
	assert.Equal(t, http.StatusBadRequest, status)
}

func TestResponseAfterTheLoginLeadsToTheProfile(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	request := v.login("")
	v.respond(request, nil)
	status, body := v.respond(request, nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "Ada Example")
}

func TestTwoLoginsSideBySide(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	first, second := v.login(""), v.login("")
	status, _ := v.respond(second, nil)
	assert.Equal(t, http.StatusOK, status)
	status, _ = v.respond(first, nil)
	assert.Equal(t, http.StatusOK, status)
}

func TestOldestOfTooManyLoginsIsForgotten(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	requests := make([]url.Values, 9)
	for i := range requests {
		requests[i] = v.login("")
		v.late.Add(int64(time.Second))
	}
	status, _ := v.respond(requests[0], nil)
	assert.Equal(t, http.StatusBadRequest, status)
	status, _ = v.respond(requests[1], nil)
	assert.Equal(t, http.StatusOK, status)
}

func TestLoginAndSessionExpire(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	request := v.login("")
	v.late.Add(int64(31 * time.Minute))
	status, _ := v.respond(request, nil)
	assert.Equal(t, http.StatusBadRequest, status)

	v.respond(v.login(""), nil)
	_, body := v.get("/profile")
	require.Contains(t, body, "Ada Example")
	v.late.Add(int64(31 * time.Minute))
	_, body = v.get("/profile")
	assert.NotContains(t, body, "Ada Example")
}

func TestErrorOfTheProviderIsShownAsText(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	status, body := v.respond(v.login(""), map[string]string{
		"code": "", "error": "access_denied", "error_description": "<script>alert(1)</script>",
	})
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, body, "access_denied")
	assert.Contains(t, body, "&lt;script&gt;alert(1)&lt;/script&gt;")
}

func TestErrorThatBelongsToNoLoginIsNotShown(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	_, body := v.get("/callback?state=x&error=e&error_description=call+this+number")
	assert.NotContains(t, body, "call this number")
}

func TestIssMayBeOptional(t *testing.T) {
	t.Parallel()
	v := newVisit(t, func(c *portal.Config) { c.IssOptional = true })
	status, _ := v.respond(v.login(""), map[string]string{"iss": ""})
	assert.Equal(t, http.StatusOK, status)
	status, _ = v.respond(v.login(""), map[string]string{"iss": "https://evil.example"})
	assert.Equal(t, http.StatusBadRequest, status)
}

func TestProviderMayStartLater(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	v.provider.down = true
	status, _ := v.get("/")
	assert.Equal(t, http.StatusOK, status)
	status, _ = v.get("/login")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	v.provider.down = false
	v.login("")
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	v.respond(v.login(""), nil)
	logout := func(site string) (int, string) {
		r, err := http.NewRequest(http.MethodPost, v.home+"/logout", nil)
		require.NoError(t, err)
		r.Header.Set("Sec-Fetch-Site", site)
		res, err := v.browser.Do(r)
		require.NoError(t, err)
		return v.read(res)
	}
	status, _ := logout("cross-site")
	assert.Equal(t, http.StatusForbidden, status, "another site cannot sign people out")
	_, body := v.get("/profile")
	require.Contains(t, body, "Ada Example")

	base, err := url.Parse(v.home)
	require.NoError(t, err)
	before := v.browser.Jar.Cookies(base)
	logout("same-origin")
	v.browser.Jar.SetCookies(base, before) // somebody kept the cookie
	_, body = v.get("/profile")
	assert.NotContains(t, body, "Ada Example")
}

func TestPagesAllowNoScriptAndNoFrame(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	for _, path := range []string{"/", "/callback", "/profile", "/nothing"} {
		res, err := v.browser.Get(v.home + path)
		require.NoError(t, err)
		_, body := v.read(res)
		csp := res.Header.Get("Content-Security-Policy")
		assert.Contains(t, csp, "default-src 'none'", path)
		assert.Contains(t, csp, "frame-ancestors 'none'", path)
		assert.NotContains(t, csp, "script-src", path)
		assert.NotContains(t, body, "<script", path)
		assert.NotContains(t, body, "style=", path)
	}
}

func TestCookiesOfAnHTTPSPortal(t *testing.T) {
	t.Parallel()
	provider := newFakeProvider(t)
	p, err := portal.New(portal.Config{
		Issuer: provider.issuer, ClientID: "portal", Key: newKey(t, "k"), RedirectURI: "https://portal.example/callback",
	})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://portal.example/login", nil))
	cookies := w.Result().Cookies()
	require.Len(t, cookies, 1)
	assert.True(t, strings.HasPrefix(cookies[0].Name, "__Host-portal-login-"))
	assert.True(t, cookies[0].Secure)
	assert.True(t, cookies[0].HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, cookies[0].SameSite)
}

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	key := newKey(t, "k")
	_, err := portal.New(portal.Config{
		Issuer: "id.example", Key: key.Public(), RedirectURI: "https://portal.example/login",
		Scopes: []string{"profile"}, Claims: json.RawMessage(`[]`),
	})
	require.Error(t, err)
	for _, name := range []string{"Issuer", "ClientID", "Key", "RedirectURI", "Scopes", "Claims"} {
		assert.ErrorContains(t, err, "Config."+name)
	}
	key.Algorithm = string(jose.RS256)
	_, err = portal.New(portal.Config{
		Issuer: "https://id.example", ClientID: "portal", Key: key, RedirectURI: "https://portal.example/callback",
	})
	assert.ErrorContains(t, err, "Config.Key cannot sign with RS256")
}
