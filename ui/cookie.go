package ui

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gosignet/signet/login"
)

// maxLogins is how many logins a browser carries at once.
const maxLogins = 10

// cookieJar keeps the handles of logins in the browser, each in a cookie that is named after its login. The language
// that the person chose follows the handle, after a dot. The token of the session is in a cookie of its own.
type cookieJar struct {
	secure bool
	// sessionName is the name of the session's cookie.
	sessionName string
}

// defaultBase is the base path under which the session's cookie needs no more of a name.
const defaultBase = "/login/"

// newCookieJar names the session's cookie after the base path: browsers send it to every provider on the host.
func newCookieJar(secure bool, base string) cookieJar {
	j := cookieJar{secure: secure}
	j.sessionName = j.prefix() + "session"
	if base != defaultBase {
		sum := sha256.Sum256([]byte(base))
		j.sessionName += "-" + hex.EncodeToString(sum[:4])
	}
	return j
}

// session returns the token of the session that the browser carries, or whatever else is in its place.
func (j cookieJar) session(r *http.Request) string {
	c, err := r.Cookie(j.sessionName)
	if err != nil {
		return ""
	}
	return c.Value
}

// setSession gives the browser the token until the browser is closed, at the latest. An empty one takes it away.
func (j cookieJar) setSession(w http.ResponseWriter, token string) {
	c := j.cookie("", token, 0)
	c.Name = j.sessionName
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func (j cookieJar) prefix() string {
	if j.secure {
		return "__Host-signet-"
	}
	return "signet-"
}

func (j cookieJar) name(id string) string { return j.prefix() + id }

// handle returns the handle of the login that the browser carries, and the chosen language. It is empty if the cookie
// is missing or does not fit its name.
func (j cookieJar) handle(r *http.Request, id string) (handle, language string) {
	c, err := r.Cookie(j.name(id))
	if err != nil {
		return "", ""
	}
	handle, language, _ = strings.Cut(c.Value, ".")
	language, _, _ = strings.Cut(language, ".")
	if login.ID(handle) != id {
		return "", ""
	}
	return handle, language
}

// afterwards is how long the cookie outlives its login, which opens nothing then, to tell where the person came from.
const afterwards = 30 * time.Minute

// set gives the browser the handle for as long as the login lasts, and the origin of the client for a while longer.
func (j cookieJar) set(w http.ResponseWriter, handle, language string, s *login.State, remaining time.Duration) {
	value := handle + "." + language
	if origin := webOrigin(s.RedirectURI); origin != "" {
		value += "." + base64.RawURLEncoding.EncodeToString([]byte(origin))
	}
	http.SetCookie(w, j.cookie(login.ID(handle), value, max(1, int(math.Ceil((remaining+afterwards).Seconds())))))
}

// origin returns the origin of the client of a login of this browser, or nothing.
func (j cookieJar) origin(r *http.Request, id string) string {
	c, err := r.Cookie(j.name(id))
	if err != nil {
		return ""
	}
	parts := strings.Split(c.Value, ".")
	if len(parts) != 3 || login.ID(parts[0]) != id {
		return ""
	}
	origin, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return ""
	}
	return webOrigin(string(origin))
}

// webOrigin is the origin of a URI that a page may link, or nothing.
func webOrigin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || webURI(uri) == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// makeRoom expires the oldest logins in the browser until one more fits. Browsers send their oldest cookie first
// (RFC 6265 section 5.4).
func (j cookieJar) makeRoom(w http.ResponseWriter, r *http.Request) {
	ids := j.logins(r)
	for i := range max(0, len(ids)-maxLogins+1) {
		http.SetCookie(w, j.cookie(ids[i], "", -1))
	}
}

// logins returns the public names of the logins that the browser carries, the oldest first.
func (j cookieJar) logins(r *http.Request) (ids []string) {
	for _, c := range r.Cookies() {
		if id, ok := strings.CutPrefix(c.Name, j.prefix()); ok && validID(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (j cookieJar) cookie(id, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name:     j.name(id),
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		Secure:   j.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

// validID reports whether a part of a path can be the public name of a login.
func validID(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return len(id) == 22
}
