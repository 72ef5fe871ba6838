package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oidc"
)

// maxLogoutBytes bounds a request to log out, of which the ID Token is the largest part.
const maxLogoutBytes = 64 << 10

// logoutFields are the parameters that the page's form repeats.
var logoutFields = []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "lang"}

type logoutView struct {
	*page
	Lead, Action          string
	Fields                []fieldView
	ReturnURI, ReturnText string
	Code, Description     string
}

type fieldView struct{ Name, Value string }

// logoutVisit is a request to log out.
type logoutVisit struct {
	*UI
	w       http.ResponseWriter
	r       *http.Request
	form    url.Values
	request *oidc.LogoutRequest
	locale  *locale
	// session is the token that came with the request. An empty one proves nothing: browsers keep it back from a form
	// that another site sends.
	session string
}

// LogoutHandler serves the end session endpoint (OpenID Connect RP-Initiated Logout 1.0), by GET and POST. A person whom
// the client shows to be the one who is logged in, by an ID Token, is logged out at once; everybody else is asked. Only
// a client that shows an ID Token has the browser sent back by itself, others get a link. It needs Config.Logout.
func (u *UI) LogoutHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.setHeaders(w.Header(), "")
		r = withSource(r)
		v := &logoutVisit{UI: u, w: w, r: r, session: u.cookies.session(r)}
		if err := v.read(); err != nil {
			v.refuse(err)
			return
		}
		request, err := u.logout.ParseLogoutRequest(r.Context(), v.form)
		if err != nil {
			v.unavailable(err)
			return
		}
		v.request = request
		v.locale = u.catalog.negotiate(v.form.Get("lang"), request.UILocales, r.Header.Get("Accept-Language"))
		v.serve()
	})
}

var errMethod = errors.New("ui: the method is not GET or POST")

// read reads the parameters from the query or the body, never from both.
func (v *logoutVisit) read() error {
	switch v.r.Method {
	case http.MethodGet:
		if len(v.r.URL.RawQuery) > maxLogoutBytes {
			return errBadForm
		}
		form, err := url.ParseQuery(v.r.URL.RawQuery)
		v.form = form
		return err
	case http.MethodPost:
		v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxLogoutBytes)
		err := v.r.ParseForm()
		v.form = v.r.PostForm
		return err
	}
	return errMethod
}

func (v *logoutVisit) serve() {
	session, err := v.flow.Session(v.r.Context(), v.session, v.request)
	switch {
	case errors.Is(err, login.ErrUnknown):
		if v.r.Method == http.MethodPost && !v.confirmed() {
			v.ask(nil) // the browser may have kept the session back
			return
		}
	case err != nil:
		v.unavailable(err)
		return
	case !session.Hinted && !v.confirmed():
		v.ask(session)
		return
	}
	if err := v.flow.LogOut(v.r.Context(), v.session); err != nil {
		v.unavailable(err)
		return
	}
	if v.session != "" {
		v.cookies.setSession(v.w, "")
	}
	v.done()
}

// confirmed reports whether the person pressed the button of our own page.
func (v *logoutVisit) confirmed() bool {
	if v.r.Method != http.MethodPost || v.form.Get("confirm") != "yes" || v.origin.Check(v.r) != nil {
		return false
	}
	return v.r.Header.Get("Sec-Fetch-Site") == "same-origin" ||
		v.session != "" && isCSRFToken(v.form.Get("csrf"), v.session)
}

// ask shows the page that asks. The session is nil if it is not known whether there is one.
func (v *logoutVisit) ask(session *login.Session) {
	l := v.locale
	view := v.view(l.text("logout.title"))
	view.Heading = l.text("logout.heading")
	view.Lead = l.text("logout.lead_unknown")
	if session != nil && session.Account != "" {
		view.Lead = l.text("logout.lead", "account", session.Account)
	}
	view.Action = v.r.URL.EscapedPath()
	if session != nil {
		view.Fields = []fieldView{{"csrf", csrfToken(v.session)}}
	}
	for _, name := range logoutFields {
		for _, value := range v.form[name] {
			view.Fields = append(view.Fields, fieldView{name, value})
		}
	}
	if len(view.Fields) == 0 {
		view.Fields = []fieldView{{"ui_locales", l.code}}
	}
	v.setHeaders(v.w.Header(), v.request.RedirectURI)
	v.render(v.w, v.r, http.StatusOK, v.pages.in(l).logout, view)
}

// done sends the person back to the client, or says that they are logged out.
func (v *logoutVisit) done() {
	back := v.request.ReturnURL()
	if back != "" && v.request.Hinted() {
		v.setHeaders(v.w.Header(), v.request.RedirectURI)
		redirect(v.w, back)
		return
	}
	l := v.locale
	view := v.view(l.text("logout.done_title"))
	view.Lead = l.text("logout.done_lead")
	if strings.HasPrefix(back, "https:") || strings.HasPrefix(back, "http:") { // not an app that may be gone
		view.ReturnURI, view.ReturnText = back, l.text("common.return", "client", l.clientText(v.request.Client.Names, maxName).Text)
	}
	v.render(v.w, v.r, http.StatusOK, v.pages.in(l).logout, view)
}

func (v *logoutVisit) view(title string) *logoutView {
	view := &logoutView{page: v.page(v.locale, title, nil)}
	view.Languages = v.languagesHere(v.r, v.locale)
	if p := v.request.Problem; p != nil {
		view.Code, view.Description = string(p.Code), p.Description
	}
	return view
}

func (v *logoutVisit) refuse(err error) {
	if errors.Is(err, errMethod) {
		v.w.Header().Set("Allow", "GET, POST")
		v.fail(v.w, v.r, failure{kind: "method", status: http.StatusMethodNotAllowed})
		return
	}
	status := http.StatusBadRequest
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status = http.StatusRequestEntityTooLarge
	}
	v.fail(v.w, v.r, failure{kind: "bad_form", status: status, code: "invalid_request"})
}

func (v *logoutVisit) unavailable(err error) {
	v.log.ErrorContext(v.r.Context(), "a logout cannot go on", "error", err)
	v.fail(v.w, v.r, failure{kind: "unavailable", status: http.StatusServiceUnavailable})
}
