package conformance

import (
	"net/http"
	"net/url"
	"time"
)

// fapiAssertionChecks send wrong client assertions with pushed requests.
var fapiAssertionChecks = []Check{
	{ID: sp + "par-test-array-as-audience-fails", Title: "An array as aud is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.1", run: func(t *trial) {
		badAssertion(t, setClaim("aud", []string{t.target.Issuer, "https://another.example"}))
	}},
	{ID: sp + "par-test-par-endpoint-url-as-audience-fails", Title: "The endpoint's own URL as aud is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.1", run: func(t *trial) {
		badAssertion(t, setClaim("aud", t.endpoint("pushed_authorization_request_endpoint")))
	}},
	{ID: sp + "par-test-token-endpoint-url-as-audience-fails", Title: "The token endpoint's URL as aud is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.1", run: func(t *trial) {
		badAssertion(t, setClaim("aud", t.endpoint("token_endpoint")))
	}},
	{ID: sp + "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails", Title: "An assertion for more than 60 seconds ahead is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.1", run: func(t *trial) {
		badAssertion(t, shifted(65*time.Second, "iat", "nbf", "exp"))
	}},
	{ID: "par-client-assertion-is-required", Title: "A pushed request without client authentication is refused", Clause: "RFC 9126, 2.1", run: func(t *trial) {
		f := t.flow(1)
		f.form = dropAssertion
		badAssertionAnswer(t, f.push())
	}},
	{ID: "par-client-assertion-signature", Title: "Unsigned and wrongly signed assertions are refused", Clause: "RFC 7523, 3", run: func(t *trial) {
		badAssertion(t, unsigned)
		badAssertion(t, brokenSignature)
		other := t.flow(2).key
		badAssertion(t, func(j *jws) { j.key, j.header["alg"] = other, other.Algorithm })
	}},
	{ID: "par-client-assertion-claims", Title: "Assertions without iss, sub, aud or exp are refused, and expired ones", Clause: "RFC 7523, 3", run: func(t *trial) {
		for _, name := range []string{"iss", "sub", "aud", "exp"} {
			badAssertion(t, dropClaim(name))
		}
		badAssertion(t, shifted(-5*time.Minute, "iat", "nbf", "exp"))
	}},
	{ID: "par-client-assertion-is-used-once", Title: "An assertion is refused the second time", Clause: "RFC 7523, 3", run: func(t *trial) {
		jti := setClaim("jti", randomText(24, alphanumeric))
		f := t.flow(1)
		f.assertion = jti
		f.pushed()
		badAssertion(t, jti)
	}},
}

// badAssertion pushes with a changed assertion, which must be refused.
func badAssertion(t *trial, change edit) {
	f := t.flow(1)
	f.assertion = change
	badAssertionAnswer(t, f.push())
}

func badAssertionAnswer(t *trial, a *answer) {
	t.jsonRefusal("the pushed authorization request endpoint", a, []string{"invalid_client", "invalid_request"},
		http.StatusBadRequest, http.StatusUnauthorized)
}

func dropAssertion(form url.Values) {
	form.Del("client_assertion")
	form.Del("client_assertion_type")
}
