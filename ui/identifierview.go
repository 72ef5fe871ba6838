package ui

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// identifierView is how the person says who they are.
type identifierView struct {
	Factor          string
	Identifiers     []identifierField
	IdentifierFixed bool
	// Kinds says that there are kinds of identifiers, of which not each is a number.
	Kinds bool
	// Anonymous says that the answer tells who the person is, or the session knows.
	Anonymous bool
}

// Choice says that there are several kinds of identifiers.
func (v identifierView) Choice() bool { return len(v.Identifiers) > 1 && !v.IdentifierFixed }

// identifierField is the field for one kind of identifier.
type identifierField struct {
	ID, Type, Name, Label, Hint, Missing, Value string
	Icon, Keyboard, Autocomplete                string
	Prefix                                      string
	Prefixes                                    []prefixView
	// Error is what is the matter with the value.
	Error                    string
	Checked, Fixed, Required bool
}

// prefixView is one of several prefixes. ID is that of the field while it is chosen.
type prefixView struct {
	Value, Label, ID string
	Chosen           bool
}

// identifierView returns the fields for the identifier, with what was typed into them.
func (v *visit) identifierView(l *locale, s *login.State, p *page) identifierView {
	view := identifierView{
		Factor: string(s.Factor), IdentifierFixed: s.IdentifierFixed, Kinds: len(v.identifiers) > 0,
		Anonymous: s.IdentifierKnown || s.Identifies && !s.IdentifierFixed,
	}
	if view.Anonymous {
		return view
	}
	value := s.Identifier.Value
	if value == "" {
		value = s.LoginHint
	}
	if len(v.identifiers) == 0 {
		id := identifierID(view.Factor, "")
		autocomplete := "username"
		if p.Passkey {
			autocomplete += " webauthn"
		}
		view.Identifiers = []identifierField{{
			ID: id, Name: "identifier", Label: l.text("identifier.label"), Hint: l.text("identifier.hint"),
			Missing: l.text("problem.missing_identifier"), Value: value, Autocomplete: autocomplete, Checked: true,
			Error: p.Problem.of(id), Fixed: s.IdentifierFixed, Required: true,
		}}
		return view
	}
	chosen := v.identifierType(s)
	for i := range v.identifiers {
		t := &v.identifiers[i]
		if s.IdentifierFixed && t != chosen {
			continue
		}
		f := identifierField{
			Type: t.Name, Name: "identifier." + t.Name, Label: t.label(l),
			Hint: l.nameIn(t.Hints), Icon: t.Icon, Keyboard: t.Keyboard, Autocomplete: "username",
			Checked: t == chosen, Fixed: s.IdentifierFixed, Required: len(v.identifiers) == 1,
		}
		f.Missing = l.text("answer.missing", "label", f.Label)
		switch {
		case p.Passkey:
			f.Autocomplete += " webauthn"
		case s.Factor == authenticator.OTP: // with a password, what a password manager knows
			f.Autocomplete = t.autocomplete()
		}
		prefix := v.chosenPrefix(t, s)
		switch {
		case v.typed != nil:
			f.Value = v.typed.Get(f.Name)
		case t == chosen:
			_, f.Value = t.split(value)
		}
		f.ID = identifierID(view.Factor, v.suffix(t, prefix))
		f.Error = p.Problem.of(f.ID)
		f.setPrefixes(t, prefix)
		for i := range f.Prefixes {
			f.Prefixes[i].ID = identifierID(view.Factor, v.suffix(t, i))
		}
		view.Identifiers = append(view.Identifiers, f)
	}
	return view
}

func (f *identifierField) setPrefixes(t *IdentifierType, chosen int) {
	if len(t.Prefixes) == 1 || f.Fixed && len(t.Prefixes) > 0 {
		f.Prefix = t.Prefixes[chosen].Value
		return
	}
	for i, p := range t.Prefixes {
		f.Prefixes = append(f.Prefixes, prefixView{
			Value: p.Value, Label: strings.TrimSpace(p.Label + " " + p.Value), Chosen: i == chosen,
		})
	}
}

