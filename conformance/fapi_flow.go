package conformance

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// sp is what the names of the suite's FAPI 2.0 modules begin with.
const sp = "fapi2-security-profile-final-"

var fapiFlowChecks = []Check{
	{ID: sp + "happy-flow", Title: "The whole flow succeeds for both clients, and the token of one is of no use with the key of the other", Clause: "FAPI 2.0 Security Profile, 5", run: happyFlow},
	{ID: sp + "user-rejects-authentication", Title: "Who cancels goes back to the client with access_denied and the exact state", Clause: "RFC 6749, 4.1.2.1", run: userRejects},
	{ID: sp + "ensure-authorization-request-without-state-success", Title: "The state is optional, and not invented", Clause: "RFC 6749, 4.1.2", run: with(func(_ *trial, p url.Values) { p.Del("state") })},
	{ID: sp + "ensure-authorization-request-without-nonce-success", Title: "The nonce is optional, and not invented", Clause: requestClause, only: onlyOpenID, run: with(func(_ *trial, p url.Values) { p.Del("nonce") })},
	{ID: sp + "ensure-authorization-request-with-64-char-nonce-success", Title: "A nonce of 64 characters comes back unchanged", Clause: requestClause, only: onlyOpenID, run: with(func(_ *trial, p url.Values) {
		p.Set("nonce", randomText(64, alphanumeric))
	})},
	{ID: sp + "ensure-authorization-request-with-long-nonce", Title: "A nonce of 384 characters comes back unchanged, or is refused", Clause: requestClause, only: onlyOpenID, run: func(t *trial) {
		f := t.flow(1)
		f.params.Set("nonce", randomText(384, alphanumeric))
		f.refused(refusal{par: []string{"invalid_request"}, redirect: []string{"invalid_request"}, page: true,
			success: func(code string) { f.goodTokens(f.redeem(code)) }})
	}},
	{ID: sp + "ensure-authorization-request-with-long-state", Title: "A state of 1000 characters comes back unchanged", Clause: "RFC 6749, 4.1.2", run: longState},
	{ID: sp + "ensure-other-scope-order-succeeds", Title: "The order of scopes means nothing", Clause: "RFC 6749, 3.3", only: onlyOpenID, run: with(func(_ *trial, p url.Values) {
		scopes := strings.Fields(p.Get("scope"))
		slices.Reverse(scopes)
		p.Set("scope", strings.Join(scopes, " "))
	})},
	{ID: sp + "test-claims-parameter-identity-claims", Title: "The claims parameter gives what there is, and unknown names are ignored", Clause: "OpenID Connect Core 1.0, 5.5", only: onlyOpenID, run: identityClaims},
	{ID: sp + "access-token-type-header-case-sensitivity", Title: "The scheme DPoP is compared without case", Clause: "RFC 9110, 11.1", run: func(t *trial) {
		f := t.flow(1)
		tokens := f.tokens()
		f.header = func(h http.Header) { h.Set("Authorization", "dPOp "+tokens.access) }
		f.goodResourceAnswer(f.get(tokens.access))
	}},
	{ID: sp + "par-without-duplicate-parameters", Title: "client_id and request_uri suffice at the authorization endpoint", Clause: "RFC 9126, 4", run: func(t *trial) {
		f := t.flow(1)
		f.outside = nil
		f.complete()
	}},
	{ID: "parameters-outside-the-pushed-request-are-not-used", Title: "Parameters beside request_uri never override the pushed ones", Clause: "RFC 9101, 6.3", run: outsideNotUsed},
	{ID: sp + "plain-fapi-tolerate-unregistered-redirect-uri", Title: "An unregistered redirect URI is pushed by an authenticated client and used, or refused", Clause: "RFC 9126, 2.4", run: unregisteredRedirectURI},
	{ID: sp + "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds", Title: "A request_uri that was opened and left alone can be opened again", Clause: "FAPI 2.0 Security Profile, 5.3.2.2", run: requestURIBeforeCompletion},
	{ID: sp + "ensure-dpopproof-at-par-endpoint-binding-success", Title: "A proof with the pushed request binds the code to its key", Clause: "RFC 9449, 10.1", run: func(t *trial) {
		f := t.flow(1)
		f.proofAtPAR = true
		f.complete()
	}},
	{ID: sp + "ensure-dpop-auth-code-binding-success", Title: "dpop_jkt and a proof with the pushed request agree", Clause: "RFC 9449, 10.1", run: func(t *trial) {
		f := t.flow(1)
		f.proofAtPAR = true
		f.params.Set("dpop_jkt", f.thumbprint())
		f.complete()
	}},
}

