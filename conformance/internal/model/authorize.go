package model

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (p *Provider) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && !p.keeps(PostAuthorize) {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	r.ParseForm()
	req, e := p.resolve(w, r.Form)
	if req == nil {
		if e != nil {
			p.errorPage(w, e)
		}
		return
	}
	if e != nil {
		p.respondError(w, req, e)
		return
	}
	p.proceed(w, r, req)
}

// resolve returns the request. With an error too it can be told to the client; with an error alone it cannot.
func (p *Provider) resolve(w http.ResponseWriter, query url.Values) (*request, *refused) {
	if query.Has("request_uri") {
		return p.openPushed(query)
	}
	c := p.client(query.Get("client_id"))
	if c == nil {
		if !p.keeps(KnownClients) {
			redirect(w, query.Get("redirect_uri")+"?code=x")
			return nil, nil
		}
		return nil, refuse("invalid_client", "unknown client")
	}
	if !p.goodRedirectURI(c, query.Get("redirect_uri")) {
		return nil, refuse("invalid_request", "redirect_uri is not registered")
	}
	req := &request{client: c, params: maps.Clone(query)}
	if c.FAPI && p.keeps(PARRequired) {
		return req, refuse("invalid_request", "the request must be pushed")
	}
	return req, p.validate(c, query)
}

// proceed answers at once, or starts a login.
func (p *Provider) proceed(w http.ResponseWriter, r *http.Request, req *request) {
	prompts := fields(req.params.Get("prompt"))
	s := p.session(r)
	l := &login{request: req, session: s}
	l.needsLogin = s == nil || slices.Contains(prompts, "login") && p.keeps(PromptLogin) || p.tooOld(s, req.params.Get("max_age"))
	l.needsConsent = slices.Contains(prompts, "consent") || !p.consents[consentKey(req)] || !p.keeps(ConsentKept)
	silent := slices.Contains(prompts, "none") && (len(prompts) == 1 || p.keeps(PromptNoneAlone))
	switch {
	case silent && l.needsLogin && p.keeps(PromptNoneError):
		p.respondError(w, req, refuse("login_required", "nobody is logged in"))
		return
	case silent && l.needsConsent && p.keeps(PromptNoneError):
		p.respondError(w, req, refuse("consent_required", "nobody consented"))
		return
	case silent && !p.keeps(PromptNone):
		l.needsConsent = true
	}
	l.id = random(16)
	p.logins[l.id] = l
	p.next(w, l)
}

func (p *Provider) tooOld(s *session, maxAge string) bool {
	if s == nil || maxAge == "" {
		return false
	}
	seconds, _ := strconv.ParseInt(maxAge, 10, 64)
	if !p.keeps(MaxAgeYoung) {
		return true
	}
	return now()-s.authTime > seconds && p.keeps(MaxAge)
}

func consentKey(req *request) string { return req.client.ID + " " + req.params.Get("scope") }

// complete answers the client with a code.
func (p *Provider) complete(w http.ResponseWriter, l *login) {
	delete(p.logins, l.id)
	req := l.request
	if entry := p.pushed[req.requestURI]; entry != nil {
		if entry.spent && p.keeps(RequestURIOnce) {
			p.errorPage(w, refuse("invalid_request_uri", "the request_uri is spent"))
			return
		}
		entry.spent = true
	}
	p.consents[consentKey(req)] = true
	code := p.secret(CodeUnguessable)
	p.codes[code] = &grant{request: req, session: l.session, expires: now() + codeLifetime, scope: req.params.Get("scope")}
	p.respond(w, req, url.Values{"code": {code}})
}

func (p *Provider) respondError(w http.ResponseWriter, req *request, e *refused) {
	if !p.keeps(ClientErrors) {
		p.errorPage(w, e)
		return
	}
	description := e.description
	if !p.keeps(ErrorCharacters) {
		description = "the \"quoted\" reason"
	}
	p.respond(w, req, url.Values{"error": {e.code}, "error_description": {description}})
}

// respond sends the browser to the client.
func (p *Provider) respond(w http.ResponseWriter, req *request, params url.Values) {
	if state := req.params.Get("state"); state != "" && p.keeps(StateReturned) {
		params.Set("state", state)
	} else if state == "" && !p.keeps(NoInventedState) {
		params.Set("state", "invented")
	}
	if p.keeps(IssuerReturned) {
		params.Set("iss", p.Issuer)
	}
	if p.Tamper.Callback != nil {
		p.Tamper.Callback(params)
	}
	if req.params.Get("response_mode") == "jwt" && (p.keeps(JARMErrors) || !params.Has("error")) {
		params = p.jarm(req, params)
	}
	target, err := url.Parse(req.redirectURI())
	if err != nil {
		p.errorPage(w, refuse("invalid_request", "bad redirect URI"))
		return
	}
	query := target.Query()
	if !p.keeps(RegisteredQuery) {
		query = url.Values{}
	}
	maps.Copy(query, params)
	if p.keeps(QueryMode) {
		target.RawQuery = query.Encode()
	} else {
		target.Fragment = query.Encode()
	}
	if req.params.Get("response_mode") == "form_post" {
		p.formPost(w, req.redirectURI(), params)
		return
	}
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusSeeOther)
}

// jarm puts the parameters into a JWT.
func (p *Provider) jarm(req *request, params url.Values) url.Values {
	const lifetime = 300
	claims := map[string]any{"iss": p.Issuer, "aud": req.client.ID, "exp": now() + lifetime}
	for name := range params {
		claims[name] = params.Get(name)
	}
	if !p.keeps(JARMLifetime) {
		claims["exp"] = now() + 3600
	}
	if !p.keeps(JARMForTheClient) {
		claims["aud"] = "somebody"
	}
	if p.Tamper.JARM != nil {
		p.Tamper.JARM(claims)
	}
	if !p.keeps(JARMSigned) {
		return params
	}
	wrapped := url.Values{"response": {p.sign(req.client, "", claims)}}
	if !p.keeps(JARMAlone) {
		wrapped.Set("state", params.Get("state"))
	}
	return wrapped
}

func (p *Provider) formPost(w http.ResponseWriter, uri string, params url.Values) {
	var b strings.Builder
	fmt.Fprintf(&b, `<form method="post" action="%s">`, html.EscapeString(uri))
	for name := range params {
		fmt.Fprintf(&b, `<input type="hidden" name="%s" value="%s">`, html.EscapeString(name), html.EscapeString(params.Get(name)))
	}
	writePage(w, http.StatusOK, b.String()+`<button>Continue</button></form>`)
}

// errorPage shows an error that no client can be told.
func (p *Provider) errorPage(w http.ResponseWriter, e *refused) {
	status, text := http.StatusBadRequest, e.code
	if !p.keeps(AuthorizeErrorStatus) {
		status = http.StatusOK
	}
	if !p.keeps(AuthorizeErrorCode) {
		text = "Something went wrong"
	}
	writePage(w, status, `<h1>Error</h1><p>`+html.EscapeString(text)+`</p>`)
}

func writePage(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!doctype html><title>Model</title>%s", body)
}
