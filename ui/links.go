package ui

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// Links are pages of the deployment, as https or http URIs. Where one holds {language}, the language of the page stands
// there (BCP 47). Those that are empty are not linked.
type Links struct {
	// SignUp is where people get an account, and ForgottenPassword where they get another password. Both are told in the
	// query where to come back to (return_to, a page of the provider) and the language (ui_locales). A client may have said
	// that its people are not led there ([oauth.Client]).
	SignUp            string `json:"sign_up,omitempty"`
	ForgottenPassword string `json:"forgotten_password,omitempty"`
	// Terms, Privacy and Accessibility are the provider's terms of use, its privacy policy and its accessibility statement.
	Terms         string `json:"terms,omitempty"`
	Privacy       string `json:"privacy,omitempty"`
	Accessibility string `json:"accessibility,omitempty"`
	// Support is where people get help, which pages link that say what went wrong. It is told in the query the name of the
	// login (reference), by which the log and the audit trail call it too, and the language (ui_locales).
	Support string `json:"support,omitempty"`
}

func (k Links) check() error {
	var errs []error
	for _, link := range []struct{ name, uri string }{
		{"SignUp", k.SignUp}, {"ForgottenPassword", k.ForgottenPassword}, {"Terms", k.Terms}, {"Privacy", k.Privacy},
		{"Accessibility", k.Accessibility}, {"Support", k.Support},
	} {
		if link.uri != "" && webURI(inLanguage(link.uri, "en")) == "" {
			errs = append(errs, fmt.Errorf("ui: Links.%s: %q is no https or http URI", link.name, link.uri))
		}
	}
	return errors.Join(errs...)
}

func inLanguage(uri, language string) string { return strings.ReplaceAll(uri, "{language}", language) }

// in returns the links for the language.
func (k Links) in(language string) Links {
	for _, uri := range []*string{&k.SignUp, &k.ForgottenPassword, &k.Terms, &k.Privacy, &k.Accessibility, &k.Support} {
		*uri = inLanguage(*uri, language)
	}
	return k
}

// linksTo returns the links for the language. Documents of the deployment stand where it links nothing else.
func (u *UI) linksTo(l *locale) Links {
	k := u.links.in(l.code)
	for name, uri := range map[string]*string{
		termsDocument: &k.Terms, privacyDocument: &k.Privacy, accessibilityDocument: &k.Accessibility,
	} {
		if *uri == "" && u.documents[name] != nil {
			*uri = u.base + documentsPath + name + "?lang=" + l.code
		}
	}
	return k
}

// HasDocuments says that there is anything to link at the foot of a page.
func (k Links) HasDocuments() bool { return k.Terms != "" || k.Privacy != "" || k.Accessibility != "" }

// linksIn returns the links for a page of the login. An account is only of use to who has not proved yet who they are.
func (v *visit) linksIn(l *locale, s *login.State) Links {
	k := v.linksTo(l)
	proving := s.Step == login.StepChoose || s.Step == login.StepIdentify || s.Step == login.StepVerify
	if !proving || len(s.Succeeded) > 0 || refused(s.Client.SignUpBanner) {
		k.SignUp = ""
	}
	if s.Step != login.StepVerify || s.Factor != authenticator.Password || refused(s.Client.ForgottenPasswordLink) {
		k.ForgottenPassword = ""
	}
	back := url.Values{"return_to": {v.publicOrigin() + v.base + v.id + "/"}, "ui_locales": {l.code}}
	k.SignUp, k.ForgottenPassword = withQuery(k.SignUp, back), withQuery(k.ForgottenPassword, back)
	return k
}

// help returns where the person gets help with the login, or with a page that is of none; empty where nothing is linked.
func (k Links) help(l *locale, id string) string {
	q := url.Values{"ui_locales": {l.code}}
	if id != "" {
		q.Set("reference", id)
	}
	return withQuery(inLanguage(k.Support, l.code), q)
}

// withQuery adds to the query of a link, if it is one.
func withQuery(uri string, more url.Values) string {
	u, err := url.Parse(uri)
	if uri == "" || err != nil {
		return ""
	}
	q := u.Query()
	for name := range more {
		q.Set(name, more.Get(name))
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// refused reports whether a client says that it does not want something that it may leave to the pages.
func refused(wish *bool) bool { return wish != nil && !*wish }

func checkAncestors(origins []string) error {
	var errs []error
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || webURI(origin) == "" || u.Scheme+"://"+u.Host != origin || sources([]string{origin}) == "" {
			errs = append(errs, fmt.Errorf("ui: FrameAncestors: %q is no origin", origin))
		}
	}
	return errors.Join(errs...)
}
