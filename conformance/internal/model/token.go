package model

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// grant is what a code, an access token or a refresh token stands for.
type grant struct {
	request *request
	session *session
	scope   string
	expires int64
	// redeemed is the access token that a code gave.
	redeemed string
	// jkt is the key that an access token belongs to.
	jkt string
}

const (
	codeLifetime  = 60
	tokenLifetime = 600
)

func (p *Provider) serveToken(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	answer, e := p.token(w, r)
	if e != nil {
		if !p.keeps(TokenErrorStatus) {
			e.status = http.StatusUnauthorized
		}
		p.writeError(w, e)
		return
	}
	if p.keeps(NoStore) {
		w.Header().Set("Cache-Control", "no-store")
	}
	if p.Tamper.TokenResponse != nil {
		p.Tamper.TokenResponse(answer)
	}
	writeJSON(w, http.StatusOK, answer)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) (map[string]any, *refused) {
	proof := new(proof)
	var e *refused
	hasProof := len(r.Header.Values("DPoP")) > 0
	if hasProof {
		if proof, e = p.readProof(w, r, ""); e != nil {
			if e.code == "use_dpop_nonce" && !p.keeps(NonceKeepsAssertion) {
				p.authenticate(r, "/token")
			}
			return nil, e
		}
	}
	c, e := p.authenticate(r, "/token")
	if e != nil {
		return nil, e
	}
	if c.FAPI && !hasProof && p.keeps(ProofRequired) {
		if p.Nonces && !p.keeps(NonceNotForMissing) {
			w.Header().Set("DPoP-Nonce", p.nonce)
			return nil, refuse("use_dpop_nonce", "a proof with a nonce is required")
		}
		return nil, refuse("invalid_dpop_proof", "a proof is required")
	}
	switch grantType := r.PostForm.Get("grant_type"); {
	case grantType == "authorization_code", grantType == "" && !p.keeps(GrantTypeRequired):
		return p.redeem(c, r, proof)
	case grantType == "refresh_token" && p.RefreshTokens:
		return p.refreshed(c, r, proof)
	case grantType == "":
		return nil, refuse("invalid_request", "grant_type is missing")
	}
	return nil, refuse("unsupported_grant_type", "unsupported grant type")
}

func (p *Provider) redeem(c *Client, r *http.Request, proof *proof) (map[string]any, *refused) {
	code := r.PostForm.Get("code")
	g := p.codes[code]
	if g == nil {
		return nil, refuse("invalid_grant", "unknown code")
	}
	if e := p.codeFits(g, c, r, proof); e != nil {
		if !p.keeps(CodeSurvivesMistakes) {
			delete(p.codes, code)
		}
		return nil, e
	}
	if g.redeemed != "" && p.keeps(CodeOnce) {
		if p.keeps(CodeReplayRevokes) {
			delete(p.tokens, g.redeemed)
		}
		return nil, refuse("invalid_grant", "the code was used before")
	}
	answer := p.issue(c, g, proof)
	g.redeemed = text(answer, "access_token")
	return answer, nil
}

// codeFits says what does not fit between a code and the request for its tokens.
func (p *Provider) codeFits(g *grant, c *Client, r *http.Request, proof *proof) *refused {
	params := g.request.params
	switch {
	case g.expires < now() && p.keeps(CodeExpires):
		return refuse("invalid_grant", "the code expired")
	case g.request.client != c && p.keeps(CodeBoundToClient):
		return refuse("invalid_grant", "the code belongs to another client")
	case r.PostForm.Get("redirect_uri") != g.request.redirectURI() && p.keeps(CodeBoundToRedirectURI):
		return refuse("invalid_grant", "another redirect_uri")
	}
	if challenge := params.Get("code_challenge"); challenge != "" {
		verifier := r.PostForm.Get("code_verifier")
		switch {
		case verifier == "" && !p.keeps(PKCEErrorCode):
			return refuse("invalid_request", "code_verifier is missing")
		case verifier == "" && p.keeps(PKCEVerifierRequired):
			return refuse("invalid_grant", "code_verifier is missing")
		case verifier != "" && digest(verifier) != challenge && params.Get("code_challenge_method") == "S256" && p.keeps(PKCEVerifier):
			return refuse("invalid_grant", "wrong code_verifier")
		}
	}
	rule := CodeBoundToThumbprint
	if g.request.byProof {
		rule = CodeBoundToProof
	}
	if g.request.jkt != "" && g.request.jkt != proof.jkt && p.keeps(rule) {
		return refuse("invalid_dpop_proof", "the code belongs to another key")
	}
	return nil
}

