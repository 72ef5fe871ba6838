package conformance

import (
	"net/http"
	"strings"
)

var resourceChecks = []Check{
	{ID: "resource-answer", Title: "The resource answers with a Date, and echoes x-fapi-interaction-id if at all", Clause: "FAPI 2.0 Security Profile, 5.3.4", run: func(t *trial) {
		for _, number := range []int{1, 2} {
			f := t.flow(number)
			access, _ := f.rawTokens()["access_token"].(string)
			f.goodResourceAnswer(f.get(access))
		}
	}},
	{ID: "resource-refuses-token-in-query", Title: "The resource does not take the token from the query", Clause: "FAPI 2.0 Security Profile, 5.3.4", run: queryToken},
	{ID: "token-is-bound-to-its-key", Title: "Every combination of token and key of two clients but the right ones is refused", Clause: "RFC 9449, 6", run: crossCombinations},
}

var nonceChecks = []Check{
	{ID: "dpop-nonce-syntax", Title: "DPoP-Nonce headers are single, not empty, and of the allowed characters", Clause: "RFC 9449, 8.1", run: func(t *trial) {
		f := t.flow(1)
		f.proofAtPAR = true
		access, _ := f.rawTokens()["access_token"].(string)
		f.get(access)
	}},
	{ID: "dpop-nonce-at-the-token-endpoint", Title: "A demand for a nonce is a 400 with use_dpop_nonce, and is made once", Clause: "RFC 9449, 8", run: tokenNonce},
	{ID: "dpop-nonce-does-not-spend-the-assertion", Title: "The same client assertion is good again after a demand for a nonce", Clause: "RFC 9449, 8", run: nonceKeepsAssertion},
	{ID: "dpop-nonce-at-the-resource", Title: "A demand for a nonce is a 401 with use_dpop_nonce in WWW-Authenticate, and is made once", Clause: "RFC 9449, 9", run: resourceNonce},
}

// crossCombinations tries the tokens of two clients with both keys.
func crossCombinations(t *trial) {
	first, second := t.flow(1), t.flow(2)
	tokens := map[*flow]*tokens{first: first.tokens(), second: second.tokens()}
	for _, holder := range []*flow{first, second} {
		for _, owner := range []*flow{first, second} {
			a := holder.get(tokens[owner].access)
			switch {
			case holder == owner && a.status != http.StatusOK && a.status != http.StatusCreated:
				t.fail("client %d cannot use its own token: %v", owner.number, a)
			case holder != owner && a.status/100 != 4:
				t.fail("the token of client %d works with the key of client %d: %v", owner.number, holder.number, a)
			}
		}
	}
}

func tokenNonce(t *trial) {
	f := t.flow(1)
	code := f.code()
	a := f.demandedNonce(code)
	if n := len(a.header.Values("DPoP-Nonce")); n != 1 {
		t.fail("a demand for a nonce has %d DPoP-Nonce headers", n)
	}
	t.jsonRefusal(tokenPlace, a, []string{"use_dpop_nonce"}, http.StatusBadRequest)
	if again := f.redeem(code); again.status != http.StatusOK {
		t.fail("the request with the nonce must succeed, and is answered with %v", again)
	}
}

func nonceKeepsAssertion(t *trial) {
	f := t.flow(1)
	code := f.code()
	f.assertion = setClaim("jti", randomText(24, alphanumeric))
	f.demandedNonce(code)
	if again := f.redeem(code); again.status != http.StatusOK {
		t.fail("the same client assertion with the nonce must be accepted, and is answered with %v", again)
	}
}

// demandedNonce makes the token request without a nonce, and skips the check if nobody demands one.
func (f *flow) demandedNonce(code string) *answer {
	f.nonces = map[string]string{}
	form := f.authenticated(map[string][]string{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {f.redirectURI()}, "code_verifier": {f.verifier},
	})
	a := f.postOnce(f.t.endpoint("token_endpoint"), true, form)
	if a.errorCode() != "use_dpop_nonce" {
		f.t.skip("the provider does not demand nonces")
	}
	return a
}

func resourceNonce(t *trial) {
	f := t.flow(1)
	tokens := f.tokens()
	f.nonces = map[string]string{}
	a := f.getOnce(tokens.access)
	if a.status == http.StatusOK || a.status == http.StatusCreated {
		t.skip("the resource does not demand nonces")
	}
	challenge := a.header.Get("WWW-Authenticate")
	if a.status != http.StatusUnauthorized || !strings.HasPrefix(strings.ToLower(challenge), "dpop ") || !strings.Contains(challenge, `error="use_dpop_nonce"`) {
		t.fail("a demand for a nonce is 401 with WWW-Authenticate: DPoP error=\"use_dpop_nonce\", and not %v %s", a, challenge)
	}
	if again := f.getOnce(tokens.access); again.status != http.StatusOK && again.status != http.StatusCreated {
		t.fail("the request with the nonce must succeed, and is answered with %v", again)
	}
}
