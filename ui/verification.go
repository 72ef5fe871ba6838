package ui

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/gosignet/signet/login"
)

// verificationView is the page that offers to have claims verified.
type verificationView struct {
	*page
	Lead, Why, Without string
	Claims             []unverifiedView
}

// unverifiedView is a claim that lacks verification.
type unverifiedView struct {
	Label string
	About *aboutView
}

// maxReturnBytes bounds the query that a browser brings back from a verification service.
const maxReturnBytes = 8 << 10

func (v *visit) verificationView(l *locale, s *login.State, client *clientView) (*pageTemplate, any) {
	p := v.loginPage(l, s, client, l.text("verification.title"))
	p.Time.decide(l, client)
	v.enhance(p, consentScript) // which asks before a login is given up
	p.Leave = leaveLead(l, client)
	v.policy.forms = append(v.policy.forms, "https:") // for the redirect to the service
	if !v.secure {
		v.policy.forms = append(v.policy.forms, "http:")
	}
	view := &verificationView{
		page:    p,
		Lead:    l.text("verification.lead", "client", client.Name),
		Why:     l.text("verification.why", "client", client.Name),
		Without: l.text("verification.without_hint", "client", client.Name),
	}
	for _, name := range s.Unverified {
		_, about := newAboutView(l, s, client, name, "verification.frameworks")
		if about != nil && about.Frameworks+about.Purpose == "" {
			about = nil
		}
		view.Claims = append(view.Claims, unverifiedView{Label: l.label("claim", name), About: about})
	}
	return v.pages.in(l).verification, view
}

// verification sends the browser to the verification service, or goes on without.
func (v *visit) verification(without bool) {
	if without {
		v.moved(v.flow.ResumeVerification(v.r.Context(), v.handle, nil))
		return
	}
	leave, err := v.flow.StartVerification(v.r.Context(), v.handle, v.publicOrigin()+v.base+v.id+"/"+returnPage)
	if err == nil && !v.leadsOut(leave.URI) {
		err = errors.New("ui: the verification service is at no https URI")
	}
	switch {
	case err == nil:
		v.setHeaders(v.w.Header(), "")
		redirect(v.w, leave.URI)
	case errors.Is(err, login.ErrUnknown):
		v.failed(err)
	case errors.Is(err, login.ErrStep): // sent twice, or past it
		v.setHeaders(v.w.Header(), "")
		v.redirect("")
	default:
		v.log.ErrorContext(v.r.Context(), "a verification cannot start", "transaction", v.id, "error", err)
		v.again("unavailable_verification")
	}
}

// resumeVerification takes what the browser brings back from the verification service. It comes from another site, so
// it has no token: what protects the login is that only its own browser has its cookie, which no site can have sent with
// anything but a page that the person sees, and that the flow compares the query with what the verification began with.
func (v *visit) resumeVerification() {
	state, err := v.flow.State(v.r.Context(), v.handle)
	if err != nil {
		v.failed(err)
		return
	}
	v.setHeaders(v.w.Header(), state.RedirectURI)
	h := v.r.Header
	seen := cmp.Or(h.Get("Sec-Fetch-Mode"), "navigate") == "navigate" && cmp.Or(h.Get("Sec-Fetch-Dest"), "document") == "document" &&
		h.Get("Sec-Purpose") == ""
	switch {
	case state.Step != login.StepVerification: // a reload, or back
		v.redirect(place(state))
		return
	case !seen:
		v.log.WarnContext(v.r.Context(), "a return from a verification was refused", "transaction", v.id)
		v.fail(v.w, v.r, failure{kind: "foreign_form", status: http.StatusForbidden, id: v.id, back: true})
		return
	}
	query, err := url.ParseQuery(v.r.URL.RawQuery)
	if err == nil && len(v.r.URL.RawQuery) <= maxReturnBytes {
		state, err = v.flow.ResumeVerification(v.r.Context(), v.handle, query)
		if state == nil || err == nil || state.Step != login.StepVerification {
			v.moved(state, err)
			return
		}
		v.log.WarnContext(v.r.Context(), "nothing came of a verification", "transaction", v.id, "error", err)
	}
	v.redirect(verificationPage + problemQuery("failed_verification"))
}

// publicOrigin is where people reach the provider.
func (v *visit) publicOrigin() string {
	switch {
	case v.publicURL != "":
		return v.publicURL
	case v.secure:
		return "https://" + v.r.Host
	}
	return "http://" + v.r.Host
}

// leadsOut reports whether forms may lead to the URI.
func (v *visit) leadsOut(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && webURI(uri) != "" && (u.Scheme == "https" || !v.secure)
}
