package ui

import (
	"github.com/gosignet/signet/login"
)

// leaveView asks whether a login that stands at a decision is to be given up.
type leaveView struct {
	*page
	Lead string
}

// asksBeforeLeaving reports whether the step is one at which giving up loses what the person did: they have logged in.
func asksBeforeLeaving(s *login.State) bool {
	return s.Step == login.StepVerification || s.Step == login.StepConsent
}

func (v *visit) leaveView(l *locale, s *login.State, client *clientView) (*pageTemplate, any) {
	p := v.loginPage(l, s, client, l.text("leave.title"))
	return v.pages.in(l).leave, &leaveView{page: p, Lead: leaveLead(l, client)}
}

func leaveLead(l *locale, client *clientView) string {
	return l.text("leave.lead", "client", client.Name)
}

// cancel gives the login up. Where it stands at a decision, the button asks first whether that is meant; a script asks
// in place, and sends the form without the question.
func (v *visit) cancel(ask bool) {
	if ask {
		state, err := v.flow.State(v.r.Context(), v.handle)
		if err == nil && asksBeforeLeaving(state) {
			v.setHeaders(v.w.Header(), state.RedirectURI)
			v.redirect(cancelPage)
			return
		}
	}
	v.moved(v.flow.Cancel(v.r.Context(), v.handle))
}
