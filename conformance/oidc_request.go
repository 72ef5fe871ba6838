package conformance

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const requestClause = "OpenID Connect Core 1.0, 3.1.2.1"

var oidcRequestChecks = []Check{
	{ID: "oidcc-ensure-request-without-nonce-succeeds-for-code-flow", Title: "The nonce is optional, and not invented", Clause: requestClause, run: with(func(_ *trial, p url.Values) { p.Del("nonce") })},
	{ID: "request-without-state-succeeds", Title: "The state is optional, and not invented", Clause: "RFC 6749, 4.1.2", run: with(func(_ *trial, p url.Values) { p.Del("state") })},
	{ID: "oidcc-display-page", Title: "display=page is accepted", Clause: requestClause, run: with(set("display", "page"))},
	{ID: "oidcc-display-popup", Title: "display=popup is accepted", Clause: requestClause, run: with(set("display", "popup"))},
	{ID: "oidcc-login-hint", Title: "login_hint is accepted", Clause: requestClause, run: with(func(t *trial, p url.Values) {
		p.Set("login_hint", cmp.Or(t.target.LoginHint, "buffy@example.com"))
	})},
	{ID: "oidcc-ui-locales", Title: "ui_locales is accepted", Clause: requestClause, run: with(func(t *trial, p url.Values) {
		p.Set("ui_locales", cmp.Or(t.target.Locale, "se"))
	})},
	{ID: "oidcc-claims-locales", Title: "claims_locales is accepted", Clause: "OpenID Connect Core 1.0, 5.2", run: with(func(t *trial, p url.Values) {
		p.Set("claims_locales", cmp.Or(t.target.Locale, "se"))
	})},
	{ID: "oidcc-ensure-request-with-acr-values-succeeds", Title: "acr_values are accepted, and acr is one of them", Clause: requestClause, run: acrValues},
	{ID: "oidcc-ensure-request-with-unknown-parameter-succeeds", Title: "Unknown parameters are ignored", Clause: requestClause, run: with(set("extra", "foobar"))},
	{ID: "oidcc-claims-essential", Title: "An essential claim of userinfo is there, and only there", Clause: "OpenID Connect Core 1.0, 5.5.1", run: claimsEssential},
	{ID: "oidcc-ensure-post-request-succeeds", Title: "The authorization request may be a form", Clause: requestClause, run: postRequest},
	{ID: "form-post-response", Title: "response_mode=form_post brings codes and errors as a form", Clause: "OAuth 2.0 Form Post Response Mode, 2", run: formPostResponse},
	{ID: "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", Title: "An unsigned request object works, or is refused as unsupported", Clause: "OpenID Connect Core 1.0, 6.1", run: unsignedRequestObject},
	{ID: "oidcc-ensure-request-object-with-redirect-uri", Title: "The redirect URI in a request object wins", Clause: "OpenID Connect Core 1.0, 6.1", run: requestObjectRedirectURI},
}

// with returns a check that the whole flow succeeds with a changed request.
func with(change func(*trial, url.Values)) func(*trial) {
	return func(t *trial) {
		f := t.flow(1)
		change(t, f.params)
		f.complete()
	}
}

func set(name, value string) func(*trial, url.Values) {
	return func(_ *trial, p url.Values) { p.Set(name, value) }
}

func acrValues(t *trial) {
	values := t.metadata().list("acr_values_supported")
	if len(values) == 0 {
		values = []string{"1", "2"}
	}
	f := t.flow(1)
	f.params.Set("acr_values", strings.Join(values, " "))
	acr, _ := f.complete().id["acr"].(string)
	if !slices.Contains(values, acr) {
		t.warn("the acr of the ID Token is %q and none of those that were asked for", acr)
	}
}

func claimsEssential(t *trial) {
	f := t.flow(1)
	f.params.Set("claims", `{"userinfo":{"name":{"essential":true}}}`)
	tokens := f.tokens() // warns of a name in the ID Token
	if claims := f.goodResource(tokens); claims["name"] == nil {
		t.warn("userinfo does not have the essential claim name")
	}
}

func postRequest(t *trial) {
	f := t.flow(1)
	l := f.browser.openWithForm(t.endpoint("authorization_endpoint"), f.params)
	f.goodResource(f.goodTokens(f.redeem(f.goodCallback(f.browser.finish(l, LogIn)))))
}

// formPostResponse is skipped unless the response mode is announced.
func formPostResponse(t *trial) {
	if !t.metadata().listHas("response_modes_supported", "form_post") {
		t.skip("response_modes_supported does not have form_post")
	}
	f := t.flow(2)
	f.params.Set("response_mode", "form_post")
	for _, wish := range []Wish{Refuse, LogIn} {
		l := f.browser.login(f.requestURL(), wish)
		if l.callback == nil || l.callback.method != http.MethodPost {
			t.fatal("the response should be a form for the client, and is %v", l)
		}
		if wish == Refuse {
			f.errorCallback(l.callback, []string{"access_denied"})
		} else {
			f.goodResource(f.goodTokens(f.redeem(f.goodCallback(l))))
		}
	}
}

// noneAdvertised skips the check unless unsigned request objects are announced, as the suite does.
func noneAdvertised(t *trial) {
	if !t.metadata().listHas("request_object_signing_alg_values_supported", "none") {
		t.skip("request_object_signing_alg_values_supported does not have none")
	}
}

func unsignedRequestObject(t *trial) {
	noneAdvertised(t)
	f := t.flow(1)
	f.params.Set("request", t.sign(f.requestObject(f.params), unsigned))
	f.judge(f.login(), refusal{redirect: []string{"request_not_supported"}, success: func(code string) { f.goodTokens(f.redeem(code)) }})
}

func requestObjectRedirectURI(t *trial) {
	noneAdvertised(t)
	f := t.flow(1)
	f.params.Set("request", t.sign(f.requestObject(f.params), unsigned))
	query := cloneValues(f.params)
	query.Set("redirect_uri", "https://another.example/"+randomText(8, alphanumeric))
	f.browser.callbacks = append(f.browser.callbacks, query.Get("redirect_uri"))
	f.goodCallback(f.browser.login(f.authorizationURL(query), LogIn))
}