// issue makes tokens for a grant.
func (p *Provider) issue(c *Client, g *grant, proof *proof) map[string]any {
	access := p.secret(TokenUnguessable)
	p.tokens[access] = &grant{request: g.request, session: g.session, scope: g.scope, jkt: proof.jkt, expires: now() + tokenLifetime}
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": tokenLifetime, "scope": g.scope}
	if proof.jkt != "" {
		answer["token_type"] = "DPoP"
	}
	if slices.Contains(fields(g.scope), "openid") || !p.keeps(NoIDTokenWithoutOpenID) {
		answer["id_token"] = p.idToken(c, g, access)
	}
	if p.RefreshTokens {
		refresh := random(32)
		p.refresh[refresh] = g
		answer["refresh_token"] = refresh
	}
	return answer
}

func (p *Provider) refreshed(c *Client, r *http.Request, proof *proof) (map[string]any, *refused) {
	old := r.PostForm.Get("refresh_token")
	g := p.refresh[old]
	if g == nil || g.request.client != c && p.keeps(RefreshBoundToClient) {
		return nil, refuse("invalid_grant", "unknown refresh token")
	}
	if first := p.tokens[g.redeemed]; first != nil && first.jkt != proof.jkt && !p.keeps(RefreshAnyKey) {
		return nil, refuse("invalid_grant", "the refresh token belongs to another key")
	}
	answer := p.issue(c, g, proof)
	if !p.RotateRefreshTokens {
		delete(p.refresh, text(answer, "refresh_token"))
		delete(answer, "refresh_token")
	} else if !p.keeps(ReplacedRefreshWorks) {
		delete(p.refresh, old)
	}
	if !p.keeps(RefreshKeepsSubject) {
		claims := map[string]any{"iss": p.Issuer, "aud": c.ID, "sub": "somebody else", "iat": now(), "exp": now() + tokenLifetime}
		answer["id_token"] = p.sign(c, "", claims)
	}
	return answer, nil
}

// idToken returns the signed claims of a login.
func (p *Provider) idToken(c *Client, g *grant, access string) string {
	claims := map[string]any{
		"iss": p.Issuer, "aud": c.ID, "sub": p.subject(), "iat": now(), "exp": now() + tokenLifetime,
		"auth_time": g.session.authTime, "acr": "urn:example:password", "sid": g.session.id,
	}
	half := sha256.Sum256([]byte(access))
	claims["at_hash"] = base64.RawURLEncoding.EncodeToString(half[:16])
	if nonce := g.request.params.Get("nonce"); nonce != "" {
		claims["nonce"] = nonce
	}
	if !p.keeps(AuthTime) {
		delete(claims, "auth_time")
	}
	if !p.keeps(AuthTimeStable) {
		claims["auth_time"] = now() - int64(len(p.tokens))*7
	}
	maps.Copy(claims, requested(g.request.params.Get("claims"), "id_token"))
	p.addVerified(claims, g, "id_token")
	if p.Tamper.IDToken != nil {
		p.Tamper.IDToken(claims)
	}
	signed := p.sign(c, "", claims)
	if !p.keeps(IDTokenSigned) {
		return signed[:len(signed)-40] + "AAAAAAAAAAAAAAAAAAAA" + signed[len(signed)-20:]
	}
	return signed
}

func (p *Provider) subject() string {
	if p.keeps(SubjectStable) {
		return "person-1"
	}
	return "person-" + random(6)
}

// requested returns the person's claims that the claims parameter asks for in a place.
func requested(parameter, place string) map[string]any {
	var places map[string]map[string]any
	json.Unmarshal([]byte(parameter), &places)
	claims := map[string]any{}
	for name := range places[place] {
		if value, ok := person[name]; ok {
			claims[name] = value
		}
	}
	return claims
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
