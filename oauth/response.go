package oauth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// ResponseMode is how an authorization response travels to the client.
type ResponseMode string

// The response modes: OAuth 2.0 Multiple Response Type Encoding Practices, OAuth 2.0 Form Post Response Mode, and JARM. A
// response in a fragment is not among them: scripts, logs of browsers and open redirectors would see it.
const (
	// ModeQuery is the default: the browser is redirected, with the parameters in the query.
	ModeQuery ResponseMode = "query"
	// ModeFormPost has the browser post the parameters to the client.
	ModeFormPost ResponseMode = "form_post"
	// ModeJWT is ModeQueryJWT, the default for a signed response to a code request.
	ModeJWT ResponseMode = "jwt"
	// ModeQueryJWT is ModeQuery with the single parameter response: a JWT with the others in it.
	ModeQueryJWT ResponseMode = "query.jwt"
	// ModeFormPostJWT is the same for ModeFormPost.
	ModeFormPostJWT ResponseMode = "form_post.jwt"
)

var responseModes = []ResponseMode{ModeQuery, ModeFormPost, ModeJWT, ModeQueryJWT, ModeFormPostJWT}

func (m ResponseMode) signed() bool {
	return m == ModeJWT || m == ModeQueryJWT || m == ModeFormPostJWT
}

func (m ResponseMode) posted() bool { return m == ModeFormPost || m == ModeFormPostJWT }

// carries reports whether the state arrives as it was sent. Browsers rewrite line breaks in the fields of a form.
func (m ResponseMode) carries(state string) bool {
	return m != ModeFormPost || !strings.ContainsAny(state, "\x00\r\n")
}

// readResponseMode reads how the client wants its answer. The mode stays as it is if it cannot have it so.
func (s *Server) readResponseMode(client *Client, req *AuthorizationRequest, f form) error {
	value, err := f.get("response_mode")
	if err != nil {
		return err
	}
	mode, alg := ResponseMode(value), jose.SignatureAlgorithm("")
	if mode.signed() {
		alg = s.responseAlgorithm(client)
	}
	switch {
	case mode == "" || mode == ModeQuery:
		return nil
	case !slices.Contains(responseModes, mode):
		return refuse(InvalidRequest, "the response mode is not supported")
	case mode.posted() && formScheme(req.RedirectURI) == "":
		return refuse(InvalidRequest, "a form cannot be posted to the redirect URI")
	case mode.signed() && alg == "":
		return refuse(InvalidRequest, "responses to the client cannot be signed")
	}
	req.ResponseMode, req.ResponseAlgorithm = mode, alg
	return nil
}

// AuthorizationResponse is the answer to an authorization request, on its way to the client through the browser. It can
// be stored as JSON, and written again.
type AuthorizationResponse struct {
	RedirectURI string     `json:"redirect_uri"`
	Parameters  url.Values `json:"parameters"`
	// Mode is how the response travels. Empty means query.
	Mode ResponseMode `json:"response_mode,omitempty"`
	// JWT has the Parameters signed, if the mode is one of those, and goes in their place.
	JWT string `json:"jwt,omitempty"`
}

// responseParameters are what an authorization response, or an error, may carry (RFC 6749 sections 4.1.2 and 4.1.2.1,
// RFC 9207, JARM section 2.3).
var responseParameters = []string{"code", "state", "iss", "error", "error_description", "error_uri", "response"}

// sent returns the parameters that the client gets to see.
func (a *AuthorizationResponse) sent() url.Values {
	if a.JWT != "" {
		return url.Values{"response": {a.JWT}}
	}
	return a.Parameters
}

// URL is where the browser goes: the redirect URI with its own query, then the parameters of the response, unless a form
// carries those.
func (a *AuthorizationResponse) URL() string {
	if a.Mode.posted() {
		return a.RedirectURI
	}
	separator := "?"
	switch {
	case strings.HasSuffix(a.RedirectURI, "?"):
		separator = ""
	case strings.Contains(a.RedirectURI, "?"):
		separator = "&"
	}
	// A plus sign in a query means a space to most readers of a query, %20 to all of them.
	return a.RedirectURI + separator + strings.ReplaceAll(a.sent().Encode(), "+", "%20")
}

// Write sends the browser to the client. The status of a redirect is 303, so that a POST is not repeated there with its
// body (RFC 9700 section 4.12).
func (a *AuthorizationResponse) Write(w http.ResponseWriter) {
	noStore(w.Header())
	if a.Mode.posted() {
		a.writeForm(w)
		return
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", a.URL())
	w.WriteHeader(http.StatusSeeOther)
}

func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache") // RFC 6749 section 5.1
}
