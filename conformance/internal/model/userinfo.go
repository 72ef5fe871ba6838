package model

import (
	"io"
	"maps"
	"net/http"
	"strings"
)

// person is everything that is known of the one person.
var person = map[string]any{
	"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "birthdate": "1915-12-10",
	"updated_at": 700000000, "email": "ada@example.com", "email_verified": true,
	"address":      map[string]any{"formatted": "12 St James's Square"},
	"phone_number": "+44 20 7946 0000", "phone_number_verified": false,
}

var scopeClaims = map[string][]string{
	"profile": {"name", "given_name", "family_name", "birthdate", "updated_at"},
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

func (p *Provider) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	if r.Method == http.MethodPost && !p.keeps(UserinfoPost) {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	scheme, token := p.bearer(r)
	g := p.tokens[token]
	if g == nil && !p.keeps(TokenChecked) {
		writeJSON(w, http.StatusOK, map[string]any{"sub": p.subject()})
		return
	}
	if g == nil || g.expires < now() {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if !p.bound(w, r, g, scheme, token) {
		return
	}
	if id := r.Header.Get("x-fapi-interaction-id"); id != "" {
		if !p.keeps(InteractionIDEcho) {
			id = "00000000-0000-0000-0000-000000000000"
		}
		w.Header().Set("x-fapi-interaction-id", id)
	}
	claims := map[string]any{"sub": p.subject()}
	for _, scope := range fields(g.scope) {
		for _, name := range scopeClaims[scope] {
			claims[name] = person[name]
		}
	}
	maps.Copy(claims, requested(g.request.params.Get("claims"), "userinfo"))
	p.addVerified(claims, g, "userinfo")
	if p.Tamper.Userinfo != nil {
		p.Tamper.Userinfo(claims)
	}
	if c := g.request.client; c.UserinfoEncryptionAlg != "" && p.keeps(UserinfoEncrypted) {
		w.Header().Set("Content-Type", "application/jwt")
		io.WriteString(w, p.encrypt(c, claims))
		return
	}
	writeJSON(w, http.StatusOK, claims)
}

// bearer returns the scheme and the token of the request.
func (p *Provider) bearer(r *http.Request) (scheme, token string) {
	scheme, token, _ = strings.Cut(r.Header.Get("Authorization"), " ")
	if p.keeps(SchemeCase) {
		scheme = strings.ToLower(scheme)
	} else if scheme == "DPoP" || scheme == "Bearer" {
		scheme = strings.ToLower(scheme)
	}
	if token == "" && r.Method == http.MethodPost && p.keeps(UserinfoPostBody) {
		return "bearer", r.PostForm.Get("access_token")
	}
	if token == "" && !p.keeps(NoQueryToken) {
		return "dpop", r.URL.Query().Get("access_token")
	}
	return scheme, token
}

// bound says whether the request proves possession of the key that the token belongs to, and answers if it does not.
func (p *Provider) bound(w http.ResponseWriter, r *http.Request, g *grant, scheme, token string) bool {
	if g.jkt == "" {
		return true
	}
	e := refuse("invalid_token", "the token needs its proof")
	switch {
	case scheme == "bearer" && !p.keeps(NoBearer):
		return true
	case scheme == "dpop" && len(r.Header.Values("DPoP")) == 0 && !p.keeps(NoProofIsRefused):
		return true
	case scheme == "dpop":
		proof, refused := p.readProof(w, r, token)
		if refused == nil && (proof.jkt == g.jkt || proof.jkt == anyKey || !p.keeps(TokenBound)) {
			return true
		}
		if refused != nil {
			e = refused
		}
	}
	challenge := `DPoP error="` + e.code + `", algs="PS256 ES256 EdDSA"`
	if !p.keeps(NonceChallenge) {
		challenge = strings.Replace(challenge, "DPoP", "Bearer", 1)
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(http.StatusUnauthorized)
	return false
}
