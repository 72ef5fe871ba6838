package ui

import (
	"net/http"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// What a browser remembers beyond a login: the language that was chosen on a page, and, for those who wish so, the way in.
// Neither says who the person is.
const (
	languagePreference = "language"
	// wayPreference is the way, as its factors joined by "_", and after a dot the kind of identifier.
	wayPreference      = "way"
	preferenceLifetime = 365 * 24 * time.Hour
)

// preference returns what the browser remembers under the name, or whatever else is in its place.
func (j cookieJar) preference(r *http.Request, name string) string {
	c, err := r.Cookie(j.name(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// setPreference has the browser remember the value. It forgets an empty one.
func (j cookieJar) setPreference(w http.ResponseWriter, name, value string) {
	age := int(preferenceLifetime.Seconds())
	if value == "" {
		age = -1
	}
	http.SetCookie(w, j.cookie(name, value, age))
}

// wishes are the languages that the client and the person wish for, where the person has not chosen one for this login: a
// client that says one knows better than what was chosen at another.
func (u *UI) wishes(r *http.Request, s *login.State) []string {
	return append(s.UILocales[:len(s.UILocales):len(s.UILocales)], u.cookies.preference(r, languagePreference))
}

// remembered returns the way, and the kind of identifier, that the browser remembers; both empty if none.
func (v *visit) remembered() (way, kind string) {
	way, kind, _ = strings.Cut(v.cookies.preference(v.r, wayPreference), ".")
	return way, kind
}

// rememberWay has the browser remember the way that was chosen, or forget the one before.
func (v *visit) rememberWay(wish bool, s *login.State) {
	way, kind := v.remembered()
	switch {
	case wish && s.Option >= 0 && s.Option < len(s.Options):
		v.cookies.setPreference(v.w, wayPreference, wayName(s.Options[s.Option])+"."+kind)
	case !wish && way != "":
		v.cookies.setPreference(v.w, wayPreference, "")
	}
}

// rememberKind adds the kind of identifier to the way that the browser remembers.
func (v *visit) rememberKind(kind string) {
	if way, before := v.remembered(); way != "" && kind != before {
		v.cookies.setPreference(v.w, wayPreference, way+"."+kind)
	}
}

// wayName names a way to log in by its factors.
func wayName(set authenticator.FactorSet) string {
	names := make([]string, len(set))
	for i, f := range set {
		names[i] = string(f)
	}
	return strings.Join(names, "_")
}
