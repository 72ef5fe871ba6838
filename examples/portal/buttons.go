package portal

import (
	"net/http"

	"github.com/gosignet/signet/ui/button"
)

// gallery is the page with every look of the sign-in button.
type gallery struct {
	Looks     []look
	Languages []string
	// RedirectURI and ClientID are what a button begins a login with.
	RedirectURI, ClientID string
}

// look is one look of the button.
type look struct{ Theme, Shape string }

// Link is the button as a link, which needs no script.
func (l look) Link(icon bool) button.Link {
	return button.Link{Href: loginPath, Theme: l.Theme, Shape: l.Shape, Icon: icon}
}

// buttons shows every look of the sign-in button, as a link and made by its script. The buttons begin a login, at the
// portal's own page for that: it is the one that knows its state again.
func (p *Portal) buttons(w http.ResponseWriter, r *http.Request) {
	g := gallery{Languages: p.pages.button.Languages(), RedirectURI: p.config.RedirectURI, ClientID: p.config.ClientID}
	for _, theme := range button.Themes() {
		for _, shape := range button.Shapes() {
			g.Looks = append(g.Looks, look{theme, shape})
		}
	}
	w.Header().Set("Content-Security-Policy", policy+"; script-src 'self'")
	p.render(w, r, p.pages.buttons, http.StatusOK, page{Title: "The sign-in button", SignedIn: p.session(r) != nil, Content: g})
}
