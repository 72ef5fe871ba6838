package ui

import (
	"net/http"
	"strconv"
	"strings"
)

// failure is a page that ends in no login.
type failure struct {
	// kind names the texts of the page: the group error.<kind>.
	kind   string
	status int
	// code and description are those of an OAuth error.
	code, description string
	// id is the login, if the failure is of one; back leads to it again.
	id   string
	back bool
}

// retryAfter is what is asked of browsers and proxies while the provider's backends are away, in seconds.
const retryAfter = 30

func (u *UI) fail(w http.ResponseWriter, r *http.Request, f failure) {
	handle, chosen := u.cookies.handle(r, f.id)
	q := r.URL.Query()
	if lang := q.Get("lang"); u.catalog.byCode[lang] != nil {
		chosen = lang
	}
	var wishes []string
	if handle == "" {
		wishes = q["ui_locales"]
	}
	wishes = append(wishes, u.cookies.preference(r, languagePreference))
	l := u.catalog.negotiate(chosen, fields(wishes), r.Header.Get("Accept-Language"))
	title := l.text("error." + f.kind + ".title")
	v := &errorView{
		page:        u.page(l, title, nil),
		Lead:        l.text("error."+f.kind+".text", "cookie", u.cookies.name(f.id)),
		Next:        l.text("error."+f.kind+".next", "host", r.Host),
		Code:        f.code,
		Description: f.description,
	}
	v.Heading, v.Languages = title, u.languagesHere(r, l)
	v.Help = u.links.help(l, f.id)
	if f.id != "" {
		v.Reference = l.text("common.reference", "id", f.id)
	}
	if f.back {
		v.ReturnURI, v.ReturnText = u.base+f.id+"/", l.text("error.back")
	}
	if origin := u.cookies.origin(r, f.id); origin != "" && v.ReturnURI == "" {
		v.ReturnURI, v.ReturnText = origin+"/", l.text("common.return", "client", strings.TrimPrefix(strings.TrimPrefix(origin, "https://"), "http://"))
	}
	u.setHeaders(w.Header(), "")
	w.Header().Set("Referrer-Policy", "no-referrer") // there is no form
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	u.render(w, r, f.status, u.pages.in(l).failure, v)
}

// fields returns the words of all values, as in ui_locales.
func fields(values []string) []string {
	return strings.Fields(strings.Join(values, " "))
}
