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

// errorResponse is the answer of RFC 6749 section 5.2.
type errorResponse struct {
	Error       ErrorCode `json:"error"`
	Description string    `json:"error_description,omitempty"`
}

func writeError(w http.ResponseWriter, e *Error) {
	writeValue(w, e.StatusCode(), errorResponse{e.Code, e.Description})
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
