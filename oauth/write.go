package oauth

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// allow answers a request with another method than the allowed ones, and reports whether the handler goes on.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}

// retryAfter is when to come back after an outage, in seconds: while a code and a person's patience still last.
const retryAfter = "5"

// errorResponse is the answer of RFC 6749 section 5.2.
type errorResponse struct {
	Error       ErrorCode `json:"error"`
	Description string    `json:"error_description,omitempty"`
}

// writeError answers a client that called an endpoint itself.
func writeError(w http.ResponseWriter, r *http.Request, e *Error) {
	switch e.StatusCode() {
	case http.StatusUnauthorized:
		if r.Header.Get("Authorization") != "" { // a client that tried it must be answered in kind (RFC 6749 section 5.2)
			w.Header().Set("WWW-Authenticate", `Basic realm="not supported, use private_key_jwt"`)
		}
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	}
	writeValue(w, e.StatusCode(), errorResponse{e.Code, e.description()})
}

// WriteError answers a client that called an endpoint itself, with the JSON of RFC 6749 section 5.2, and logs what went
// wrong inside. It is for endpoints on top of the server.
func (s *Server) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	e := AsError(err)
	s.logError(r.Context(), "", e)
	writeError(w, r, e)
}

func writeValue(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // no type that is written here can fail
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	writeJSON(w, status, body)
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	noStore(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
