package ui

import (
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/gosignet/signet/login"
)

// maxLogins is how many logins a browser carries at once.
const maxLogins = 10

// cookieJar keeps the handles of logins in the browser, each in a cookie that is named after its login. The language
// that the person chose follows the handle, after a dot.
type cookieJar struct{ secure bool }

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
	if login.ID(handle) != id {
		return "", ""
	}
	return handle, language
}

// set gives the browser the handle for as long as the login lasts.
func (j cookieJar) set(w http.ResponseWriter, handle, language string, remaining time.Duration) {
	value := handle
	if language != "" {
		value += "." + language
	}
	http.SetCookie(w, j.cookie(login.ID(handle), value, max(1, int(math.Ceil(remaining.Seconds())))))
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
