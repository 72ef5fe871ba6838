package ui

import (
	"net/http"

	"github.com/gosignet/signet/oauth"
)

// Begin starts a login for the request and leads the browser to its first page. A login that cannot start is answered
// at the client.
func (u *UI) Begin(w http.ResponseWriter, r *http.Request, req *oauth.AuthorizationRequest) {
	setHeaders(w.Header(), "")
	handle, err := u.flow.Begin(r.Context(), req)
	if err != nil {
		u.flow.Refuse(r.Context(), req, err).Write(w)
		return
	}
	state, err := u.flow.State(r.Context(), handle)
	if err != nil {
		u.flow.Refuse(r.Context(), req, err).Write(w)
		return
	}
	u.cookies.makeRoom(w, r)
	u.cookies.set(w, handle, "", state.ExpiresAt.Sub(u.now()))
	redirect(w, u.base+state.ID+"/"+place(state))
}

// ShowError shows an authorization request's error that cannot be answered at the client. It logs nothing: who found
// the error does.
func (u *UI) ShowError(w http.ResponseWriter, r *http.Request, e *oauth.Error) {
	kind := "request"
	switch e.Code {
	case oauth.ServerError, oauth.TemporarilyUnavailable:
		kind = "unavailable"
	case oauth.AccessDenied:
		kind = "denied"
	}
	u.fail(w, r, failure{kind: kind, status: e.StatusCode(), code: string(e.Code), description: e.Description})
}

func redirect(w http.ResponseWriter, path string) {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
