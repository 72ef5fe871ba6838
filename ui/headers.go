package ui

import (
	"net/http"
	"net/url"
)

// setHeaders sets what every page and redirect of the UI sends. The redirect URI is where forms of the page may lead
// in the end, or empty.
func setHeaders(h http.Header, redirectURI string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"form-action 'self'"+formAction(redirectURI)+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// formAction returns the source for the redirect URI: its scheme. Chromium applies form-action to every redirect that
// follows a form, to the client's own ones after the callback too, and those lead to origins that nobody registered: a
// policy that names the origin of the callback alone would leave people on a dead page with a spent code.
func formAction(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme == "" {
		return ""
	}
	return " " + u.Scheme + ":"
}
