package main

import (
	"net/http"

	"github.com/google/uuid"
)

const interactionID = "X-Fapi-Interaction-Id"

// echoInteractionID sends back the identifier that a FAPI client gives its request, for both to find it in their logs.
// What is no UUID in its usual form is not sent back.
func echoInteractionID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(interactionID)
		if parsed, err := uuid.Parse(id); err == nil && len(id) == len(parsed.String()) {
			w.Header().Set(interactionID, id)
		}
		next.ServeHTTP(w, r)
	})
}
