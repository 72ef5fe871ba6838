package conformance

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

var parChecks = []Check{
	{ID: "par-response", Title: "A pushed request is answered with 201, an unguessable request_uri and expires_in", Clause: "RFC 9126, 2.2", run: func(t *trial) {
		t.goodPush(t.flow(1).push())
		t.goodPush(t.flow(2).push())
	}},
	{ID: "par-error-response", Title: "Refused pushed requests are answered as token requests are", Clause: "RFC 9126, 2.3", run: func(t *trial) {
		f := t.flow(1)
		f.params.Set("response_type", "an_invented_type")
		a := f.push()
		t.jsonRefusal("the pushed authorization request endpoint", a, []string{"unsupported_response_type", "invalid_request"}, http.StatusBadRequest)
	}},
	{ID: sp + "par-attempt-invalid-http-method", Title: "PUT is refused", Clause: "RFC 9126, 2.3", run: putAtPAR},
	{ID: sp + "par-authorization-request-containing-request_uri-form-param", Title: "A pushed request with request_uri is refused", Clause: "RFC 9126, 2.1", run: func(t *trial) {
		f := t.flow(1)
		f.form = func(form url.Values) {
			form.Set("request_uri", "urn:ietf:params:oauth:request_uri:"+randomText(43, alphanumeric))
		}
		t.jsonRefusal("the pushed authorization request endpoint", f.push(),
			[]string{"invalid_request", "invalid_request_object", "request_uri_not_supported"}, http.StatusBadRequest)
	}},
	{ID: sp + "par-attempt-reuse-request_uri", Title: "A request_uri is refused once its login is completed", Clause: "RFC 9126, 4", run: func(t *trial) {
		f := t.flow(1)
		u := f.begin()
		f.goodCallback(f.browser.login(u, LogIn))
		f.plainErrors = true
		f.judge(f.browser.login(u, LogIn), refusal{redirect: []string{"invalid_request_uri"}, page: true,
			warnSuccess: "a request_uri could be used for a second login"})
	}},
	{ID: sp + "par-attempt-to-use-expired-request_uri", Title: "A request_uri is refused when it has expired", Clause: "RFC 9126, 4", run: expiredRequestURI},
	{ID: sp + "par-attempt-to-use-request_uri-for-different-client", Title: "Another client cannot use the request_uri", Clause: "RFC 9126, 4", run: func(t *trial) {
		f := t.flow(1)
		f.outside = url.Values{"client_id": {t.client(2).ID}}
		f.plainErrors = true
		f.judge(f.login(), refusal{redirect: []string{"invalid_request", "invalid_request_object", "invalid_request_uri"}, page: true})
	}},
	{ID: sp + "ensure-mismatched-dpop-jkt-fails", Title: "A dpop_jkt of another key than the proof's is refused", Clause: "RFC 9449, 10.1", run: func(t *trial) {
		f := t.flow(1)
		f.params.Set("dpop_jkt", t.flow(1).thumbprint())
		f.proofAtPAR = true
		t.jsonRefusal("the pushed authorization request endpoint", f.push(), []string{"invalid_request", "invalid_dpop_proof"}, http.StatusBadRequest)
	}},
}

