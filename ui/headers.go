package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// setHeaders sets what every page and redirect of the UI sends. The redirect URI is where forms of the page may lead
// in the end, or empty.
func (u *UI) setHeaders(h http.Header, redirectURI string) {
	policy{fonts: u.fonts}.set(h, u.ancestors, redirectURI)
	if len(u.ancestors) == 0 { // it cannot name origins
		h.Set("X-Frame-Options", "DENY")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// There is no Cross-Origin-Opener-Policy: any would cut a client that opens the login in a window off from that window.
	h.Set("Cache-Control", "no-store")
}

// policy is what a page may load or reach beyond what all pages may: sources of the Content-Security-Policy.
type policy struct {
	scripts, frames, connections, workers, forms []string
	// fonts says that the theme has some.
	fonts bool
	// camera lets the page use the camera.
	camera bool
}

func (p policy) set(h http.Header, ancestors []string, redirectURI string) {
	camera := "()"
	if p.camera {
		camera = "(self)"
	}
	h.Set("Permissions-Policy", "camera="+camera+", geolocation=(), microphone=(), payment=(), usb=()")
	framing := sources(ancestors)
	if framing == "" {
		framing = " 'none'"
	}
	var extra strings.Builder
	for _, d := range []struct {
		name    string
		sources []string
	}{{"connect-src", p.connections}, {"frame-src", p.frames}, {"worker-src", p.workers}} {
		if list := sources(d.sources); list != "" {
			extra.WriteString("; " + d.name + list)
		}
	}
	extra.WriteString(p.trustedTypes())
	if p.fonts {
		extra.WriteString("; font-src 'self'")
	}
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'"+sources(p.scripts)+
		"; style-src 'self'; img-src 'self' data:; form-action 'self'"+sources(slices.Compact(append([]string{formAction(redirectURI)}, p.forms...)))+
		"; frame-ancestors"+framing+"; base-uri 'none'"+extra.String())
}

// trustedTypes forbids what turns text into script, but for the one worker of the captcha. A service's own widget, on its
// own pages, may not be written for that.
func (p policy) trustedTypes() string {
	switch {
	case len(p.scripts) > 0:
		return ""
	case len(p.workers) > 0:
		return "; require-trusted-types-for 'script'; trusted-types signet"
	}
	return "; require-trusted-types-for 'script'; trusted-types 'none'"
}

// connect lets the scripts of the page call the provider.
func (v *visit) connect() {
	if !slices.Contains(v.policy.connections, "'self'") {
		v.policy.connections = append(v.policy.connections, "'self'")
	}
}

// sources writes a list of sources. What would end the list is none.
func sources(list []string) string {
	var b strings.Builder
	for _, s := range list {
		if s != "" && !strings.ContainsAny(s, ";, \t\r\n") {
			b.WriteString(" " + s)
		}
	}
	return b.String()
}

// formAction returns the source for the redirect URI: its scheme. Chromium applies form-action to every redirect that
// follows a form, to the client's own ones after the callback too, and those lead to origins that nobody registered: a
// policy that names the origin of the callback alone would leave people on a dead page with a spent code.
func formAction(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme == "" {
		return ""
	}
	return u.Scheme + ":"
}
