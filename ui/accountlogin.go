package ui

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosignet/signet/oauth"
)

const (
	// sessionIdle and sessionLife bound the session: from the last page, and from the login.
	sessionIdle = 10 * time.Minute
	sessionLife = 30 * time.Minute
	// attemptLife is how long a login may take, and maxAttempts how many a browser has under way.
	attemptLife = time.Hour
	maxAttempts = 4
)

// accountSession is who is at the pages.
type accountSession struct {
	// ID is known to this browser's pages alone: forms prove with it where they come from.
	ID        string    `json:"id"`
	Person    string    `json:"person"`
	AuthTime  time.Time `json:"auth_time"`
	StartedAt time.Time `json:"started_at"`
	ExpiresAt time.Time `json:"expires_at"`
	// Language is the one that the person chose, or empty.
	Language string `json:"language,omitempty"`
	// Notice names what the next page says that was done.
	Notice string `json:"notice,omitempty"`
}

// accountAttempt is a login to the pages that is under way in this browser.
type accountAttempt struct {
	State string `json:"state"`
	// Verifier ties the code to this browser (RFC 7636).
	Verifier string `json:"verifier"`
	// Page is where the login leads, below the base path.
	Page      string    `json:"page"`
	Language  string    `json:"language,omitempty"`
	StartedAt time.Time `json:"started_at"`
}

// open finds the session of the request's browser, nil if there is none.
func (v *accountVisit) open() *accountSession {
	s := new(accountSession)
	if !v.session.get(v.r, s) || !v.now().Before(s.ExpiresAt) || s.Person == "" {
		return nil
	}
	return s
}

// keep gives the browser its session, prolonged. The notice is for the page that follows.
func (v *accountVisit) keep(notice string) {
	s := *v.is
	s.Notice, s.ExpiresAt = notice, v.now().Add(sessionIdle)
	if end := s.StartedAt.Add(sessionLife); end.Before(s.ExpiresAt) {
		s.ExpiresAt = end
	}
	if err := v.session.set(v.w, &s, s.ExpiresAt.Sub(v.now())); err != nil {
		v.log.ErrorContext(v.r.Context(), "a session of the account pages cannot be kept", "error", err)
	}
}

// pending are the logins that are under way in the browser, the oldest first.
func (v *accountVisit) pending() (all []accountAttempt) {
	v.attempts.get(v.r, &all)
	return slices.DeleteFunc(all, func(t accountAttempt) bool { return !v.now().Before(t.StartedAt.Add(attemptLife)) })
}

func (v *accountVisit) setPending(all []accountAttempt) {
	if len(all) == 0 {
		v.attempts.clear(v.w)
		return
	}
	if err := v.attempts.set(v.w, all, attemptLife); err != nil {
		v.log.ErrorContext(v.r.Context(), "a login to the account pages cannot be kept", "error", err)
	}
}

// logIn sends the browser to log in, and back to the page.
func (v *accountVisit) logIn() {
	attempt := accountAttempt{State: rand.Text(), Verifier: rand.Text() + rand.Text(), Page: v.page, StartedAt: v.now()}
	if chosen := v.r.URL.Query().Get("lang"); v.catalog.byCode[chosen] != nil {
		attempt.Language = chosen
	}
	challenge := sha256.Sum256([]byte(attempt.Verifier))
	parameters := map[string]string{
		"nonce": rand.Text(), "max_age": strconv.Itoa(int(v.c.MaxAge / time.Second)), "ui_locales": v.locale(attempt.Language).code,
	}
	if len(v.c.ACRValues) > 0 {
		parameters["acr_values"] = strings.Join(v.c.ACRValues, " ")
	}
	uri, err := v.c.Requests.Push(v.r.Context(), &oauth.AuthorizationRequest{
		ClientID: AccountClientID, RedirectURI: v.redirectURI, Scope: []string{"openid"}, State: attempt.State,
		CodeChallenge: base64.RawURLEncoding.EncodeToString(challenge[:]), Parameters: parameters,
	})
	if err != nil {
		v.unavailable(err)
		return
	}
	all := append(v.pending(), attempt)
	v.setPending(all[max(0, len(all)-maxAttempts):])
	separator := "?"
	if strings.Contains(v.c.AuthorizationEndpoint, "?") {
		separator = "&"
	}
	redirect(v.w, v.c.AuthorizationEndpoint+separator+url.Values{"client_id": {AccountClientID}, "request_uri": {uri}}.Encode())
}

