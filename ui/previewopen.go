package ui

import "net/http"

// openScreens are those that are of no login.
func openScreens() []screen {
	return []screen{
		newScreen("landing", "The issuer's root", func(p *previewVisit) {
			handler, err := p.LandingHandler(Landing{
				Issuer: "https://" + previewHost, Account: p.base + previewLogin + "/account",
				Endpoints: []Endpoint{{"OpenID Connect Discovery", "https://" + previewHost + "/.well-known/openid-configuration"}},
			})
			if err != nil {
				http.Error(p.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
				return
			}
			handler.ServeHTTP(p.w, p.openRequest())
		}),
		newScreen("document", "Terms of use, privacy policy or accessibility statement", func(p *previewVisit) {
			l := p.locale()
			p.showOpen(p.w, p.openRequest(), p.pages.in(l).document, &documentView{
				page: p.openPage(l, l.text("links.terms")), Blocks: parseDocument(previewDocument), Language: "en", Dir: "ltr",
				Note: l.text("document.other_language"),
			})
		}),
	}
}

const previewDocument = `# What these pages are for

They let you prove who you are to a service.

# What we keep

- nothing that you type
- what you agreed to share, and with whom

More is at https://id.example.org/privacy.
`

// openRequest is the request with its language.
func (p *previewVisit) openRequest() *http.Request {
	query := ""
	if p.language != "" {
		query = "lang=" + p.language
	}
	return p.request(p.base, query)
}
