package conformance

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const proofClause = "RFC 9449, 4.3 and 7.1"

// dpopChecks are the proofs of the module dpop-negative-tests, sent to the resource. After each the right proof must
// still be accepted.
var dpopChecks = []Check{
	refusedProof("not-a-jwt", "A proof without three parts", func(j *jws) { j.mangle = func(s string) string { return s[:strings.LastIndexByte(s, '.')] } }),
	refusedProof("typ-missing", "A proof without typ", dropHeader("typ")),
	refusedProof("alg-missing", "A proof without alg", dropHeader("alg")),
	refusedProof("jwk-missing", "A proof without jwk", dropHeader("jwk")),
	refusedProof("jti-missing", "A proof without jti", dropClaim("jti")),
	refusedProof("htm-missing", "A proof without htm", dropClaim("htm")),
	refusedProof("htu-missing", "A proof without htu", dropClaim("htu")),
	refusedProof("iat-missing", "A proof without iat", dropClaim("iat")),
	refusedProof("ath-missing", "A proof without ath", dropClaim("ath")),
	refusedProof("wrong-typ", "A proof with another typ", setHeader("typ", "jwt")),
	refusedProof("alg-none", "A proof with alg none", func(j *jws) { j.header["alg"] = "none" }),
	refusedProof("broken-signature", "A proof with a broken signature", brokenSignature),
	refusedProof("private-key", "A proof with a private key in jwk", func(j *jws) { j.header["jwk"] = privateJWK(j.key) }),
	refusedProof("wrong-htm", "A proof for PUT", setClaim("htm", http.MethodPut)),
	refusedProof("wrong-htu", "A proof for another URL", func(j *jws) { j.claims["htu"] = "https://another.example/resource" }),
	refusedProof("wrong-ath", "A proof for another access token", setClaim("ath", digest("another"))),
	{ID: sp + "dpop-negative-tests/signed-rs256", Title: "A proof signed with RS256 is refused", Clause: "FAPI 2.0 Security Profile, 5.4.1", run: rs256Proof},
	{ID: sp + "dpop-negative-tests/another-key", Title: "A proof signed by another key is refused", Clause: proofClause, run: func(t *trial) {
		f, tokens := boundToken(t)
		right := f.dpopKey
		f.dpopKey = t.newDPoPKey()
		t.proofRefused(f.get(tokens.access))
		f.dpopKey = right
		stillGood(f, tokens)
	}},
	{ID: sp + "dpop-negative-tests/two-proofs", Title: "Two DPoP headers are refused", Clause: proofClause, run: func(t *trial) {
		f, tokens := boundToken(t)
		f.header = func(h http.Header) {
			h.Add("DPoP", t.sign(f.dpopProof(http.MethodGet, t.resourceURL(), tokens.access)))
		}
		t.proofRefused(f.get(tokens.access))
		stillGood(f, tokens)
	}},
	{ID: sp + "dpop-negative-tests/proof-missing", Title: "A token without a proof is refused", Clause: proofClause, run: func(t *trial) {
		f, tokens := boundToken(t)
		f.header = func(h http.Header) { h.Del("DPoP") }
		t.proofRefused(f.getOnce(tokens.access))
		stillGood(f, tokens)
	}},
	{ID: sp + "dpop-negative-tests/as-bearer", Title: "A bound token is refused as a bearer token", Clause: "RFC 9449, 7.2", run: func(t *trial) {
		f, tokens := boundToken(t)
		f.header = func(h http.Header) { h.Del("DPoP"); h.Set("Authorization", "Bearer "+tokens.access) }
		t.proofRefused(f.getOnce(tokens.access))
		stillGood(f, tokens)
	}},
	{ID: sp + "dpop-negative-tests/iat-one-hour-ahead", Title: "A proof from an hour ahead is refused, unless its nonce shows its age", Clause: "RFC 9449, 11.1", run: func(t *trial) { wrongTime(t, time.Hour) }},
	{ID: sp + "dpop-negative-tests/iat-one-hour-ago", Title: "A proof from an hour ago is refused, unless its nonce shows its age", Clause: "RFC 9449, 11.1", run: func(t *trial) { wrongTime(t, -time.Hour) }},
	{ID: sp + "dpop-negative-tests/jti-reused", Title: "A proof is refused the second time", Clause: "RFC 9449, 11.1", run: reusedProof},
	acceptedProof("header-in-capitals", "The header's name in capitals", true, nil, func(h http.Header) {
		h["DPOP"] = h["Dpop"]
		delete(h, "Dpop")
	}),
	acceptedProof("htu-with-query-and-fragment", "An htu with a query and a fragment", false, func(j *jws) { j.claims["htu"] = j.claims["htu"].(string) + "?a=b#c" }, nil),
	acceptedProof("unknown-members", "Unknown header members and claims", false, func(j *jws) { j.header["an_invented_member"], j.claims["an_invented_claim"] = "1", "2" }, nil),
	acceptedProof("htu-in-capitals", "An htu with scheme and host in capitals", true, changeHTU(func(u *url.URL) string {
		return strings.ToUpper(u.Scheme+"://"+u.Host) + u.EscapedPath()
	}), nil),
	acceptedProof("htu-with-default-port", "An htu with the default port", true, changeHTU(func(u *url.URL) string {
		if u.Port() == "" {
			u.Host += map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
		}
		return u.String()
	}), nil),
	{ID: sp + "dpop-negative-tests/htu-without-query", Title: "An htu without the query of the URL is accepted", Clause: proofClause, run: func(t *trial) {
		f, tokens := boundToken(t)
		u := addQuery(t.resourceURL(), "a=b")
		req := t.newGet(u)
		req.Header.Set("Authorization", "DPoP "+tokens.access)
		req.Header.Set("DPoP", t.sign(f.dpopProof(req.Method, u, tokens.access)))
		if a := t.send(req); a.status != http.StatusOK && a.status != http.StatusCreated {
			t.fail("a proof for the URL without its query must be accepted, and is answered with %v", a)
		}
	}},
}

