package conformance

import (
	"net/http"
	"net/url"
	"strings"
)

// responseChecks look at one property of an answer each, so that a report names it. The flows of other checks verify
// all of them, and more.
var responseChecks = []Check{
	{ID: "authorization-response-state", Title: "The authorization response repeats the state exactly", Clause: "RFC 6749, 4.1.2", run: eachClient(func(f *flow, p params) { f.sameState(p.Values) })},
	{ID: "authorization-response-issuer", Title: "The authorization response has iss, and it is the issuer", Clause: "RFC 9207, 2", only: onlyPlain, run: eachClient(func(f *flow, p params) { f.sameIssuer(p.Values, true) })},
	{ID: "authorization-response-members", Title: "The authorization response is in the query, and has only known members", Clause: "RFC 6749, 4.1.2", run: func(t *trial) {
		f := t.flow(1)
		l := f.login()
		if l.callback == nil {
			t.fatal("the login should lead to the client, and ends at %v", l)
		}
		if l.callback.uri.Fragment != "" {
			t.fail("the authorization response has a fragment: %s", l.callback.uri)
		}
		f.responseParams(l.callback, "code")
	}},
	{ID: "authorization-response-keeps-registered-query", Title: "The query of the registered redirect URI survives, in errors too", Clause: "RFC 6749, 3.1.2", run: registeredQuery},
	{ID: "authorization-code-is-unguessable", Title: "The code has 16 bytes or more, and more than 96 bits of entropy", Clause: "RFC 6749, 10.10", run: eachClient(func(f *flow, p params) { f.t.unguessableToken("the code", p.Get("code")) })},
	{ID: "error-response-is-complete", Title: "An error response has error, the exact state and legible texts, and nothing else", Clause: "RFC 6749, 4.1.2.1", run: userRejects},
	{ID: "token-response-is-not-stored", Title: "The token response says Cache-Control: no-store", Clause: "RFC 6749, 5.1", run: func(t *trial) {
		f := t.flow(1)
		if a := f.redeem(f.rawCode(f.login())); !a.noStore() {
			t.fail("Cache-Control is %q", a.header.Values("Cache-Control"))
		}
	}},
	{ID: "token-response-members", Title: "token_type and expires_in are what they should be", Clause: "RFC 6749, 5.1", run: func(t *trial) {
		f := t.flow(1)
		f.goodTokenResponse(f.redeem(f.rawCode(f.login())))
	}},
	{ID: "access-token-is-unguessable", Title: "The access token has 16 bytes or more, and more than 96 bits of entropy", Clause: "RFC 6749, 10.10", run: func(t *trial) {
		access, _ := t.flow(1).rawTokens()["access_token"].(string)
		t.unguessableToken("the access token", access)
		t.printable("the access token", access)
	}},
	{ID: "token-error-response", Title: "Errors of the token endpoint are JSON with status 400, or 401 with invalid_client", Clause: "RFC 6749, 5.2", run: tokenErrors},
	{ID: "no-id-token-without-openid", Title: "Without the scope openid there is no ID Token", Clause: "OpenID Connect Core 1.0, 3.1.2.1", only: func(p plan) bool { return !p.openid }, run: func(t *trial) {
		if token, ok := t.flow(1).rawTokens()["id_token"]; ok {
			t.fail("the token response has the id_token %v", token)
		}
	}},
}

