package ui

import (
	"net/http"

	"github.com/gosignet/signet/login"
)

// Resume implements [oauth.Resumer]: a reload of the authorization request, or the back button past the first page,
// leads to the login that this browser began with the same request_uri.
func (u *UI) Resume(w http.ResponseWriter, r *http.Request, requestURI string) bool {
	for _, id := range u.cookies.logins(r) {
		handle, _ := u.cookies.handle(r, id)
		if handle == "" {
			continue
		}
		state, err := u.flow.State(r.Context(), handle)
		if err != nil || state.Step == login.StepDone || state.RequestURI != requestURI {
			continue
		}
		setHeaders(w.Header(), "")
		redirect(w, u.base+id+"/"+place(state))
		return true
	}
	return false
}
