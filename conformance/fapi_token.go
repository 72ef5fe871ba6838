package conformance

import (
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	tokenClause = "FAPI 2.0 Security Profile, 5.3.2.1"
	tokenPlace  = "the token endpoint"
)

var boundCodes = []string{"invalid_request", "invalid_grant", "invalid_dpop_proof"}

// fapiCodeChecks are about the code.
var fapiCodeChecks = []Check{
	{ID: sp + "ensure-authorization-code-is-bound-to-client", Title: "Another client cannot redeem the code", Clause: "RFC 6749, 4.1.3", run: codeBoundToClient},
	{ID: sp + "attempt-reuse-authorization-code-after-one-second", Title: "A code is refused the second time, and its token revoked", Clause: "FAPI 2.0 Security Profile, 5.3.2.2", run: func(t *trial) { codeReuse(t, time.Second, false) }},
	{ID: sp + "ensure-token-endpoint-fails-with-expired-auth-code", Title: "A code is refused after 60 seconds", Clause: "FAPI 2.0 Security Profile, 5.3.2.2", run: func(t *trial) {
		f := t.flow(1)
		code := f.code()
		t.wait(62 * time.Second)
		t.jsonRefusal(tokenPlace, f.redeem(code), []string{"invalid_grant"}, http.StatusBadRequest)
	}},
	{ID: sp + "ensure-pkce-code-verifier-required", Title: "A token request without code_verifier is refused with invalid_grant", Clause: "RFC 7636, 4.6", run: withVerifier(func() string { return "" })},
	{ID: sp + "incorrect-pkce-code-verifier-rejected", Title: "A wrong code_verifier is refused with invalid_grant", Clause: "RFC 7636, 4.6", run: withVerifier(func() string { return randomText(64, unreserved) })},
	{ID: "refused-token-requests-do-not-burn-the-code", Title: "A wrong verifier leaves the code to the client it belongs to", Clause: "Signet, style.md: order in the token endpoint", run: func(t *trial) {
		f := t.flow(1)
		code := f.code()
		right := f.verifier
		f.verifier = randomText(64, unreserved)
		f.redeem(code)
		f.verifier = right
		if a := f.redeem(code); a.status != http.StatusOK {
			t.warn("a wrong verifier made the code unusable")
		}
	}},
	{ID: "code-redirect-uri-mismatch-fails", Title: "A token request with another redirect_uri is refused", Clause: "RFC 6749, 4.1.3", run: func(t *trial) {
		f := t.flow(1)
		code := f.code()
		f.form = func(form url.Values) { form.Set("redirect_uri", t.client(2).RedirectURI) }
		t.jsonRefusal(tokenPlace, f.redeem(code), []string{"invalid_grant"}, http.StatusBadRequest)
	}},
}

// fapiTokenChecks are about keys and assertions at the token endpoint.
var fapiTokenChecks = []Check{
	{ID: sp + "ensure-client-id-in-token-endpoint", Title: "A client_id other than the assertion's is refused", Clause: "RFC 7521, 4.2", run: func(t *trial) {
		f := t.flow(1)
		code := f.code()
		f.form = func(form url.Values) { form.Set("client_id", t.client(2).ID) }
		t.tokenRefused(f.redeem(code), "invalid_client", "invalid_grant")
	}},
	{ID: sp + "ensure-holder-of-key-required", Title: "A token request without a proof is refused, and not with a demand for a nonce", Clause: "FAPI 2.0 Security Profile, 5.3.2.1", run: func(t *trial) {
		f := t.flow(1)
		code := f.code()
		f.noProof = true
		t.jsonRefusal(tokenPlace, f.redeem(code), boundCodes, http.StatusBadRequest)
	}},
	{ID: sp + "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt", Title: "A code bound by a proof is refused with another key", Clause: "RFC 9449, 10.1", run: func(t *trial) {
		f := t.flow(1)
		f.proofAtPAR = true
		otherKey(f)
	}},
	{ID: sp + "ensure-token-endpoint-fails-with-mismatched-dpop-jkt", Title: "A code bound by dpop_jkt is refused with another key", Clause: "RFC 9449, 10", run: func(t *trial) {
		f := t.flow(1)
		f.params.Set("dpop_jkt", f.thumbprint())
		otherKey(f)
	}},
	{ID: sp + "ensure-client-assertion-in-token-endpoint", Title: "A client_id alone does not authenticate", Clause: tokenClause, run: func(t *trial) {
		f := t.flow(1)
		code := f.code()
		f.form = dropAssertion
		t.tokenRefused(f.redeem(code), "invalid_client", "invalid_request")
	}},
	assertionCheck("ensure-client-assertion-with-exp-is-5-minutes-in-past-fails", "An expired assertion is refused", shifted(-5*time.Minute, "exp", "iat", "nbf")),
	assertionCheck("ensure-client-assertion-with-wrong-aud-fails", "An assertion for another server is refused", setClaim("aud", "https://another.example")),
	assertionCheck("ensure-client-assertion-with-no-sub-fails", "An assertion without sub is refused", dropClaim("sub")),
	{ID: sp + "ensure-signed-client-assertion-with-RS256-fails", Title: "An assertion signed with RS256 is refused", Clause: "FAPI 2.0 Security Profile, 5.4.1", run: func(t *trial) {
		f := t.flow(1)
		if f.key.Algorithm != string(jose.PS256) {
			t.skip("the client does not sign with PS256")
		}
		code := f.code()
		f.assertion = withRS256
		t.tokenRefused(f.redeem(code), "invalid_client")
	}},
	{ID: "client-assertion-with-alg-none-fails", Title: "An unsigned assertion is refused", Clause: "RFC 7523, 3", run: func(t *trial) { wrongAssertion(t, unsigned) }},
	{ID: "client-assertion-is-used-once", Title: "An assertion is refused the second time", Clause: "RFC 7523, 3", run: assertionUsedOnce},
	{ID: "token-proof-is-used-once", Title: "A proof is refused the second time", Clause: "RFC 9449, 11.1", run: func(t *trial) {
		jti := setClaim("jti", randomText(24, alphanumeric))
		first := t.flow(1)
		first.proof = jti
		first.goodTokens(first.redeem(first.code()))
		second := t.flow(1)
		second.dpopKey = first.dpopKey
		code := second.code()
		second.proof = jti
		t.jsonRefusal(tokenPlace, second.redeem(code), boundCodes, http.StatusBadRequest)
	}},
}

func withVerifier(verifier func() string) func(*trial) {
	return func(t *trial) {
		f := t.flow(1)
		code := f.code()
		f.verifier = verifier()
		t.jsonRefusal(tokenPlace, f.redeem(code), []string{"invalid_grant"}, http.StatusBadRequest)
	}
}

// otherKey redeems the code of the flow with a fresh DPoP key, which must be refused.
func otherKey(f *flow) {
	code := f.code()
	f.dpopKey = f.t.newDPoPKey()
	f.t.jsonRefusal(tokenPlace, f.redeem(code), boundCodes, http.StatusBadRequest)
}

func assertionCheck(id, title string, wrong edit) Check {
	return Check{ID: sp + id, Title: title, Clause: tokenClause, run: func(t *trial) { wrongAssertion(t, wrong) }}
}

func wrongAssertion(t *trial, wrong edit) {
	f := t.flow(1)
	code := f.code()
	f.assertion = wrong
	t.tokenRefused(f.redeem(code), "invalid_client", "invalid_request")
}