var idTokenChecks = []Check{
	{ID: "id-token-signature", Title: "The ID Token is signed with an allowed algorithm by the key that kid names", Clause: "OpenID Connect Core 1.0, 3.1.3.7", only: onlyOpenID, run: func(t *trial) {
		text, _ := t.flow(1).rawTokens()["id_token"].(string)
		t.verified("the ID Token", text)
	}},
	{ID: "id-token-issuer", Title: "iss is exactly the issuer", Clause: "OpenID Connect Core 1.0, 2", only: onlyOpenID, run: idToken(func(f *flow, claims map[string]any) {
		if claims["iss"] != f.t.target.Issuer {
			f.t.fail("iss is %v", claims["iss"])
		}
	})},
	{ID: "id-token-audience", Title: "aud is or contains the client", Clause: "OpenID Connect Core 1.0, 2", only: onlyOpenID, run: idToken(func(f *flow, claims map[string]any) { f.forMe("the ID Token", claims) })},
	{ID: "id-token-times", Title: "exp is to come, and iat within five minutes", Clause: "OpenID Connect Core 1.0, 2", only: onlyOpenID, run: idToken(func(f *flow, claims map[string]any) { f.t.goodTimes("the ID Token", claims) })},
	{ID: "id-token-nonce", Title: "nonce is the one of the request, and absent if there was none", Clause: "OpenID Connect Core 1.0, 3.1.3.7", only: onlyOpenID, run: idTokenNonce},
	{ID: "id-token-subject", Title: "sub is 1 to 255 printable ASCII characters", Clause: "OpenID Connect Core 1.0, 2", only: onlyOpenID, run: idToken(func(f *flow, claims map[string]any) { f.t.goodSubject(claims) })},
	{ID: "id-token-hashes", Title: "at_hash and s_hash are right, if they are there", Clause: "OpenID Connect Core 1.0, 3.1.3.6", only: onlyOpenID, run: idTokenHashes},
	{ID: "id-token-claims", Title: "The ID Token has no claims that nobody asked for, and the standard ones in their types", Clause: "OpenID Connect Core 1.0, 5.1 and 5.4", only: onlyOpenID, run: idToken(func(f *flow, claims map[string]any) {
		f.onlyRequested(claims)
		f.t.claimFormats("the ID Token", claims)
	})},
	{ID: "userinfo-claim-formats", Title: "The claims of userinfo have their types, and none is null", Clause: "OpenID Connect Core 1.0, 5.1 and 5.3.2", only: onlyOpenID, run: func(t *trial) {
		f := t.flow(1)
		f.params.Set("scope", f.client.Scope)
		access, _ := f.rawTokens()["access_token"].(string)
		t.claimFormats("userinfo", f.get(access).object())
	}},
}

// eachClient returns a check of the authorization response alone, for both clients.
func eachClient(look func(*flow, params)) func(*trial) {
	return func(t *trial) {
		for _, number := range []int{1, 2} {
			f := t.flow(number)
			look(f, f.raw(f.login()))
		}
	}
}

// idToken returns a check of the ID Token's claims alone, for both clients.
func idToken(look func(*flow, map[string]any)) func(*trial) {
	return func(t *trial) {
		for _, number := range []int{1, 2} {
			f := t.flow(number)
			look(f, f.rawIDToken(f.rawTokens()))
		}
	}
}

func idTokenNonce(t *trial) {
	idToken((*flow).sameNonce)(t)
	f := t.flow(1)
	f.params.Del("nonce")
	f.sameNonce(f.rawIDToken(f.rawTokens()))
}

func idTokenHashes(t *trial) {
	f := t.flow(1)
	m := f.rawTokens()
	text, _ := m["id_token"].(string)
	access, _ := m["access_token"].(string)
	alg, _ := jwsHeader(text)["alg"].(string)
	claims := f.rawIDToken(m)
	t.hashClaim(alg, claims, "at_hash", access)
	t.hashClaim(alg, claims, "s_hash", f.params.Get("state"))
}

func registeredQuery(t *trial) {
	f := t.flow(2)
	l := f.login()
	f.raw(l)
	f.keepsRegisteredQuery(l.callback)
	f = t.flow(2)
	l = f.browser.login(f.begin(), Refuse)
	if l.callback == nil {
		t.fatal("who cancels must be sent to the client, and is left on %v", l)
	}
	f.keepsRegisteredQuery(l.callback)
}

func tokenErrors(t *trial) {
	f := t.flow(1)
	t.jsonRefusal("the token endpoint", f.redeem(randomText(43, alphanumeric)), []string{"invalid_grant"}, http.StatusBadRequest)
	f.form = func(form url.Values) { form["grant_type"] = []string{"an_invented_grant"} }
	t.jsonRefusal("the token endpoint", f.redeem(randomText(43, alphanumeric)), []string{"unsupported_grant_type", "unauthorized_client"}, http.StatusBadRequest)
	f.form = func(form url.Values) { delete(form, "grant_type") }
	t.jsonRefusal("the token endpoint", f.redeem(randomText(43, alphanumeric)), []string{"invalid_request", "unsupported_grant_type"}, http.StatusBadRequest)
	f.form = nil
	f.assertion = brokenSignature
	a := f.redeem(randomText(43, alphanumeric))
	t.tokenRefused(a, "invalid_client")
	if challenge := a.header.Get("WWW-Authenticate"); a.status == http.StatusUnauthorized && strings.HasPrefix(challenge, "Basic") {
		t.note("401 offers Basic authentication")
	}
}
