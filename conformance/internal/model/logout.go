package model

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// serveLogout ends the session (OpenID Connect RP-Initiated Logout).
func (p *Provider) serveLogout(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	hint := p.hint(r.Form.Get("id_token_hint"))
	uri := r.Form.Get("post_logout_redirect_uri")
	c := p.client(text(hint, "aud"))
	if c == nil && !p.keeps(LogoutHintRequired) {
		c = &p.Clients[0]
	}
	s := p.session(r)
	if p.keeps(LogoutEndsSession) && s != nil {
		delete(p.sessions, s.id)
	}
	if uri == "" && !p.keeps(LogoutStays) {
		uri = p.Clients[0].PostLogoutRedirectURIs[0]
		c = &p.Clients[0]
	}
	if uri != "" && (c == nil || !p.goodLogoutURI(c, uri)) {
		p.errorPage(w, refuse("invalid_request", "the redirect is not possible"))
		return
	}
	if c != nil && s != nil && c.Backchannel && p.LogoutToken != nil {
		p.LogoutToken(p.logoutToken(c, s))
	}
	target := ""
	if uri != "" {
		target = p.logoutTarget(uri, r.Form.Get("state"))
	}
	if c != nil && s != nil && c.FrontchannelLogoutURI != "" && p.keeps(LogoutFrames) {
		p.framesPage(w, c, s, target)
		return
	}
	if target != "" {
		redirect(w, target)
		return
	}
	writePage(w, http.StatusOK, `<p>Logged out.</p>`)
}

// hint returns the claims of an ID Token of this provider, nil for any other.
func (p *Provider) hint(text string) map[string]any {
	if text == "" {
		return nil
	}
	if _, claims, ok := open(text, p.publicKeys(), openIDAlgorithms); ok {
		return claims
	}
	if p.keeps(LogoutHint) {
		return nil
	}
	_, claims := peek(text)
	return claims
}

func (p *Provider) publicKeys() []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, k := range p.Keys {
		keys = append(keys, k.Public())
	}
	return keys
}

func (p *Provider) goodLogoutURI(c *Client, uri string) bool {
	if p.keeps(LogoutRedirectExact) {
		return slices.Contains(c.PostLogoutRedirectURIs, uri)
	}
	return true
}

func (p *Provider) logoutTarget(uri, state string) string {
	if !p.keeps(LogoutState) {
		state = "another"
	}
	u, err := url.Parse(uri)
	if err != nil || state == "" {
		return uri
	}
	query := u.Query()
	query.Set("state", state)
	u.RawQuery = query.Encode()
	return u.String()
}

func (p *Provider) framesPage(w http.ResponseWriter, c *Client, s *session, target string) {
	query := url.Values{"iss": {p.Issuer}, "sid": {s.id}}
	if !p.keeps(LogoutFrameSession) {
		query.Del("sid")
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<iframe src="%s"></iframe>`, html.EscapeString(c.FrontchannelLogoutURI+"?"+query.Encode()))
	if target != "" {
		fmt.Fprintf(&b, `<meta http-equiv="refresh" content="1;url=%s">`, html.EscapeString(target))
	}
	writePage(w, http.StatusOK, b.String())
}

func (p *Provider) logoutToken(c *Client, s *session) string {
	claims := map[string]any{
		"iss": p.Issuer, "aud": c.ID, "iat": now(), "exp": now() + 120, "jti": random(16), "sub": p.subject(), "sid": s.id,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if p.Tamper.LogoutToken != nil {
		p.Tamper.LogoutToken(claims)
	}
	return p.sign(c, "logout+jwt", claims)
}
