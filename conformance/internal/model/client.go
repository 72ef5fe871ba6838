package model

import (
	"net/http"
	"slices"
)

// authenticate returns the client whose assertion the request has (RFC 7523).
func (p *Provider) authenticate(r *http.Request, endpoint string) (*Client, *refused) {
	assertion := r.PostForm.Get("client_assertion")
	if assertion == "" {
		if c := p.client(r.PostForm.Get("client_id")); c != nil && !p.keeps(AssertionRequired) {
			return c, nil
		}
		return nil, refuse("invalid_client", "no client authentication")
	}
	_, claims := peek(assertion)
	id := text(claims, "sub")
	if id == "" && (!p.keeps(AssertionSubject) || !p.keeps(AssertionIssuer)) {
		id = r.PostForm.Get("client_id")
	}
	c := p.client(id)
	if c == nil {
		return nil, refuse("invalid_client", "unknown client")
	}
	algs := openIDAlgorithms
	if c.FAPI && p.keeps(AssertionAlgorithm) {
		algs = fapiAlgorithms
	}
	if _, _, ok := open(assertion, c.Keys.Keys, algs); !ok && p.keeps(AssertionSignature) {
		return nil, refuse("invalid_client", "the assertion is not signed by the client")
	}
	if text(claims, "iss") != c.ID && p.keeps(AssertionIssuer) {
		return nil, refuse("invalid_client", "wrong iss")
	}
	if !p.goodAudience(c, claims["aud"], endpoint) {
		return nil, refuse("invalid_client", "wrong aud")
	}
	if e := p.assertionTimes(claims); e != nil {
		return nil, e
	}
	if posted := r.PostForm.Get("client_id"); posted != "" && posted != c.ID && p.keeps(ClientIDMatches) {
		return nil, refuse("invalid_client", "client_id is not the assertion's")
	}
	jti := "assertion " + c.ID + " " + text(claims, "jti")
	if p.keeps(AssertionOnce) && (text(claims, "jti") == "" || p.used[jti]) {
		return nil, refuse("invalid_client", "the assertion was used before")
	}
	p.used[jti] = true
	return c, nil
}

func (p *Provider) goodAudience(c *Client, aud any, endpoint string) bool {
	if !p.keeps(AssertionAudience) {
		return true
	}
	good := []string{p.Issuer}
	if !c.FAPI && !p.keeps(AssertionIssuerAccepted) {
		good = nil
	}
	if !c.FAPI || !p.keeps(AssertionAudienceIssuer) {
		good = append(good, p.Issuer+"/token", p.Issuer+endpoint)
	}
	if array, ok := aud.([]any); ok && (!c.FAPI || !p.keeps(AssertionAudienceString)) {
		return slices.ContainsFunc(array, func(a any) bool { s, _ := a.(string); return slices.Contains(good, s) })
	}
	s, _ := aud.(string)
	return slices.Contains(good, s)
}

func (p *Provider) assertionTimes(claims map[string]any) *refused {
	const skew = 15
	exp, ok := number(claims, "exp")
	if p.keeps(AssertionExpiry) && (!ok || exp < now()-skew) {
		return refuse("invalid_client", "the assertion expired")
	}
	for _, name := range []string{"nbf", "iat"} {
		at, ok := number(claims, name)
		if ok && at > now()+skew && p.keeps(AssertionNotBefore) {
			return refuse("invalid_client", "the assertion is from the future")
		}
		if ok && at > now() && !p.keeps(AssertionSkew) {
			return refuse("invalid_client", "the assertion is from the future")
		}
	}
	return nil
}
