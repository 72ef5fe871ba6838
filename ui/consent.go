package ui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oidc"
)

type consentView struct {
	*page
	Lead, EssentialHint, VoluntaryHint, ScopesHint string
	// Required says that the essential claims are no choice.
	Required                     bool
	Essential, Voluntary, Scopes []choiceView
	// Several says that there is more than one thing that nobody has to share, so that all can be ticked at once.
	Several                                bool
	PolicyURI, PolicyText, TOSURI, TOSText string
}

// choiceView is a claim or a scope that a person decides on.
type choiceView struct {
	// Group is the name of the field, Name its value.
	Group, Name, Label, ID  string
	Fixed, Optional, Chosen bool
	// Tag says that, and why, the person has not decided on it yet.
	Tag   string
	About *aboutView
}

// aboutView is what there is to say about the verification of a claim.
type aboutView struct {
	ID, Verified, Frameworks, Evidence string
	// Purpose is in the client's own words, in a language that nobody knows, after PurposeLead.
	Purpose, PurposeLead string
}

// maxPurpose and maxName bound texts of clients on a page, in characters.
const (
	maxPurpose = 300
	maxName    = 100
)

// consentView returns the page as it is first shown or, for a form that chose to tick all or nothing, with what it says.
func (v *visit) consentView(l *locale, s *login.State, client *clientView, form url.Values) (*pageTemplate, *consentView) {
	p := v.loginPage(l, s, client, l.text("consent.title"))
	p.Heading = l.text("consent.heading", "client", client.Name)
	v.enhance(p, consentScript)
	p.Leave = leaveLead(l, client)
	p.Time.decide(l, client)
	hint := "consent.essential_hint"
	if s.Required {
		hint = "consent.required_hint"
	}
	c := &consentView{
		page:          p,
		Lead:          l.text(consentLead(l, s), "client", client.Name),
		EssentialHint: l.text(hint, "client", client.Name),
		VoluntaryHint: l.text("consent.voluntary_hint", "client", client.Name),
		ScopesHint:    l.text("consent.scopes_hint", "client", client.Name),
		Required:      s.Required,
		Several:       len(s.Voluntary)+len(s.Scopes) > 1,
		PolicyURI:     webURI(s.Client.PolicyURI(l.names...)),
		PolicyText:    l.text("consent.policy", "client", client.Name),
		TOSURI:        webURI(s.Client.TOSURI(l.names...)),
		TOSText:       l.text("consent.tos", "client", client.Name),
	}
	choices := func(group string, names []string, essential bool) []choiceView {
		views := make([]choiceView, len(names))
		for i, name := range names {
			id := group + "-" + name
			chosen := essential
			if form != nil {
				chosen = essential && slices.Contains(form[group], name) || !essential && form.Get("select") == "all"
			}
			views[i] = choiceView{
				Group: group, Name: name, Label: l.label(group, name), ID: id, Tag: newTag(l, s, name),
				Fixed: essential && s.Required, Optional: !essential, Chosen: chosen,
			}
			if group == "claim" {
				views[i].About = aboutVerified(l, s, client, name)
			}
		}
		return views
	}
	c.Essential, c.Voluntary = choices("claim", s.Essential, true), choices("claim", s.Voluntary, false)
	c.Scopes = choices("scope", s.Scopes, false)
	return v.pages.in(l).consent, c
}

// consentLead is the text that says why the person is asked.
func consentLead(l *locale, s *login.State) string {
	if len(s.Essential)+len(s.Voluntary)+len(s.Scopes) == 0 {
		return "consent.nothing"
	}
	if because := "consent.because." + string(s.AskedBecause); l.has(because) {
		return because
	}
	return "consent.lead"
}

// newTag marks what the person has not decided on, as long as that is not everything.
func newTag(l *locale, s *login.State, name string) string {
	all := len(s.Essential) + len(s.Voluntary) + len(s.Scopes)
	if len(s.New) >= all || !slices.Contains(s.New, name) {
		return ""
	}
	switch s.AskedBecause {
	case consent.Expired, consent.Refused, consent.NewText:
		return l.text("consent.again")
	}
	return l.text("consent.new")
}

// aboutVerified says what there is to say about a claim that is shared with how it was verified.
func aboutVerified(l *locale, s *login.State, client *clientView, name string) *aboutView {
	item, v := newAboutView(l, s, client, name, "consent.frameworks")
	if v == nil {
		return nil
	}
	v.Verified = l.text("consent.verified")
	if item.Plain {
		v.Verified = l.text("consent.verified_or_plain")
	}
	if item.Evidence {
		v.Evidence = l.text("consent.evidence", "client", client.Name)
	}
	return v
}

// newAboutView says by which rules and why the client wants a claim verified: by the text for the key, and in its own words.
func newAboutView(l *locale, s *login.State, client *clientView, name, key string) (*oidc.VerifiedItem, *aboutView) {
	i := slices.IndexFunc(s.Verified, func(item oidc.VerifiedItem) bool { return item.Name == name })
	if i < 0 {
		return nil, nil
	}
	item := &s.Verified[i]
	v := &aboutView{ID: "about-" + strconv.Itoa(i), Purpose: plainText(item.Purpose, maxPurpose)}
	if len(item.TrustFrameworks) > 0 {
		names := make([]string, len(item.TrustFrameworks))
		for i, framework := range item.TrustFrameworks {
			names[i] = l.isolate(plainText(l.label("trust_framework", framework), maxName))
		}
		v.Frameworks = l.text(key, "frameworks", strings.Join(names, l.text("consent.frameworks_join")))
	}
	if v.Purpose != "" {
		v.PurposeLead = l.text("consent.purpose", "client", client.Name)
	}
	return item, v
}

// consent takes the person's decision. A form whose button ticks all or nothing only changes the page.
func (v *visit) consent(form url.Values) {
	if form.Has("select") {
		state, err := v.flow.State(v.r.Context(), v.handle)
		if err != nil {
			v.failed(err)
			return
		}
		if state.Step == login.StepConsent {
			v.setHeaders(v.w.Header(), state.RedirectURI)
			l := v.locale(state)
			t, view := v.consentView(l, state, newClientView(l, state), form)
			v.show(state, t, view)
			return
		}
		v.moved(state, nil)
		return
	}
	d := login.Decision{Claims: form["claim"], Scopes: form["scope"]}
	if l := v.catalog.byCode[form.Get("language")]; l != nil {
		d.Language = l.code
	}
	v.moved(v.flow.Decide(v.r.Context(), v.handle, d))
}

// plainText is a client's text as one line of at most so many characters, without what would turn its direction around.
func plainText(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	return string(runes)
}

// webURI returns the URI if a page may link it, and otherwise nothing.
func webURI(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return ""
	}
	return uri
}
