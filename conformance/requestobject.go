package conformance

import (
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const objectClause = "FAPI 2.0 Message Signing, 5.3.1"

var invalidObject = []string{"invalid_request_object"}

// requestObjectChecks push signed request objects, most of them wrong.
var requestObjectChecks = []Check{
	{ID: sp + "ensure-request-object-with-multiple-aud-succeeds", Title: "An aud with the issuer among others is accepted", Clause: objectClause, only: onlySigned, run: func(t *trial) {
		f := t.flow(1)
		f.object = setClaim("aud", []string{"https://another.example", t.target.Issuer, "https://a-third.example"})
		f.complete()
	}},
	{ID: sp + "ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted", Title: "Request objects of a clock that is 8 seconds ahead are accepted", Clause: objectClause, only: onlySigned, run: func(t *trial) {
		f := t.flow(1)
		f.object = shifted(8*time.Second, "nbf")
		if a := f.push(); a.status != http.StatusCreated {
			t.warn("a request object with nbf 8 s ahead is refused: %v", a)
		}
	}},
	{ID: sp + "ensure-unsigned-request-at-par-endpoint-fails", Title: "Plain parameters are refused", Clause: objectClause, only: onlySigned, run: func(t *trial) {
		f := t.flow(1)
		f.unsignedPush = true
		f.refused(refusal{par: []string{"invalid_request"}, page: true,
			redirect: []string{"invalid_request", "invalid_request_object", "invalid_request_uri"}})
	}},
	objectCheck("ensure-request-object-without-exp-fails", "A request object without exp is refused", dropClaim("exp"), "invalid_request", "invalid_request_uri", "access_denied"),
	objectCheck("ensure-request-object-without-nbf-fails", "A request object without nbf is refused", dropClaim("nbf"), "invalid_request", "invalid_request_uri", "access_denied"),
	objectCheck("ensure-expired-request-object-fails", "An expired request object is refused", shifted(-65*time.Minute, "exp", "nbf"), invalidObject...),
	objectCheck("ensure-request-object-with-bad-aud-fails", "A request object for another server is refused", setClaim("aud", "https://another.example"), "invalid_request_uri"),
	objectCheck("ensure-request-object-with-exp-over-60-fails", "A request object with exp 70 minutes ahead is refused", func(j *jws) {
		j.claims["exp"] = time.Now().Add(70 * time.Minute).Unix()
	}, "invalid_request_uri"),
	objectCheck("ensure-request-object-with-nbf-over-60-fails", "A request object with nbf 70 minutes ago is refused", shifted(-70*time.Minute, "nbf"), "invalid_request_uri"),
	{ID: sp + "ensure-signed-request-object-with-RS256-fails", Title: "A request object signed with RS256 is refused", Clause: "FAPI 2.0 Security Profile, 5.4.1", only: onlySigned, run: func(t *trial) {
		if t.flow(1).key.Algorithm != string(jose.PS256) {
			t.skip("the client does not sign with PS256")
		}
		badObject(t, withRS256, invalidObject...)
	}},
	objectCheck("ensure-request-object-signature-algorithm-is-not-none", "A request object with alg none is refused", unsigned, invalidObject...),
	objectCheck("ensure-request-object-with-invalid-signature-fails", "A request object with a broken signature is refused", brokenSignature, invalidObject...),
	{ID: sp + "ensure-matching-key-in-authorization-request", Title: "A request object signed by another client is refused", Clause: "RFC 9101, 6.2", only: onlySigned, run: func(t *trial) {
		f := t.flow(1)
		other := t.flow(2).key
		f.object = func(j *jws) {
			j.key = other
			j.header["alg"], j.header["kid"] = other.Algorithm, other.KeyID
		}
		f.refused(refusal{par: []string{"invalid_request", "invalid_request_object"}, redirect: invalidObject, page: true})
	}},
	{ID: sp + "par-authorization-request-containing-request_uri", Title: "A request object with request_uri in it is refused", Clause: "RFC 9101, 4", only: onlySigned, run: func(t *trial) {
		f := t.flow(1)
		f.object = setClaim("request_uri", "urn:ietf:params:oauth:request_uri:"+randomText(43, alphanumeric))
		t.jsonRefusal("the pushed authorization request endpoint", f.push(), invalidObject, http.StatusBadRequest)
	}},
	{ID: "request-object-of-another-client-fails", Title: "A request object whose iss or client_id is another client is refused", Clause: "RFC 9101, 6.3", only: onlySigned, run: func(t *trial) {
		badObject(t, setClaim("iss", t.client(2).ID), "invalid_request", "invalid_request_object")
		badObject(t, setClaim("client_id", t.client(2).ID), "invalid_request", "invalid_request_object")
	}},
}

// objectCheck is a check that a wrong request object is refused with invalid_request_object, or with the codes at the
// client.
func objectCheck(id, title string, wrong edit, redirect ...string) Check {
	return Check{ID: sp + id, Title: title, Clause: objectClause, only: onlySigned, run: func(t *trial) { badObject(t, wrong, redirect...) }}
}

func badObject(t *trial, wrong edit, redirect ...string) {
	f := t.flow(1)
	f.object = wrong
	f.refused(refusal{par: invalidObject, redirect: redirect, page: true})
}
