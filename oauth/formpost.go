package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// formScript sends the form, so that people need not.
const formScript = `document.getElementById("response-form").submit()`

// writeForm answers with a page whose form brings the parameters to the client (OAuth 2.0 Form Post Response Mode). A
// browser without JavaScript shows its button.
//
// The script is allowed by its hash, and nothing else may run or be loaded. The form may lead to any origin of the
// redirect URI's scheme: browsers hold the redirects that follow a form to the policy too, and where those of the client
// lead is not registered. The client learns the provider's origin, by which it can tell where the form comes from.
func (a *AuthorizationResponse) writeForm(w http.ResponseWriter) {
	digest := sha256.Sum256([]byte(formScript))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+
		"'; form-action "+formScheme(a.RedirectURI)+":; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin")
	io.WriteString(w, a.page())
}

func (a *AuthorizationResponse) page() string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Continue</title>
</head>
<body>
<main>
<form id="response-form" method="post" action="` + html.EscapeString(a.RedirectURI) + `">
`)
	parameters := a.sent()
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		b.WriteString(`<input type="hidden" name="` + html.EscapeString(name) +
			`" value="` + html.EscapeString(parameters.Get(name)) + "\">\n")
	}
	b.WriteString(`<h1>Continue</h1>
<p>One more step, and you are back where you came from.</p>
<button id="response-submit" type="submit">Continue</button>
</form>
</main>
<script>` + formScript + `</script>
</body>
</html>
`)
	return b.String()
}

// formScheme is the scheme of a redirect URI to which a form can be posted, or empty. An app that is called by a scheme
// of its own gets no body.
func formScheme(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme
}
