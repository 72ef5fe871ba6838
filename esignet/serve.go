package esignet

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// ServeHTTP answers the calls under the prefix.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-XSS-Protection", "0")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "0")
	handler, pattern := a.mux.Handler(r)
	if pattern == "" {
		a.unrouted(w, r, handler)
		return
	}
	method, path, _ := strings.Cut(pattern, " ")
	if csrfProtected(method, strings.TrimPrefix(path, a.prefix)) && forged(r) {
		a.forbidden(w)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// unrouted answers what the mux has no handler for, or redirects, with a problem document (RFC 9457).
func (a *API) unrouted(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	probe := statusProbe{header: http.Header{}}
	handler.ServeHTTP(&probe, r)
	if allow := probe.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
	}
	path := strings.TrimPrefix(r.URL.Path, a.prefix)
	switch {
	case probe.status == http.StatusMethodNotAllowed && path == "/oidc/userinfo":
		w.Header().Set("WWW-Authenticate", `error="Method Not Allowed"`)
		w.WriteHeader(probe.status)
		return
	case probe.status == http.StatusMethodNotAllowed && strings.HasPrefix(path, "/oauth/"):
		writeOAuthError(w, probe.status, invalidRequest, "Method Not Allowed")
		return
	case probe.status == http.StatusMethodNotAllowed:
		problem(w, probe.status)
		return
	}
	problem(w, http.StatusNotFound)
}

// up tells eSignet's pages, which ask every few seconds and otherwise say that there is no network, that the server is there.
func up(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"status":"UP"}`)
}

// problem is an answer outside the API's own form of errors.
func problem(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(struct {
		Type     string `json:"type"`
		Title    string `json:"title"`
		Status   int    `json:"status"`
		Instance string `json:"instance"`
	}{"about:blank", http.StatusText(status), status, ""})
}

// statusProbe is a ResponseWriter that keeps what was answered to itself.
type statusProbe struct {
	header http.Header
	status int
}

func (p *statusProbe) Header() http.Header { return p.header }

func (p *statusProbe) Write(b []byte) (int, error) { return len(b), nil }

func (p *statusProbe) WriteHeader(status int) { p.status = status }
