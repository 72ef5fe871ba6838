package conformance

import (
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// refusal is how a provider may refuse an authorization request. Each way that is listed is as good as the others.
type refusal struct {
	// par are the error codes of the pushed authorization request endpoint, with status 400.
	par []string
	// redirect are the error codes that may be sent to the client. A nil list forbids the redirect.
	redirect []string
	// page allows an error page.
	page bool
	// success allows the flow to succeed all the same, and is told the code.
	success func(code string)
	// warnSuccess tolerates success with a warning.
	warnSuccess string
}

// refused runs the flow and checks that it is refused in one of the ways.
func (f *flow) refused(r refusal) {
	t := f.t
	if !t.plan.fapi {
		f.judge(f.browser.login(f.requestURL(), LogIn), r)
		return
	}
	a := f.push()
	if a.status == http.StatusCreated {
		f.judge(f.browser.login(f.pushedURL(t.goodPush(a)), LogIn), r)
		return
	}
	t.jsonRefusal("the pushed authorization request endpoint", a, r.par, http.StatusBadRequest)
}

// judge checks where the browser ended against the ways to refuse.
func (f *flow) judge(l *landing, r refusal) {
	t := f.t
	if l.page != nil {
		if !r.page {
			t.fail("the error must be sent to the client, and the browser is left on %v", l)
			return
		}
		t.errorPage(l.page)
		return
	}
	if f.callbackHas(l.callback, "code") {
		switch {
		case r.success != nil:
			r.success(f.goodCallback(l))
		case r.warnSuccess != "":
			f.goodCallback(l)
			t.warn("%s", r.warnSuccess)
		default:
			t.fail("the request must be refused, and a code was issued")
		}
		return
	}
	if r.redirect == nil {
		t.fail("the browser must not be sent to the client, and is: %v", l)
		return
	}
	f.errorCallback(l.callback, r.redirect)
}

// callbackHas says whether a response has the member, in its JWT too, without complaining of the rest.
func (f *flow) callbackHas(c *callback, name string) bool {
	if c.params.Has(name) {
		return true
	}
	if claims := jwtClaims(c.params.Get("response")); claims != nil {
		_, ok := claims[name]
		return ok
	}
	return strings.Contains(c.uri.Fragment, name+"=")
}

// errorCallback checks an error response at the client and returns its parameters.
func (f *flow) errorCallback(c *callback, codes []string) url.Values {
	t := f.t
	if c.uri.Fragment != "" {
		t.fail("the error response has a fragment: %s", c.uri)
	}
	params := f.responseParams(c, "error")
	t.oneOf("the error of the authorization response", params.Get("error"), codes)
	f.sameState(params)
	f.sameIssuer(params, false)
	t.errorText("the authorization response", params.Get("error"), params.Get("error_description"), params.Get("error_uri"))
	return params
}

// errorPage checks an error page: a client error, HTML, with an error code that can be read.
func (t *trial) errorPage(p *Page) {
	if p.Status/100 != 4 {
		t.fail("the error page has status %d and should have 400", p.Status)
	}
	if kind, _, err := mime.ParseMediaType(p.Header.Get("Content-Type")); err != nil || kind != "text/html" {
		t.fail("the error page is not text/html but %q", p.Header.Get("Content-Type"))
	}
	if !errorCodes.MatchString(p.Text()) {
		t.fail("the error page does not show an OAuth error code: %s", short(p.Text()))
	}
}

var errorCodes = regexp.MustCompile(`\b(invalid_request|invalid_request_uri|invalid_request_object|invalid_client|` +
	`unauthorized_client|access_denied|unsupported_response_type|invalid_scope|server_error|temporarily_unavailable|` +
	`login_required|interaction_required|consent_required|account_selection_required|request_not_supported|` +
	`request_uri_not_supported|invalid_redirect_uri|invalid_dpop_proof)\b`)

// jsonRefusal checks an error in JSON.
func (t *trial) jsonRefusal(who string, a *answer, codes []string, statuses ...int) {
	if !slices.Contains(statuses, a.status) {
		t.fail("%s must refuse this with status %v, and answers %v", who, statuses, a)
		return
	}
	if !a.isJSON() || a.object() == nil {
		t.fail("%s must refuse this with an error in application/json, and answers %v", who, a)
		return
	}
	t.oneOf("the error of "+who, a.errorCode(), codes)
	m := a.object()
	description, _ := m["error_description"].(string)
	uri, _ := m["error_uri"].(string)
	t.errorText(who, a.errorCode(), description, uri)
}

// tokenRefused checks an error of the token endpoint: 400, or 401 with invalid_client.
func (t *trial) tokenRefused(a *answer, codes ...string) {
	statuses := []int{http.StatusBadRequest}
	if a.errorCode() == "invalid_client" {
		statuses = append(statuses, http.StatusUnauthorized)
	}
	t.jsonRefusal("the token endpoint", a, codes, statuses...)
}

func (t *trial) oneOf(what, got string, allowed []string) {
	if !slices.Contains(allowed, got) {
		t.fail("%s is %q and must be %s", what, got, strings.Join(allowed, " or "))
	}
}

// errorText checks the characters of an error (RFC 6749 4.1.2.1 and 5.2).
func (t *trial) errorText(who, code, description, uri string) {
	outside := func(s string, low rune) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return r < low || r > 0x7e || r == '"' || r == '\\' })
	}
	breaks := strings.NewReplacer("\r", "", "\n", "", "\t", "")
	if plain := breaks.Replace(description); plain != description {
		t.warn("the error_description of %s has line breaks or tabs", who)
		description = plain
	}
	if outside(code, 0x20) || outside(description, 0x20) {
		t.fail("error or error_description of %s have characters that RFC 6749 does not allow: %q %q", who, code, description)
	}
	if uri != "" {
		if u, err := url.Parse(uri); err != nil || !u.IsAbs() || outside(uri, 0x21) {
			t.fail("the error_uri of %s is not an absolute URL: %q", who, uri)
		}
	}
}