// boundToken returns the tokens of a finished flow whose token works: its provider may have demanded a nonce by now.
func boundToken(t *trial) (*flow, *tokens) {
	f := t.flow(1)
	tokens := f.tokens()
	stillGood(f, tokens)
	return f, tokens
}

// stillGood checks that the right proof is accepted, which nothing may prevent.
func stillGood(f *flow, tokens *tokens) {
	f.proof, f.header = nil, nil
	if a := f.get(tokens.access); a.status != http.StatusOK && a.status != http.StatusCreated {
		f.t.fail("a right proof must be accepted, and is answered with %v", a)
	}
}

func (t *trial) proofRefused(a *answer) {
	if a.status != http.StatusBadRequest && a.status != http.StatusUnauthorized {
		t.fail("the resource must refuse this with 400 or 401, and answers %v", a)
	}
}

func refusedProof(id, title string, wrong edit) Check {
	return Check{ID: sp + "dpop-negative-tests/" + id, Title: title + " is refused", Clause: proofClause, run: func(t *trial) {
		f, tokens := boundToken(t)
		f.proof = wrong
		t.proofRefused(f.get(tokens.access))
		stillGood(f, tokens)
	}}
}

// acceptedProof is a check that an unusual proof is accepted. Some refusals cost only a warning.
func acceptedProof(id, title string, lenient bool, unusual edit, header func(http.Header)) Check {
	return Check{ID: sp + "dpop-negative-tests/" + id, Title: title + " is accepted", Clause: proofClause, run: func(t *trial) {
		f, tokens := boundToken(t)
		f.proof, f.header = unusual, header
		if a := f.get(tokens.access); a.status != http.StatusOK && a.status != http.StatusCreated {
			if lenient {
				t.warn("this should be accepted, and is answered with %v", a)
			} else {
				t.fail("this must be accepted, and is answered with %v", a)
			}
		}
		stillGood(f, tokens)
	}}
}

func changeHTU(change func(*url.URL) string) edit {
	return func(j *jws) {
		htu, _ := j.claims["htu"].(string)
		if u, err := url.Parse(htu); err == nil {
			j.claims["htu"] = change(u)
		}
	}
}

// rs256Proof binds a token to an RSA key and then signs with the algorithm that the key could, but may not.
func rs256Proof(t *trial) {
	const bits = 2048
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.fatal("%v", err)
	}
	f := t.flow(1)
	f.dpopKey = jose.JSONWebKey{Key: key, Algorithm: string(jose.PS256)}
	if !t.metadata().listHas("dpop_signing_alg_values_supported", f.dpopKey.Algorithm) {
		f.dpopKey = t.newDPoPKey() // the token cannot be bound to an RSA key: the wrong key is refused in any case
	}
	tokens := f.tokens()
	right := f.dpopKey
	f.dpopKey = jose.JSONWebKey{Key: key, Algorithm: string(jose.RS256)}
	t.proofRefused(f.get(tokens.access))
	f.dpopKey = right
	stillGood(f, tokens)
}

func wrongTime(t *trial, off time.Duration) {
	f, tokens := boundToken(t)
	withNonce := f.nonces[t.resourceURL()] != ""
	f.proof = shifted(off, "iat")
	a := f.get(tokens.access)
	switch {
	case !withNonce:
		t.proofRefused(a)
	case a.status != http.StatusOK && a.status != http.StatusCreated:
		t.warn("a proof with a good nonce is refused because its iat is an hour off: the nonce says how old it is")
	}
	stillGood(f, tokens)
}

func reusedProof(t *trial) {
	f, tokens := boundToken(t)
	f.proof = setClaim("jti", randomText(24, alphanumeric))
	if a := f.getOnce(tokens.access); a.status != http.StatusOK {
		t.fail("a right proof must be accepted, and is answered with %v", a)
	}
	if a := f.getOnce(tokens.access); a.status == http.StatusOK {
		t.warn("a proof could be used twice")
	} else {
		t.proofRefused(a)
	}
	stillGood(f, tokens)
}
