package portal

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

const (
	sessionCookie   = "portal-session"
	sessionLifetime = 30 * time.Minute
	maxSessions     = 10_000
)

// session is a person who is signed in, and what the provider said about them, and how. It is not changed: another takes
// its place.
type session struct {
	subject   string
	acr       string // how the person proved who they are
	idToken   []byte // the claims of the ID Token, JSON
	userinfo  *userinfo
	access    accessToken
	demand    *demand // what the login was made for, if not for the profile
	trace     *trace
	seen      bool // the profile was shown: another look asks the provider again
	ended     bool // the provider takes the access token no more
	expiresAt time.Time
}

// accessToken is what the portal sees the person's data with.
type accessToken struct {
	value, kind string
	expiry      time.Time // zero if the provider did not say
}

// sessions keeps sessions in memory under a hash of their handle.
type sessions struct {
	now func() time.Time

	mu   sync.Mutex
	byID map[[sha256.Size]byte]*session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byID: make(map[[sha256.Size]byte]*session)}
}

// add returns the handle of a new session. Where there are too many, the one that would end first makes room.
func (s *sessions) add(n *session) string {
	handle := rand.Text()
	n.expiresAt = s.now().Add(sessionLifetime)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byID) >= maxSessions {
		s.makeRoom()
	}
	s.byID[sha256.Sum256([]byte(handle))] = n
	return handle
}

func (s *sessions) makeRoom() {
	var first [sha256.Size]byte
	var firstEnds time.Time
	for id, n := range s.byID {
		if !s.now().Before(n.expiresAt) {
			delete(s.byID, id)
		} else if firstEnds.IsZero() || n.expiresAt.Before(firstEnds) {
			first, firstEnds = id, n.expiresAt
		}
	}
	if len(s.byID) >= maxSessions {
		delete(s.byID, first)
	}
}

func (s *sessions) get(handle string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.byID[sha256.Sum256([]byte(handle))]
	if n == nil || !s.now().Before(n.expiresAt) {
		return nil
	}
	return n
}

// replace puts a session in the place of the old one, unless that is over or was replaced.
func (s *sessions) replace(handle string, old, n *session) {
	id := sha256.Sum256([]byte(handle))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[id] == old {
		s.byID[id] = n
	}
}

func (s *sessions) remove(handle string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, sha256.Sum256([]byte(handle)))
}

// session returns the session of the browser, or nil.
func (p *Portal) session(r *http.Request) *session {
	cookie, err := r.Cookie(p.cookieName(sessionCookie))
	if err != nil {
		return nil
	}
	return p.sessions.get(cookie.Value)
}

// replaceSession has the browser's session go on as another.
func (p *Portal) replaceSession(r *http.Request, old, n *session) {
	if cookie, err := r.Cookie(p.cookieName(sessionCookie)); err == nil {
		p.sessions.replace(cookie.Value, old, n)
	}
}

// startSession gives the browser a fresh handle, whatever it had before.
func (p *Portal) startSession(w http.ResponseWriter, r *http.Request, n *session) {
	p.forgetSession(r)
	http.SetCookie(w, p.cookie(p.cookieName(sessionCookie), p.sessions.add(n), sessionLifetime))
}

// logout ends the session at the portal. The provider keeps none that would have to end too.
func (p *Portal) logout(w http.ResponseWriter, r *http.Request) {
	p.forgetSession(r)
	http.SetCookie(w, p.cookie(p.cookieName(sessionCookie), "", -1))
	http.Redirect(w, r, homePath, http.StatusSeeOther)
}

func (p *Portal) forgetSession(r *http.Request) {
	if cookie, err := r.Cookie(p.cookieName(sessionCookie)); err == nil {
		p.sessions.remove(cookie.Value)
	}
}
