package conformance

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

var oidcCodeChecks = []Check{
	{ID: "oidcc-server", Title: "The normal flow succeeds", Clause: "OpenID Connect Core 1.0, 3.1", run: func(t *trial) {
		t.flow(1).complete()
		t.flow(2).complete()
	}},
	{ID: "oidcc-alternate-happy-flow", Title: "Another order of scopes and parameters changes nothing", Clause: "OpenID Connect Core 1.0, 3.1.2.1", run: alternateFlow},
	{ID: "oidcc-codereuse", Title: "A code that is used again at once is refused with invalid_grant", Clause: "RFC 6749, 4.1.2", run: func(t *trial) { codeReuse(t, time.Second, true) }},
	{ID: "oidcc-codereuse-30seconds", Title: "A code that is used again after 30 seconds is refused, and its token revoked", Clause: "RFC 6749, 4.1.2", run: func(t *trial) { codeReuse(t, 30*time.Second, false) }},
	{ID: "authorization-code-is-bound-to-client", Title: "Another client cannot redeem the code", Clause: "RFC 6749, 4.1.3", run: codeBoundToClient},
	{ID: "oidcc-ensure-request-with-valid-pkce-succeeds", Title: "A code challenge with S256 is honoured", Clause: "RFC 7636, 4", run: func(t *trial) {
		f := t.flow(1)
		f.withPKCE()
		f.complete()
	}},
	{ID: "pkce-verifier-is-checked", Title: "A wrong or missing code verifier is refused once there was a challenge", Clause: "RFC 7636, 4.6", run: func(t *trial) {
		for _, verifier := range []string{"", randomText(64, unreserved)} {
			f := t.flow(1)
			f.withPKCE()
			code := f.code()
			f.verifier = verifier
			t.tokenRefused(f.redeem(code), "invalid_grant")
		}
	}},
	{ID: "oidcc-ensure-client-assertion-with-iss-aud-succeeds", Title: "A client assertion for the issuer is accepted", Clause: "OpenID Connect Core 1.0, 9", run: func(t *trial) {
		f := t.flow(1)
		code := f.code()
		f.assertion = setClaim("aud", t.target.Issuer)
		a := f.redeem(code)
		if a.status != http.StatusOK {
			t.tokenRefused(a, "invalid_client")
			t.warn("a client assertion with the issuer as its audience is refused")
			return
		}
		f.goodTokens(a)
	}},
	{ID: "client-assertion-of-another-client-fails", Title: "A client cannot authenticate with another client's key", Clause: "RFC 7523, 3", run: assertionOfAnotherClient},
	{ID: "client-assertion-with-wrong-aud-fails", Title: "A client assertion for another server is refused", Clause: "RFC 7523, 3", run: func(t *trial) {
		f := t.flow(1)
		code := f.code()
		f.assertion = setClaim("aud", "https://another.example/token")
		t.tokenRefused(f.redeem(code), "invalid_client", "invalid_request")
	}},
	{ID: "client-assertion-is-used-once", Title: "A client assertion is refused the second time", Clause: "OpenID Connect Core 1.0, 9", run: assertionUsedOnce},
	{ID: "oidcc-server-rotate-keys", Title: "New keys have a new kid, and the old ones stay", Clause: "OpenID Connect Core 1.0, 10.1.1", run: rotateKeys},
}

func alternateFlow(t *trial) {
	f := t.flow(2)
	scopes := strings.Fields(f.client.Scope)
	for i, j := 0, len(scopes)-1; i < j; i, j = i+1, j-1 {
		scopes[i], scopes[j] = scopes[j], scopes[i]
	}
	f.params.Set("scope", strings.Join(scopes, " "))
	u, query, _ := strings.Cut(f.requestURL(), "?")
	l := f.browser.login(u+"?"+reversed(query), LogIn)
	f.goodResource(f.goodTokens(f.redeem(f.goodCallback(l))))
}

// codeReuse redeems a code twice. Soon after the first time success is only frowned upon.
func codeReuse(t *trial, after time.Duration, lenient bool) {
	f := t.flow(1)
	code := f.code()
	tokens := f.goodTokens(f.redeem(code))
	t.wait(after)
	a := f.redeem(code)
	if lenient && a.status == http.StatusOK {
		t.warn("the code could be used twice")
		return
	}
	t.jsonRefusal("the token endpoint", a, []string{"invalid_grant"}, http.StatusBadRequest)
	if lenient {
		return
	}
	if a := f.get(tokens.access); a.status/100 != 4 {
		t.warn("the access token still works after its code was used again: %v", a)
	}
}

func codeBoundToClient(t *trial) {
	f := t.flow(1)
	code := f.code()
	thief := t.flow(2)
	thief.params, thief.verifier, thief.dpopKey = f.params, f.verifier, f.dpopKey
	t.jsonRefusal("the token endpoint", thief.redeem(code), []string{"invalid_grant"}, http.StatusBadRequest)
}

func assertionOfAnotherClient(t *trial) {
	f := t.flow(1)
	code := f.code()
	other := t.flow(2).key
	f.assertion = func(j *jws) {
		j.key = other
		j.header["alg"] = other.Algorithm
		j.header["kid"] = other.KeyID
	}
	t.tokenRefused(f.redeem(code), "invalid_client")
	f.assertion = nil
	f.form = func(form url.Values) { form["client_id"] = []string{t.client(2).ID} }
	t.tokenRefused(f.redeem(code), "invalid_client", "invalid_grant", "invalid_request")
}

func assertionUsedOnce(t *trial) {
	jti := randomText(24, alphanumeric)
	first := t.flow(1)
	code := first.code()
	first.assertion = setClaim("jti", jti)
	first.goodTokens(first.redeem(code))
	second := t.flow(1)
	code = second.code()
	second.assertion = setClaim("jti", jti)
	t.tokenRefused(second.redeem(code), "invalid_client", "invalid_request")
}

func rotateKeys(t *trial) {
	if t.target.RotateKeys == nil {
		t.skip("the operator rotates the keys, and no way to do it is configured")
	}
	before := t.fetchKeys()
	if err := t.target.RotateKeys(t.ctx); err != nil {
		t.fatal("rotate the keys: %v", err)
	}
	after := t.fetchKeys()
	kids := func(s *keySet) map[any]bool {
		all := map[any]bool{}
		for _, m := range s.members {
			all[m["kid"]] = true
		}
		return all
	}
	old, all := kids(before), kids(after)
	fresh := false
	for kid := range all {
		fresh = fresh || !old[kid]
	}
	if !fresh {
		t.fail("the key set has no new kid after the rotation")
	}
	for kid := range old {
		if !all[kid] {
			t.warn("the key %v left the set at once", kid)
		}
	}
}