var fapiProofTimeChecks = []Check{
	{ID: sp + "check-dpop-proof-nbf-exp", Title: "Proofs may have nbf and exp", Clause: "RFC 9449, 4.2", run: withProof(func(j *jws) {
		j.claims["nbf"] = time.Now().Unix()
		j.claims["exp"] = time.Now().Add(5 * time.Minute).Unix()
	})},
	{ID: sp + "ensure-dpopproof-with-iat-10seconds-before-succeeds", Title: "Proofs made 10 seconds ago are accepted", Clause: "RFC 9449, 11.1", run: withProof(shifted(-10*time.Second, "iat"))},
	{ID: sp + "ensure-dpopproof-with-iat-10seconds-after-succeeds", Title: "Proofs made by a clock that is 9 seconds ahead are accepted", Clause: "RFC 9449, 11.1", run: withProof(shifted(9*time.Second, "iat"))},
	{ID: sp + "par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted", Title: "Client assertions of a clock that is 8 seconds ahead are accepted", Clause: "FAPI 2.0 Security Profile, 5.3.2.1", run: func(t *trial) {
		f := t.flow(1)
		f.assertion = shifted(8*time.Second, "nbf", "iat", "exp")
		if a := f.push(); a.status != http.StatusCreated {
			t.warn("a client assertion with nbf and iat 8 s ahead is refused: %v", a)
		}
	}},
}

func happyFlow(t *trial) {
	first, second := t.flow(1), t.flow(2)
	first.complete()
	tokens := second.complete()
	first.proof = nil
	if a := first.get(tokens.access); a.status/100 != 4 {
		t.fail("the token of the second client works with the DPoP key of the first: %v", a)
	}
}

// withProof returns a check that the flow succeeds with changed proofs at all three endpoints.
func withProof(change edit) func(*trial) {
	return func(t *trial) {
		f := t.flow(1)
		f.proofAtPAR = true
		f.proof = change
		f.complete()
	}
}

func longState(t *trial) {
	f := t.flow(1)
	f.params.Set("state", randomText(1000, alphanumeric))
	a := f.push()
	if a.status != http.StatusCreated {
		t.jsonRefusal("the pushed authorization request endpoint", a, []string{"invalid_request"}, http.StatusBadRequest)
		t.warn("a state of 1000 characters is refused")
		return
	}
	l := f.browser.login(f.pushedURL(t.goodPush(a)), LogIn)
	if l.callback == nil || !f.callbackHas(l.callback, "code") {
		t.warn("a state of 1000 characters is refused")
	}
	f.judge(l, refusal{redirect: []string{"invalid_request"}, page: true, success: func(code string) { f.goodTokens(f.redeem(code)) }})
}

func outsideNotUsed(t *trial) {
	f := t.flow(1)
	f.outside.Set("redirect_uri", t.client(2).RedirectURI)
	f.outside.Set("scope", "openid an_invented_scope")
	f.outside.Set("response_mode", "fragment")
	f.outside.Set("code_challenge", challenge("another"))
	l := f.login()
	if l.callback != nil && !sameEndpoint(l.callback.uri, f.redirectURI()) {
		t.fatal("the response goes to the redirect URI beside the request_uri: %s", l.callback.uri)
	}
	f.judge(l, refusal{redirect: []string{"invalid_request"}, page: true, success: func(code string) { f.goodTokens(f.redeem(code)) }})
}

func sameEndpoint(u *url.URL, uri string) bool {
	other, err := url.Parse(uri)
	return err == nil && u.Host == other.Host && u.Path == other.Path
}

func unregisteredRedirectURI(t *trial) {
	f := t.flow(1)
	uri := f.redirectURI() + "/" + randomText(12, alphanumeric)
	f.params.Set("redirect_uri", uri)
	f.outside.Set("redirect_uri", uri)
	f.browser.callbacks = append(f.browser.callbacks, uri)
	f.refused(refusal{par: []string{"invalid_request", "invalid_request_object"}, page: true, success: func(code string) { f.goodTokens(f.redeem(code)) }})
}

func requestURIBeforeCompletion(t *trial) {
	f := t.flow(1)
	u := f.begin()
	f.browser.open(u)
	l := f.browser.login(u, LogIn)
	if l.callback != nil && f.callbackHas(l.callback, "code") {
		f.goodTokens(f.redeem(f.goodCallback(l)))
		return
	}
	t.warn("a request_uri cannot be opened a second time before the login is completed")
	f.judge(l, refusal{redirect: []string{"invalid_request_uri"}, page: true})
}
