package button_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// address is a place of the test's site, with the percent-encoding that a query needs.
func (c *chromium) address(path string) string { return url.QueryEscape(c.site + path) }

func TestScriptLeadsToTheAuthorizationEndpoint(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	const fixed = `nonce: "n", state: "s", `
	base := "/authorize?nonce=n&state=s&client_id=portal&redirect_uri=" + c.address("/callback")
	tests := []struct{ name, options, want string }{
		{"with what is required", ``, base + "&scope=openid&response_type=code"},
		{"with everything, in eSignet's order", `response_type: "code", acr_values: "high low", claims: { userinfo: { name: null } },
			claims_locales: "km en", display: "popup", prompt: "select_account", max_age: 0, ui_locales: "km fr"`,
			base + "&scope=openid&response_type=code&acr_values=high%20low&claims=%7B%22userinfo%22%3A%7B%22name%22%3Anull%7D%7D" +
				"&claims_locales=km%20en&display=popup&prompt=select_account&max_age=0&ui_locales=km%20fr"},
		{"with the values of every choice", `display: "touch", prompt: "login"`, base + "&scope=openid&response_type=code&display=touch&prompt=login"},
		{"with values that are encoded already", `scope: "openid%20profile", redirect_uri: encodeURIComponent(location.origin + "/callback"),
			acr_values: "mosip:idp:acr:password%20mosip:idp:acr:knowledge", claims: encodeURI(JSON.stringify({ id_token: {} }))`,
			base + "&scope=openid%20profile&response_type=code&acr_values=mosip%3Aidp%3Aacr%3Apassword%20mosip%3Aidp%3Aacr%3Aknowledge" +
				"&claims=%7B%22id_token%22%3A%7B%7D%7D"},
		{"with values that would break the address", `state: "a&b=c#d+e %20é ខ្មែរ", nonce: "&state=x", client_id: "a&b",
			redirect_uri: location.origin + "/callback?x=a%20b&y"`,
			"/authorize?nonce=%26state%3Dx&state=a%26b%3Dc%23d%2Be%20%2520%C3%A9%20" + strings.ReplaceAll(url.QueryEscape("ខ្មែរ"), "+", "%20") +
				"&client_id=a%26b&redirect_uri=" + c.address("/callback?x=a%20b&y") + "&scope=openid&response_type=code"},
		{"with an address that has a query", `authorizeUri: location.origin + "/authorize?tenant=1"`,
			strings.Replace(base, "?", "?tenant=1&", 1) + "&scope=openid&response_type=code"},
		{"with an address on the same site", `authorizeUri: "/authorize"`, base + "&scope=openid&response_type=code"},
		{"with callbacks that are no functions", `dpop_callback: "dpop", code_challenge: "abc", par_callback: {}`, base + "&scope=openid&response_type=code"},
		{"with a key for DPoP and a code challenge", `dpop_callback: async (client, state) => client + state + "-jkt",
			code_challenge: async (client, state) => ({ code_challenge: client + state, code_challenge_method: "S256" })`,
			base + "&scope=openid&response_type=code&dpop_jkt=portals-jkt&code_challenge=portals&code_challenge_method=S256"},
		{"with a request that is pushed", `ui_locales: "km",
			dpop_callback: async () => "jkt", code_challenge: async () => ({ code_challenge: "cc", code_challenge_method: "S256" }),
			par_callback: async (...values) => "urn:ietf:params:oauth:request_uri:" + values.join("&")`,
			"/authorize?client_id=portal&request_uri=" + url.QueryEscape("urn:ietf:params:oauth:request_uri:portal&s&km&jkt&cc&S256") + "&ui_locales=km"},
		{"with a request that is pushed by who knows the rest", `scope: undefined, redirect_uri: undefined, par_callback_timeout: "4000",
			par_callback: async () => "urn:ietf:params:oauth:request_uri:1"`,
			"/authorize?client_id=portal&request_uri=" + url.QueryEscape("urn:ietf:params:oauth:request_uri:1")},
	}
	for _, test := range tests {
		c.open("")
		c.init(config(fixed+test.options), "")
		assert.Equal(t, test.want, c.click(), test.name)
	}
	c.assertQuiet()
}

func TestScriptMakesStateAndNonceForEveryClick(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	seen := map[string]bool{}
	for range 2 {
		c.open("")
		c.init(config(""), "")
		c.eval(`addEventListener("signet:request", (e) => sessionStorage.setItem("request", JSON.stringify(e.detail)))`)
		query, err := url.Parse(c.click())
		require.NoError(t, err)
		for _, name := range []string{"state", "nonce"} {
			value := query.Query().Get(name)
			assert.Regexp(t, "^[0-9a-f]{32}$", value)
			assert.False(t, seen[value])
			seen[value] = true
			assert.Equal(t, value, c.eval(`JSON.parse(sessionStorage.getItem("request")).`+name), "the page is told")
		}
	}
}