var fapiAuthorizationChecks = []Check{
	{ID: sp + "ensure-unsigned-authorization-request-without-using-par-fails", Title: "A request that was not pushed is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.2", run: func(t *trial) {
		f := t.flow(1)
		f.plainErrors = true
		f.judge(f.browser.login(f.requestURL(), LogIn), refusal{redirect: []string{"invalid_request"}, page: true})
	}},
	{ID: sp + "par-ensure-pkce-required", Title: "A request without a code challenge is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.2", run: func(t *trial) {
		f := t.flow(1)
		f.params.Del("code_challenge")
		f.params.Del("code_challenge_method")
		f.refused(refusal{par: []string{"invalid_request"}, redirect: []string{"invalid_request"}, page: true})
	}},
	{ID: sp + "par-plain-pkce-rejected", Title: "The code challenge method plain is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.2", run: func(t *trial) {
		f := t.flow(1)
		f.params.Set("code_challenge", f.verifier)
		f.params.Set("code_challenge_method", "plain")
		f.refused(refusal{par: []string{"invalid_request"}, redirect: []string{"invalid_request"}, page: true})
	}},
	{ID: sp + "ensure-response-type-code-idtoken-fails", Title: "The response type code id_token is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.2", run: responseTypeFails("code id_token")},
	{ID: sp + "ensure-response-type-token-fails", Title: "The response type token is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.2", run: responseTypeFails("token")},
	{ID: sp + "ensure-redirect-uri-in-authorization-request", Title: "A request without redirect_uri is refused, or goes to the only registered one", Clause: "FAPI 2.0 Security Profile, 5.3.2.2", run: func(t *trial) {
		f := t.flow(1)
		f.params.Del("redirect_uri")
		f.outside.Del("redirect_uri")
		f.refused(refusal{par: []string{"invalid_request", "invalid_request_object"}, page: true, success: func(string) {}})
	}},
	{ID: sp + "ensure-request-object-without-redirect-uri-fails", Title: "A redirect_uri beside the request_uri does not replace one that was not pushed", Clause: "RFC 9101, 6.3", run: func(t *trial) {
		f := t.flow(1)
		f.params.Del("redirect_uri")
		codes := []string{"invalid_request", "invalid_request_object"}
		f.refused(refusal{par: codes, redirect: codes, page: true})
	}},
	{ID: sp + "ensure-different-state-inside-and-outside-request-object", Title: "The pushed state wins over one beside the request_uri", Clause: "RFC 9101, 6.3", run: differentOutside("state")},
	{ID: sp + "ensure-different-nonce-inside-and-outside-request-object", Title: "The pushed nonce wins over one beside the request_uri", Clause: "RFC 9101, 6.3", only: onlyOpenID, run: differentOutside("nonce")},
	{ID: sp + "state-only-outside-request-object-not-used", Title: "A state beside the request_uri is not used", Clause: "RFC 9101, 6.3", run: func(t *trial) {
		f := t.flow(1)
		f.params.Del("state")
		f.outside.Set("state", randomText(10, alphanumeric))
		f.refused(refusal{par: []string{"invalid_request"}, page: true, success: func(string) {},
			redirect: []string{"invalid_request", "invalid_request_object", "invalid_request_uri", "access_denied"}})
	}},
}

func putAtPAR(t *trial) {
	f := t.flow(1)
	form := f.authenticated(cloneValues(f.params))
	req := t.newPost(t.endpoint("pushed_authorization_request_endpoint"), form)
	req.Method = http.MethodPut
	if a := t.send(req); a.status < 400 {
		t.fail("PUT must be refused with 405, and is answered with %v", a)
	}
}

func expiredRequestURI(t *trial) {
	f := t.flow(1)
	a := f.push()
	requestURI := t.goodPush(a)
	seconds, _ := a.object()["expires_in"].(float64)
	lifetime := time.Duration(seconds * float64(time.Second))
	if lifetime > 30*time.Minute {
		t.skip("expires_in is more than 30 minutes")
	}
	t.wait(lifetime + time.Second)
	f.plainErrors = true
	f.judge(f.browser.login(f.pushedURL(requestURI), LogIn), refusal{redirect: []string{"invalid_request_uri"}, page: true})
}

// responseTypeFails returns a check that the response type is refused, and never gives a code.
func responseTypeFails(responseType string) func(*trial) {
	return func(t *trial) {
		f := t.flow(1)
		f.params.Set("response_type", responseType)
		f.outside.Set("response_type", responseType)
		a := f.push()
		codes := []string{"unsupported_response_type", "invalid_request"}
		switch {
		case a.status == http.StatusCreated:
			f.judge(f.browser.login(f.pushedURL(t.goodPush(a)), LogIn), refusal{redirect: codes, page: true})
		case a.status/100 != 4 || a.errorCode() == "":
			t.fail("the response type must be refused with an error, and is answered with %v", a)
		case !slices.Contains(append(codes, "unauthorized_client"), a.errorCode()):
			t.warn("the error is %s and not unsupported_response_type", a.errorCode())
		}
	}
}

// differentOutside returns a check that the pushed parameter wins.
func differentOutside(name string) func(*trial) {
	return func(t *trial) {
		f := t.flow(1)
		f.outside.Set(name, randomText(10, alphanumeric))
		f.judge(f.login(), refusal{redirect: []string{"invalid_request"}, page: true, success: func(code string) { f.goodTokens(f.redeem(code)) }})
	}
}
