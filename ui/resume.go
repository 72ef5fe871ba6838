package ui

import (
	"net/http"

	"github.com/gosignet/signet/login"
)

// Resume implements [oauth.Resumer]: a reload of the authorization request, or the back button past the first page,
// leads to the login that this browser began with the same request_uri. Of what claims to be a login no more is looked up
// than a browser carries.
func (u *UI) Resume(w http.ResponseWriter, r *http.Request, clientID, requestURI string) bool {
	r = withSource(r)
	ids := u.cookies.logins(r)
	for _, id := range ids[max(0, len(ids)-maxLogins):] {
		handle, _ := u.cookies.handle(r, id)
		if handle == "" {
			continue
		}
		state, err := u.flow.State(r.Context(), handle)
		if err != nil || state.Step == login.StepDone || state.RequestURI != requestURI || state.Client.ID != clientID {
			continue
		}
		u.setHeaders(w.Header(), "")
		redirect(w, u.base+id+"/"+place(state))
		return true
	}
	return false
}