func TestScriptTellsTheRedirectURIWhatFailed(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	for _, test := range []struct{ name, options, want string }{
		{"no key", `dpop_callback: async () => ""`, "dpop_failed"},
		{"no key in time to come", `dpop_callback: async () => { throw new Error("no") }`, "dpop_failed"},
		{"no challenge", `code_challenge: async () => null`, "code_challenge_failed"},
		{"an error instead of a challenge", `code_challenge: () => { throw new Error("no") }`, "code_challenge_failed"},
		{"something else than a reference", `par_callback: async () => "https://evil.example/"`, "request_uri_error"},
		{"no reference", `par_callback: async () => { throw new Error("no") }`, "request_uri_error"},
		{"a reference that is late", `par_callback: () => new Promise(() => {}), par_callback_timeout: 20`, "request_uri_timeout"},
		{"a failure before the push", `dpop_callback: async () => null, par_callback: async () => "urn:ietf:params:oauth:request_uri:1"`, "dpop_failed"},
		{"a redirect URI with a query", `redirect_uri: encodeURIComponent(location.origin + "/callback?x=1"), dpop_callback: async () => null`, "dpop_failed"},
	} {
		c.open("")
		c.init(config(`state: "s&s", `+test.options), "")
		went, err := url.Parse(c.click())
		require.NoError(t, err)
		assert.Equal(t, "/callback", went.Path, test.name)
		assert.Equal(t, test.want, went.Query().Get("error"), test.name)
		assert.NotEmpty(t, went.Query().Get("error_description"), test.name)
		assert.Equal(t, "s&s", went.Query().Get("state"), test.name)
		assert.Equal(t, strings.Contains(test.options, "x=1"), went.Query().Has("x"), test.name)
	}

	c.open("")
	c.init(config(`redirect_uri: undefined, par_callback: async () => null`), "")
	require.NoError(t, chromedp.Do(c.ctx, chromedp.Click(chromedp.CSS("#place button"))))
	c.waitFor(`document.querySelector("#place button").disabled`)
	assert.Equal(t, "The PAR callback failed. Please report to site admin", c.eval(`document.querySelector("#place").textContent`),
		"without a redirect URI the button says it")
	c.assertQuiet()
}

func TestScriptRefusesAConfigurationThatCannotWork(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	c.open("")
	for options, want := range map[string]string{
		`authorizeUri: ""`:                            "Required parameter is missing",
		`redirect_uri: undefined`:                     "Required parameter is missing",
		`client_id: null`:                             "Required parameter is missing",
		`scope: ""`:                                   "Required parameter is missing",
		`response_type: "token"`:                      "Invalid Response Type",
		`display: "window"`:                           "Invalid display value",
		`prompt: "login consent"`:                     "Invalid prompt value",
		`authorizeUri: "javascript:alert(1)//"`:       "Invalid authorize URI",
		`authorizeUri: "javascript%3Aalert(1)//"`:     "Invalid authorize URI",
		`redirect_uri: "javascript:alert(1)"`:         "Invalid redirect URI",
		`redirect_uri: "JavaScript%3Aalert(1)"`:       "Invalid redirect URI",
		`redirect_uri: "data:text/html,<b>1"`:         "Invalid redirect URI",
		`redirect_uri: "/callback"`:                   "Invalid redirect URI",
		`par_callback: async () => 1, display: "top"`: "Invalid display value",
	} {
		c.init(config(options), `buttonConfig: { type: "icon" }`)
		assert.Equal(t, want+". Please report to site admin true",
			c.eval(`document.querySelector("#place").textContent + " " + document.querySelector("#place button").disabled`), options)
	}
	assert.Equal(t, "null", c.eval(`await SignInWithEsignetButton.init({ signInElement: null })`))
	c.init(config(`redirect_uri: "org.example.app:/callback"`), "")
	assert.Equal(t, "false", c.eval(`document.querySelector("#place button").disabled`), "an app has a scheme of its own")
	c.assertQuiet()
}

func TestScriptIgnoresASecondClick(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	c.open("")
	c.init(config(`par_callback_timeout: 60000, par_callback: () => { window.calls = (window.calls || 0) + 1; return new Promise((resolve) => { window.release = resolve }) }`), "")
	c.eval(`document.querySelector("#place button").click()`)
	c.waitFor("window.calls === 1")
	assert.Equal(t, "true", c.eval(`document.querySelector("#place button").getAttribute("aria-busy")`))
	c.eval(`document.querySelector("#place button").click()`)
	assert.Equal(t, "1", c.eval("window.calls"))
	c.eval(`release("urn:ietf:params:oauth:request_uri:1")`)
	require.NoError(t, chromedp.Do(c.ctx, chromedp.WaitVisible(chromedp.ID("elsewhere"))))
}

func TestScriptWaitsForThePushAsLongAsItIsTold(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	for given, want := range map[string]string{
		`undefined`: "5000", `0`: "5000", `-1`: "5000", `"soon"`: "5000", `{}`: "5000", `"4000"`: "4000", `7000`: "7000", `Infinity`: "2147483647",
	} {
		c.open("")
		c.eval(`window.setTimeout = (callback, wait) => { window.waited = wait; return 0; }`)
		c.init(config(`par_callback: () => new Promise(() => {}), par_callback_timeout: `+given), "")
		c.eval(`document.querySelector("#place button").click()`)
		assert.Equal(t, want, c.eval("window.waited"), given)
	}
}
