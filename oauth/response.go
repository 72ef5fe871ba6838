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

// responseParameters are what an authorization response, or an error, may carry (RFC 6749 sections 4.1.2 and 4.1.2.1,
// RFC 9207).
var responseParameters = []string{"code", "state", "iss", "error", "error_description", "error_uri"}

// URL is where the browser goes: the redirect URI with its own query, then the parameters of the response.
func (a *AuthorizationResponse) URL() string {
	separator := "?"
	switch {
	case strings.HasSuffix(a.RedirectURI, "?"):
		separator = ""
	case strings.Contains(a.RedirectURI, "?"):
		separator = "&"
	}
	// A plus sign in a query means a space to most readers of a query, %20 to all of them.
	return a.RedirectURI + separator + strings.ReplaceAll(a.Parameters.Encode(), "+", "%20")
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
	h.Set("Pragma", "no-cache") // RFC 6749 section 5.1
}
