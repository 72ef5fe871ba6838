package ui

import (
	"net/http"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// Begin starts a login for the request and leads the browser to its first page, or to the client at once if the
// browser's session answers the request. A login that cannot start is answered at the client.
func (u *UI) Begin(w http.ResponseWriter, r *http.Request, req *oauth.AuthorizationRequest) {
	u.setHeaders(w.Header(), "")
	r = withSource(r)
	session := u.cookies.session(r)
	handle, state, err := u.flow.Begin(r.Context(), req, session)
	if err != nil {
		u.flow.Refuse(r.Context(), req, err).Write(w)
		return
	}
	if state.Step == login.StepDone {
		u.finish(w, r, handle, state)
		return
	}
	u.cookies.makeRoom(w, r)
	u.cookies.set(w, handle, "", state, state.ExpiresAt.Sub(u.now()))
	u.clientLogos.name(logoURI(state, u.negotiated(r, state, ""))) // to have it when the page is shown
	page := place(state)
	if r.Method == http.MethodPost && session == "" {
		page = "" // the browser may send its session only with what follows
	}
	redirect(w, u.base+state.ID+"/"+page)
}

// finish sends the browser to the client, and gives it its session before. A session that cannot be kept costs the next
// login, not this one.
func (u *UI) finish(w http.ResponseWriter, r *http.Request, handle string, state *login.State) {
	present := u.cookies.session(r)
	token, err := u.flow.KeepSession(r.Context(), handle, present)
	if err != nil {
		u.log.WarnContext(r.Context(), "a session could not be kept", "transaction", state.ID, "error", err)
	}
	if token != "" && token != present {
		u.cookies.setSession(w, token)
	}
	state.Response.Write(w)
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
