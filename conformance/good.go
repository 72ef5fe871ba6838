package conformance

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tokens is a successful token response.
type tokens struct {
	access, refresh, idToken string
	// id are the claims of the ID Token, nil without one.
	id       map[string]any
	idHeader map[string]any
}

// goodPush checks the answer to an accepted push (RFC 9126 2.2) and returns the request_uri.
func (t *trial) goodPush(a *answer) string {
	if a.status != http.StatusCreated {
		t.fatal("a good pushed request must be answered with 201, not with %v", a)
	}
	if !a.isJSON() {
		t.fail("the answer to a pushed request is not application/json but %q", a.header.Get("Content-Type"))
	}
	m := a.object()
	requestURI, _ := m["request_uri"].(string)
	if u, err := url.Parse(requestURI); err != nil || !u.IsAbs() {
		t.fatal("the request_uri %q is not a URI", requestURI)
	}
	t.unguessable("the request_uri", requestURI)
	if seconds, ok := m["expires_in"].(float64); !ok || seconds < 5 || seconds >= year.Seconds() {
		t.fail("expires_in of a pushed request must be a number from 5 s to a year, not %v", m["expires_in"])
	}
	return requestURI
}

// goodCallback checks a successful authorization response and returns the code.
func (f *flow) goodCallback(l *landing) string {
	t := f.t
	if l.callback == nil {
		t.fatal("the login should lead to the client with a code, and ends at %v", l)
	}
	if f.params.Get("response_mode") != "form_post" && l.callback.method != http.MethodGet {
		t.fail("the authorization response comes by %s instead of in the query", l.callback.method)
	}
	if l.callback.uri.Fragment != "" {
		t.fail("the authorization response has a fragment: %s", l.callback.uri)
	}
	if f.callbackHas(l.callback, "error") {
		params := f.raw(l)
		t.fatal("the login should lead to a code, and leads to the error %s: %s", params.Get("error"), params.Get("error_description"))
	}
	params := f.responseParams(l.callback, "code")
	code := params.Get("code")
	if code == "" {
		t.fatal("the authorization response has no code: %v", l)
	}
	f.sameState(params)
	f.sameIssuer(params, true)
	t.unguessableToken("the code", code)
	return code
}

// responseParams returns what the provider tells the client: without the registered query, which must be there, and
// out of the JWT where responses are signed. Members other than those of the kind are warned of.
func (f *flow) responseParams(c *callback, kind string) url.Values {
	t := f.t
	f.keepsRegisteredQuery(c)
	params := cloneValues(c.params)
	for name := range f.registeredQuery() {
		params.Del(name)
	}
	for name, values := range params {
		if len(values) > 1 {
			t.fail("the authorization response has %s twice", name)
		}
	}
	if t.plan.jarm && params.Has("response") {
		params = f.openJARM(params)
	} else if t.plan.jarm && !f.plainErrors {
		t.fatal("the authorization response must be a signed one, with the parameter response: %v", params)
	}
	known := map[string][]string{
		"code":  {"code", "state", "iss", "session_state", "id_token"},
		"error": {"error", "error_description", "error_uri", "state", "iss"},
	}[kind]
	for name := range params {
		if !slices.Contains(known, name) {
			t.warn("the authorization response has the unexpected member %s", name)
		}
	}
	return params
}

// registeredQuery is the query of the registered redirect URI.
func (f *flow) registeredQuery() url.Values {
	u, err := url.Parse(f.redirectURI())
	if err != nil {
		return nil
	}
	return u.Query()
}

// keepsRegisteredQuery checks that the response went to the redirect URI with its query (RFC 6749 3.1.2).
func (f *flow) keepsRegisteredQuery(c *callback) {
	for name, values := range f.registeredQuery() {
		if !slices.Equal(c.uri.Query()[name], values) {
			f.t.fail("the registered redirect URI has %s=%s in its query, and the response has not: %s", name, values[0], c.uri)
		}
	}
}

// sameState checks that the response repeats the request's state, or has none if there was none.
func (f *flow) sameState(params url.Values) {
	want, sent := f.params["state"]
	switch {
	case !sent && params.Has("state"):
		f.t.fail("the request had no state, and the response has %q (RFC 6749 4.1.2)", params.Get("state"))
	case sent && params.Get("state") != want[0]:
		f.t.fail("the state of the response is %q and not the %q of the request", params.Get("state"), want[0])
	}
}

// sameIssuer checks the iss of the response (RFC 9207). A signed response has it in its JWT.
func (f *flow) sameIssuer(params url.Values, success bool) {
	t := f.t
	iss, sent := params["iss"]
	if sent && iss[0] != t.target.Issuer {
		t.fail("the iss of the authorization response is %q and not the issuer", iss[0])
	}
	if !sent && success && !t.plan.jarm && (t.plan.fapi || t.metadata().flag("authorization_response_iss_parameter_supported")) {
		t.fail("the authorization response has no iss (RFC 9207 2)")
	}
}

// goodTokens checks a successful token response and the ID Token in it.
func (f *flow) goodTokens(a *answer) *tokens {
	t := f.t
	m := f.goodTokenResponse(a)
	result := &tokens{}
	result.access, _ = m["access_token"].(string)
	result.refresh, _ = m["refresh_token"].(string)
	result.idToken, _ = m["id_token"].(string)
	switch {
	case result.idToken == "" && t.plan.openid:
		t.fatal("the token response has no id_token")
	case result.idToken != "" && !t.plan.openid:
		t.fail("the token response has an id_token without the scope openid")
	case result.idToken != "":
		result.idHeader, result.id = f.goodIDToken(result.idToken, result.access)
	}
	return result
}

// goodTokenResponse checks the members of a token response that are strings and numbers.
func (f *flow) goodTokenResponse(a *answer) map[string]any {
	t := f.t
	if a.status != http.StatusOK || a.object() == nil {
		t.fatal("a good token request must be answered with 200 and JSON, not with %v", a)
	}
	if !a.isJSON() {
		t.fail("the token response is not application/json but %q", a.header.Get("Content-Type"))
	}
	if !a.noStore() {
		t.fail("the token response has no Cache-Control: no-store (RFC 6749 5.1)")
	}
	m := a.object()
	access, _ := m["access_token"].(string)
	if access == "" {
		t.fatal("the token response has no access_token")
	}
	t.unguessableToken("the access token", access)
	t.printable("the access token", access)
	if kind, _ := m["token_type"].(string); !strings.EqualFold(kind, f.tokenType()) {
		t.fail("token_type is %v and should be %s", m["token_type"], f.tokenType())
	}
	if expires, ok := m["expires_in"]; !ok {
		t.warn("the token response has no expires_in")
	} else if seconds, ok := expires.(float64); !ok || seconds <= 0 || seconds > year.Seconds() {
		t.fail("expires_in must be a positive number up to a year, not %v", expires)
	}
	if refresh, ok := m["refresh_token"]; ok {
		text, _ := refresh.(string)
		t.unguessableToken("the refresh token", text)
		t.printable("the refresh token", text)
	}
	return m
}

func (f *flow) tokenType() string {
	if f.t.plan.fapi {
		return "DPoP"
	}
	return "Bearer"
}

func (t *trial) printable(name, value string) {
	if strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		t.fail("%s has characters other than printable ASCII (RFC 6749 A)", name)
	}
}

const year = 365 * 24 * time.Hour
