package ui

import (
	"net/http"
	"net/url"
	"regexp"
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

// hostSource matches the hosts that CSP has a syntax for, which leaves out IPv6 addresses.
var hostSource = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// formAction returns the source for the redirect URI: its origin, or its scheme where CSP cannot name the origin.
// Chromium applies form-action to the redirects that answer a form, too.
func formAction(redirectURI string) string {
	o, ok := origin(redirectURI)
	if !ok {
		if u, err := url.Parse(redirectURI); err == nil && u.Scheme != "" {
			return " " + u.Scheme + ":"
		}
		return ""
	}
	return " " + o
}

// origin returns the origin of an http or https URI in ASCII.
func origin(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || !hostSource.MatchString(u.Host) {
		return "", false
	}
	return u.Scheme + "://" + u.Host, true
}
