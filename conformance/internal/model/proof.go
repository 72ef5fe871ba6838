package model

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// proof is a DPoP proof that was accepted. The zero value stands for none.
type proof struct{ jkt string }

const (
	proofSkew   = 15
	proofMaxAge = 60
	// anyKey is the thumbprint of a proof without a key, for a provider that does not ask for one.
	anyKey = "any"
)

// readProof checks the request's proof (RFC 9449 4.3), with an access token if it is for a resource.
func (p *Provider) readProof(w http.ResponseWriter, r *http.Request, accessToken string) (*proof, *refused) {
	bad := func(why string) (*proof, *refused) { return nil, refuse("invalid_dpop_proof", why) }
	headers := r.Header.Values("DPoP")
	if len(headers) != 1 && (len(headers) == 0 || p.keeps(ProofSingle)) {
		return bad("there must be one proof")
	}
	header, claims := peek(headers[0])
	if header["jwk"] == nil && !p.keeps(ProofKey) {
		return &proof{jkt: anyKey}, nil
	}
	raw, err := json.Marshal(header["jwk"])
	var key jose.JSONWebKey
	if err != nil || json.Unmarshal(raw, &key) != nil || !key.Valid() {
		return bad("no jwk")
	}
	if !key.IsPublic() && p.keeps(ProofPrivateKey) {
		return bad("a private key")
	}
	key = key.Public()
	algs := fapiAlgorithms
	if !p.keeps(ProofAlgorithm) {
		algs = openIDAlgorithms
	}
	// go-jose refuses private keys by itself: who takes them cannot have asked it.
	if _, _, ok := open(headers[0], []jose.JSONWebKey{key}, algs); !ok && p.keeps(ProofSignature) && p.keeps(ProofPrivateKey) {
		return bad("not signed by its key")
	}
	if text(header, "typ") != "dpop+jwt" && p.keeps(ProofTyp) {
		return bad("wrong typ")
	}
	if why := p.proofClaims(r, claims, accessToken); why != "" {
		return bad(why)
	}
	if p.Nonces && claims["nonce"] != p.nonce {
		w.Header().Set("DPoP-Nonce", p.nonce)
		if !p.keeps(NonceSyntax) {
			w.Header().Set("DPoP-Nonce", "with a space")
		}
		return nil, refuse("use_dpop_nonce", "use the nonce")
	}
	return &proof{jkt: thumbprint(key)}, nil
}

// proofClaims returns what is wrong with the claims.
func (p *Provider) proofClaims(r *http.Request, claims map[string]any, accessToken string) string {
	jti := "proof " + text(claims, "jti")
	if text(claims, "jti") == "" && p.keeps(ProofJTI) || p.used[jti] && p.keeps(ProofOnce) {
		return "jti is missing or was used before"
	}
	if claims["htm"] != r.Method && p.keeps(ProofMethod) {
		return "wrong htm"
	}
	if !p.sameURL(text(claims, "htu"), r) && p.keeps(ProofURL) {
		return "wrong htu"
	}
	iat, ok := number(claims, "iat")
	if !ok && p.keeps(ProofTimePresent) {
		return "no iat"
	}
	if ok && (iat > now()+proofSkew || iat < now()-proofMaxAge) && p.keeps(ProofTime) && (!p.Nonces || !p.keeps(NonceShowsAge)) {
		return "iat is not recent"
	}
	if ok && iat != now() && !p.keeps(ProofSkew) {
		return "iat is not now"
	}
	if accessToken != "" {
		ath, present := claims["ath"]
		if !present && p.keeps(ProofHashPresent) || present && ath != digest(accessToken) && p.keeps(ProofHash) {
			return "wrong ath"
		}
	}
	if _, ok := claims["exp"]; ok && !p.keeps(ProofExpiry) {
		return "exp is unknown"
	}
	if _, ok := claims["an_invented_claim"]; ok && !p.keeps(ProofUnknownMembers) {
		return "unknown claim"
	}
	if claims["nonce"] == p.nonce || !p.Nonces {
		p.used[jti] = true
	}
	return ""
}

// sameURL compares htu with the URL of the request, as RFC 9449 4.3 wants it.
func (p *Provider) sameURL(htu string, r *http.Request) bool {
	want := p.Issuer + r.URL.Path
	if !p.keeps(ProofURLNormal) {
		htu, _, _ = strings.Cut(htu, "?")
		return htu == want
	}
	if r.URL.RawQuery != "" && !p.keeps(ProofURLWithout) {
		return false
	}
	u, err := url.Parse(htu)
	if err != nil {
		return false
	}
	if u.RawQuery != "" && !p.keeps(ProofURLQuery) {
		return false
	}
	issuer, err := url.Parse(p.Issuer)
	return err == nil && strings.EqualFold(u.Scheme, issuer.Scheme) && strings.EqualFold(u.Hostname(), issuer.Hostname()) &&
		slices.Contains([]string{"", "443", issuer.Port()}, u.Port()) && u.Path == r.URL.Path
}
