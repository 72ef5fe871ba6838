package portal_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/examples/portal"
)

func TestFAPI2LoginPushesTheRequestAndBindsTheToken(t *testing.T) {
	t.Parallel()
	for name, needsNonce := range map[string]bool{"no nonces": false, "nonces demanded": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t)
			v.provider.needsNonce = needsNonce
			carried := v.login("?protocol=fapi2&lang=km")
			assert.Equal(t, url.Values{"client_id": {"portal"}, "request_uri": {requestURI}}, carried)
			pushed := v.provider.request
			assert.Equal(t, "code", pushed.Get("response_type"))
			assert.Equal(t, "portal", pushed.Get("client_id"))
			assert.Equal(t, "openid profile", pushed.Get("scope"))
			assert.Equal(t, "km", pushed.Get("ui_locales"))
			assert.Equal(t, v.home+"/callback", pushed.Get("redirect_uri"))
			assert.GreaterOrEqual(t, len(pushed.Get("nonce")), 26)

			status, body := v.respond(pushed, nil)
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, body, "Ada Example")
			assert.Contains(t, body, v.provider.boundTo)
			if needsNonce {
				assert.Equal(t, 1, v.provider.nonceAsked, "the nonce of the first refusal is used from then on")
			}
		})
	}
}

var preformatted = regexp.MustCompile(`(?s)id="authorization-request">(.*?)</pre>`)

func TestProfileShowsHowTheLoginsDiffer(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	_, plain := v.respond(v.login(""), nil)
	assert.Contains(t, plain, `<dd id="token-type">Bearer</dd>`)
	assert.Contains(t, plain, "None: it works for whoever holds it")
	assert.Contains(t, preformatted.FindString(plain), "redirect_uri = ")
	assert.NotContains(t, plain, `id="dpop-proof"`)
	assert.NotContains(t, plain, `id="portal-key"`)

	v.login("?protocol=fapi2")
	_, bound := v.respond(v.provider.request, nil)
	key := v.provider.boundTo
	assert.Contains(t, bound, `<dd id="token-type">DPoP</dd>`)
	assert.Contains(t, bound, `<dd id="token-key"><code>`+key+`</code></dd>`)
	assert.Contains(t, bound, `<dd id="portal-key"><code>`+key+`</code></dd>`)
	assert.Equal(t, v.provider.issuer+"/authorize\n  client_id = portal\n  request_uri = "+requestURI+"\n",
		preformatted.FindStringSubmatch(bound)[1])
	assert.Regexp(t, `(?s)id="pushed-request".*redirect_uri = `, bound)
	assert.Regexp(t, `(?s)id="dpop-proof".*"dpop\+jwt".*"htu": "`+v.provider.issuer+`/userinfo".*"ath"`, html.UnescapeString(bound))
}

func TestTokenThatIsNotBoundIsRefused(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	v.provider.unbound = true
	v.login("?protocol=fapi2")
	status, body := v.respond(v.provider.request, nil)
	assert.Equal(t, http.StatusBadGateway, status)
	assert.NotContains(t, body, "Ada Example")
}

func TestLoginThatCannotBePushedGoesNowhere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*fakeProvider)
		text  string
	}{
		"no endpoint": {func(p *fakeProvider) { p.noPushing = true }, "takes no pushed requests"},
		"refused":     {func(p *fakeProvider) { p.pushRefusal = "invalid_request" }, "not possible at the moment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t)
			test.spoil(v.provider)
			status, body := v.get("/login?protocol=fapi2")
			assert.Equal(t, http.StatusServiceUnavailable, status)
			assert.Contains(t, body, test.text)
			assert.Empty(t, v.browser.Jar.Cookies(mustParse(t, v.home)), "there is no login to come back to")
			v.provider.noPushing, v.provider.pushRefusal = false, ""
			assert.True(t, v.login("").Has("redirect_uri"), "the other way is open")
		})
	}
}

func TestProviderThatDemandsPushedRequestsGetsThem(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	v.provider.mustPush = true
	assert.True(t, v.login("").Has("request_uri"))
	_, body := v.get("/")
	assert.NotContains(t, body, `id="protocol-plain"`, "once this is known there is no choice")
}

func TestConfiguredFAPI2LeavesNoChoice(t *testing.T) {
	t.Parallel()
	v := newVisit(t, func(c *portal.Config) { c.FAPI2 = true })
	_, body := v.get("/?protocol=plain")
	assert.NotContains(t, body, `id="protocol-plain"`)
	assert.True(t, v.login("?protocol=plain").Has("request_uri"))
}

func TestSwitchIsKeptInEveryWayToSignIn(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	_, body := v.get("/?lang=km")
	assert.Contains(t, body, `id="protocol-plain" href="/?lang=km" aria-current="true"`)
	assert.Contains(t, body, `id="sign-in" class="signet-button" href="/login?lang=km"`)
	assert.Contains(t, body, `href="/?lang=km&amp;protocol=fapi2"`)
	_, body = v.get("/?lang=km&protocol=fapi2")
	assert.Contains(t, body, `id="sign-in" class="signet-button" href="/login?lang=km&amp;protocol=fapi2"`)
	assert.Contains(t, body, `href="/login?lang=ta&amp;protocol=fapi2"`)
	assert.Contains(t, body, `id="protocol-fapi2" href="/?lang=km&amp;protocol=fapi2" aria-current="true"`)
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u
}
