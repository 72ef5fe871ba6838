package conformance

import (
	"net/url"
	"strings"
)

var oidcRefusalChecks = []Check{
	{ID: "oidcc-response-type-missing", Title: "A request without response_type is refused", Clause: "RFC 6749, 3.1.1", run: func(t *trial) {
		f := t.flow(1)
		f.params.Del("response_type")
		f.refused(refusal{redirect: []string{"invalid_request", "unsupported_response_type"}, page: true})
	}},
	{ID: "oidcc-ensure-registered-redirect-uri", Title: "An unregistered redirect URI gets an error page, and no redirect", Clause: "OpenID Connect Core 1.0, 3.1.2.1", run: func(t *trial) {
		onErrorPage(t, 1, "https://"+strings.ToLower(randomText(12, alphanumeric))+".example/callback")
		registered, err := url.Parse(t.client(1).RedirectURI)
		if err != nil {
			t.fatal("%v", err)
		}
		onErrorPage(t, 1, registered.JoinPath("more").String())
	}},
	{ID: "oidcc-redirect-uri-query-added", Title: "A query added to the registered redirect URI gets an error page", Clause: "RFC 6749, 3.1.2.3", run: func(t *trial) {
		onErrorPage(t, 1, addQuery(t.client(1).RedirectURI, "foo=bar"))
		onErrorPage(t, 2, addQuery(t.client(2).RedirectURI, "foo=bar"))
	}},
	{ID: "unknown-client-gets-an-error-page", Title: "An unknown client gets an error page", Clause: "RFC 6749, 4.1.2.1", run: func(t *trial) {
		f := t.flow(1)
		f.params.Set("client_id", "no-client-"+randomText(12, alphanumeric))
		f.refused(refusal{page: true})
	}},
	{ID: "prompt-none-with-another-prompt-fails", Title: "prompt=none beside another value is refused", Clause: "OpenID Connect Core 1.0, 3.1.2.1", run: func(t *trial) {
		f := t.flow(1)
		f.params.Set("prompt", "none login")
		f.refused(refusal{redirect: []string{"invalid_request", "login_required"}, page: true})
	}},
	{ID: "user-rejects-authentication", Title: "Who cancels goes back to the client with access_denied", Clause: "RFC 6749, 4.1.2.1", run: userRejects},
}

// onErrorPage sends a redirect URI that is not the client's, to which the browser may not go.
func onErrorPage(t *trial, number int, redirectURI string) {
	f := t.flow(number)
	f.params.Set("redirect_uri", redirectURI)
	f.browser.callbacks = append(f.browser.callbacks, redirectURI)
	f.refused(refusal{page: true})
}

func addQuery(uri, query string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return uri
	}
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	return u.String()
}

// userRejects has the person cancel, once for each client.
func userRejects(t *trial) {
	for _, number := range []int{1, 2} {
		f := t.flow(number)
		l := f.browser.login(f.begin(), Refuse)
		if l.callback == nil {
			t.fatal("who cancels must be sent to the client, and is left on %v", l)
		}
		if f.callbackHas(l.callback, "code") {
			t.fatal("who cancels gets a code")
		}
		f.errorCallback(l.callback, []string{"access_denied"})
	}
}