var errorCode = regexp.MustCompile(`^[a-z_]{1,64}$`).MatchString

// callback takes the answer of the login.
func (v *accountVisit) callback() {
	q := v.r.URL.Query()
	all := v.pending()
	at := slices.IndexFunc(all, func(t accountAttempt) bool { return hmac.Equal([]byte(t.State), []byte(q.Get("state"))) })
	if at < 0 || q.Get("iss") != v.c.Issuer {
		if v.is != nil { // the page was loaded again
			redirect(v.w, v.path)
			return
		}
		v.fail(accountFailure{kind: "state", status: http.StatusBadRequest})
		return
	}
	attempt := all[at]
	v.chosen = attempt.Language
	v.setPending(slices.Delete(all, at, at+1))
	switch code := q.Get("error"); {
	case code == string(oauth.AccessDenied):
		v.fail(accountFailure{kind: "cancelled", status: http.StatusOK})
		return
	case code != "" && errorCode(code):
		v.fail(accountFailure{kind: "login", status: http.StatusBadRequest, code: code})
		return
	}
	grant, err := v.c.Grants.TakeGrant(v.r.Context(), AccountClientID, q.Get("code"), attempt.Verifier)
	if e, ok := errors.AsType[*oauth.Error](err); ok && e.Code == oauth.InvalidGrant {
		v.fail(accountFailure{kind: "login", status: http.StatusBadRequest, code: string(e.Code)})
		return
	}
	if err == nil && grant.Person == "" {
		err = errors.New("ui: the grant does not say who the person is")
	}
	if err != nil {
		v.unavailable(err)
		return
	}
	if !v.accepts(grant, attempt) {
		v.fail(accountFailure{kind: "login", status: http.StatusForbidden, code: string(oauth.UnmetAuthenticationRequirements)})
		return
	}
	v.is = &accountSession{
		ID: rand.Text(), Person: grant.Person, AuthTime: grant.AuthTime, StartedAt: v.now(), Language: attempt.Language,
	}
	v.keep("")
	redirect(v.w, v.path+attempt.Page)
}

// accepts reports whether the login is what the pages asked for.
func (v *accountVisit) accepts(g *oauth.Grant, t accountAttempt) bool {
	const skew = time.Minute
	return !g.AuthTime.Before(t.StartedAt.Add(-v.c.MaxAge-skew)) &&
		(len(v.c.ACRValues) == 0 || slices.Contains(v.c.ACRValues, g.ACR))
}

// logOut ends the session of the pages, and leads to where that of the provider ends.
func (v *accountVisit) logOut() {
	v.session.clear(v.w)
	if v.c.LogoutURL != "" {
		redirect(v.w, v.c.LogoutURL)
		return
	}
	redirect(v.w, v.path+loggedOutPage)
}

// loggedOut says that the session of the pages has ended.
func (v *accountVisit) loggedOut() {
	l := v.locale(v.r.URL.Query().Get("lang"))
	title := l.text("sharing.logged_out")
	view := &logoutView{page: v.UI.page(l, title, nil), Lead: l.text("sharing.logged_out_lead")}
	view.Languages = v.languagesHere(v.r, l)
	view.ReturnURI, view.ReturnText = v.path, l.text("sharing.log_in_again")
	v.render(v.w, v.r, http.StatusOK, v.pages.in(l).logout, view)
}
