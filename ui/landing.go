package ui

import (
	"errors"
	"fmt"
	"net/http"
)

// Landing is what the page at the issuer's root says to whoever comes there.
type Landing struct {
	// Issuer is the issuer identifier. Required.
	Issuer string
	// Endpoints are what services need to know, such as the address of the provider's metadata.
	Endpoints []Endpoint
	// Account is the path of the account pages. Empty means that there are none.
	Account string
}

// Endpoint is an address that the landing page links.
type Endpoint struct{ Name, URI string }

type landingView struct {
	*page
	Root Landing
	Lead string
}

// LandingHandler serves the page, which knows nobody and keeps nothing.
func (u *UI) LandingHandler(c Landing) (http.Handler, error) {
	if c.Issuer == "" {
		return nil, errors.New("ui: Landing.Issuer is missing")
	}
	for _, e := range c.Endpoints {
		if e.Name == "" || webURI(e.URI) == "" {
			return nil, fmt.Errorf("ui: Landing.Endpoints: %q is no name with an https or http URI", e)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := u.openLocale(r)
		p := u.openPage(l, l.text("landing.title", "provider", l.nameIn(u.names)))
		u.showOpen(w, r, u.pages.in(l).landing, &landingView{page: p, Root: c, Lead: l.text("landing.lead")})
	}), nil
}

// openLocale is the language of a page that is of no login.
func (u *UI) openLocale(r *http.Request) *locale {
	q := r.URL.Query()
	return u.catalog.negotiate(q.Get("lang"), fields(q["ui_locales"]), r.Header.Get("Accept-Language"))
}

func (u *UI) openPage(l *locale, title string) *page {
	p := u.page(l, title, nil)
	p.Languages = u.languages[l]
	return p
}

// showOpen answers with a page that is of no login: it has no form, and is the same for everybody.
func (u *UI) showOpen(w http.ResponseWriter, r *http.Request, t *pageTemplate, view any) {
	u.setHeaders(w.Header(), "")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		u.fail(w, r, failure{kind: "method", status: http.StatusMethodNotAllowed})
		return
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Vary", "Accept-Language")
	u.render(w, r, http.StatusOK, t, view)
}
