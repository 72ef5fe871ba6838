package oauth

import (
	"net/http"
	"net/url"
	"strings"
)

// AuthorizationResponse is the answer to an authorization request, on its way to the client through the browser.
type AuthorizationResponse struct {
	RedirectURI string     `json:"redirect_uri"`
	Parameters  url.Values `json:"parameters"`
}

// URL is where the browser goes: the redirect URI with its own query, then the parameters of the response.
func (a *AuthorizationResponse) URL() string {
	separator := "?"
	switch {
	case strings.HasSuffix(a.RedirectURI, "?"):
		separator = ""
	case strings.Contains(a.RedirectURI, "?"):
		separator = "&"
	}
	return a.RedirectURI + separator + a.Parameters.Encode()
}

// Write sends the browser to the client. The status is 303, so that a POST is not repeated there with its body
// (RFC 9700 section 4.12).
func (a *AuthorizationResponse) Write(w http.ResponseWriter) {
	noStore(w.Header())
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", a.URL())
	w.WriteHeader(http.StatusSeeOther)
}

func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
}