// chosenPrefix is the index of the prefix that the field of a kind of identifier shows.
func (v *visit) chosenPrefix(t *IdentifierType, s *login.State) int {
	if v.typed != nil {
		return max(0, t.prefix(v.typed.Get("prefix."+t.Name)))
	}
	value := s.Identifier.Value
	if value == "" {
		value = s.LoginHint
	}
	prefix := -1
	if t == v.identifierType(s) {
		prefix, _ = t.split(value)
	}
	return max(0, prefix)
}

// know says whom the session knows, in place of the question who it is.
func (p *page) know(l *locale, s *login.State) {
	if s.IdentifierKnown {
		p.Known = l.text("account.present", "account", s.Account)
	}
}

// identifierID is the id of the field that is shown for the identifier, empty where there is none.
func (v *visit) identifierID(factor string, s *login.State) string {
	if s.IdentifierKnown {
		return ""
	}
	if len(v.identifiers) == 0 {
		return identifierID(factor, "")
	}
	t := v.identifierType(s)
	return identifierID(factor, v.suffix(t, v.chosenPrefix(t, s)))
}

var country = regexp.MustCompile(`^[A-Z]{3}$`)

// suffix is what the id of the field ends in: the country of the prefix, as in eSignet's pages, where no other kind has it
// too, and otherwise the kind of identifier.
func (u *UI) suffix(t *IdentifierType, prefix int) string {
	if prefix >= len(t.Prefixes) || !country.MatchString(t.Prefixes[prefix].Label) {
		return t.Name
	}
	label := t.Prefixes[prefix].Label
	has := func(p IdentifierPrefix) bool { return p.Label == label }
	for i := range u.identifiers {
		if u.identifiers[i].Name != t.Name && slices.ContainsFunc(u.identifiers[i].Prefixes, has) {
			return t.Name
		}
	}
	return label
}

// identifierType is the kind of identifier that the page begins with: what the person typed last, what fits the client's
// hint, or the first.
func (v *visit) identifierType(s *login.State) *IdentifierType {
	name := s.Identifier.Type
	if v.typed != nil {
		name = v.typed.Get("identifier_type")
	}
	for i := range v.identifiers {
		if v.identifiers[i].Name == name {
			return &v.identifiers[i]
		}
	}
	if s.LoginHint != "" && s.Identifier.Value == "" && v.typed == nil {
		for i := range v.identifiers {
			t := &v.identifiers[i]
			if prefix, typed := t.split(s.LoginHint); t.fits(max(0, prefix), typed) && (prefix >= 0 || len(t.Prefixes) == 0) {
				return t
			}
		}
	}
	if _, kind := v.remembered(); name == "" {
		name = kind
	}
	for i := range v.identifiers {
		if v.identifiers[i].Name == name {
			return &v.identifiers[i]
		}
	}
	return &v.identifiers[0]
}

// readIdentifier returns who the form says that the person is. It answers a form that has to be corrected itself, with
// what was typed, and reports whether to go on.
func (v *visit) readIdentifier(form url.Values) (id authenticator.Identifier, ok bool) {
	asked := form.Has("identifier") || form.Has("identified")
	if len(v.identifiers) == 0 && asked {
		id.Value = strings.TrimSpace(form.Get("identifier"))
		problem := identifierProblem(id)
		if problem != "" {
			v.again(problem)
		}
		return id, problem == ""
	}
	state, err := v.flow.State(v.r.Context(), v.handle)
	switch {
	case err != nil:
		v.failed(err)
		return id, false
	case state.IdentifierFixed, state.IdentifierKnown && !asked:
		return id, true
	case len(v.identifiers) == 0:
		v.again("missing_identifier")
		return id, false
	case !v.fits(v.page, state):
		v.moved(state, nil)
		return id, false
	}
	v.typed = form
	t, l := v.identifierType(state), v.locale(state)
	id, v.mistake = t.read(l, form)
	if v.mistake == "" {
		v.rememberKind(t.Name)
		return id, true
	}
	v.setHeaders(v.w.Header(), state.RedirectURI)
	page, view := v.view(l, state)
	v.policy.set(v.w.Header(), v.ancestors, state.RedirectURI)
	v.render(v.w, v.r, http.StatusUnprocessableEntity, page, view)
	return id, false
}
