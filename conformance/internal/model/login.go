package model

import (
	"fmt"
	"net/http"
	"time"
)

// session is a browser in which somebody is logged in.
type session struct {
	id       string
	authTime int64
}

// login is a person on the way through the pages.
type login struct {
	id                       string
	request                  *request
	session                  *session
	needsLogin, needsConsent bool
}

const sessionCookie = "model_session"

func (p *Provider) session(r *http.Request) *session {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	return p.sessions[cookie.Value]
}

// next leads to the page where the login stands.
func (p *Provider) next(w http.ResponseWriter, l *login) {
	switch {
	case l.needsLogin:
		redirect(w, p.pageURL("/login", l))
	case l.needsConsent:
		redirect(w, p.pageURL("/consent", l))
	default:
		p.complete(w, l)
	}
}

func (p *Provider) pageURL(path string, l *login) string {
	if !p.keeps(DistinctPages) {
		path = "/login"
	}
	return path + "?login=" + l.id
}

func redirect(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

func (p *Provider) serveLogin(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	l := p.logins[r.Form.Get("login")]
	if l == nil {
		p.errorPage(w, refuse("invalid_request", "unknown login"))
		return
	}
	if !p.keeps(DistinctPages) && !l.needsLogin {
		p.serveConsent(w, r)
		return
	}
	if r.Method == http.MethodPost {
		if r.PostForm.Get("username") == Username && r.PostForm.Get("password") == Password {
			l.session = &session{id: random(16), authTime: time.Now().Unix()}
			p.sessions[l.session.id] = l.session
			http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: l.session.id, Path: "/", Secure: true, HttpOnly: true})
			l.needsLogin = false
		}
		p.next(w, l)
		return
	}
	writePage(w, http.StatusOK, fmt.Sprintf(`<form id="login-form" method="post" action="/login">
<input type="hidden" name="login" value="%s">
<input id="username" name="username"><input id="password" name="password" type="password">
<button id="verify_password">Log in</button><button id="cancel" formaction="/cancel">Cancel</button></form>`, l.id))
}

func (p *Provider) serveConsent(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	l := p.logins[r.Form.Get("login")]
	if l == nil || l.needsLogin {
		p.errorPage(w, refuse("invalid_request", "unknown login"))
		return
	}
	if r.Method == http.MethodPost {
		l.needsConsent = r.PostForm.Get("all") == ""
		p.next(w, l)
		return
	}
	action := "/consent"
	if !p.keeps(DistinctPages) {
		action = "/login"
	}
	writePage(w, http.StatusOK, fmt.Sprintf(`<form id="consent-form" method="post" action="%s">
<input type="hidden" name="login" value="%s"><label><input type="checkbox" name="all" value="yes">All of it</label>
<button id="continue">Allow</button><button id="cancel" formaction="/cancel">Cancel</button></form>`, action, l.id))
}

func (p *Provider) serveCancel(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	l := p.logins[r.Form.Get("login")]
	if l == nil {
		p.errorPage(w, refuse("invalid_request", "unknown login"))
		return
	}
	delete(p.logins, l.id)
	if !p.keeps(Cancel) {
		p.errorPage(w, refuse("access_denied", "cancelled"))
		return
	}
	p.respondError(w, l.request, refuse("access_denied", "cancelled"))
}
