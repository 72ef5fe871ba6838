package ui

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// IdentifierType is a kind of identifier by which people may say who they are, such as a mobile number.
type IdentifierType struct {
	// Name becomes [authenticator.Identifier.Type], and ends the ids of fields: at most 32 lower-case letters, digits, '_'
	// and '-'. Required.
	Name string `json:"name"`
	// Labels and Hints are what the field is called and what it says below that, by language (BCP 47); those under the
	// empty language are for all others. Without labels the catalogue is asked for identifier_type.<name>, which it has for
	// vid, mobile, nrc, email and passport.
	Labels map[string]string `json:"labels,omitempty"`
	Hints  map[string]string `json:"hints,omitempty"`
	// Prefixes stand before what is typed, and are part of the identifier: one is shown, of several the person chooses one.
	Prefixes []IdentifierPrefix `json:"prefixes,omitempty"`
	// Postfix follows what is typed, and is never shown.
	Postfix string `json:"postfix,omitempty"`
	// Pattern is a regular expression (RE2) that the whole of what is typed matches; MaxLength bounds it, in characters.
	// Empty and zero mean any. Those of the prefix that is chosen count instead, where it has some.
	Pattern   string `json:"pattern,omitempty"`
	MaxLength int    `json:"max_length,omitempty"`
	// Icon is "card", "phone" or "email". Empty means none.
	Icon string `json:"icon,omitempty"`
	// Keyboard is what telephones show: "numeric", "tel", "email", or empty for text. For the first two, digits of every
	// script are taken, and spaces and dashes left out.
	Keyboard string `json:"keyboard,omitempty"`
}

// IdentifierPrefix is a prefix of an identifier, such as the dialling code of a country.
type IdentifierPrefix struct {
	// Value is the prefix. Label is shown before it, where there are several: "KHM".
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
	// Pattern and MaxLength are those of [IdentifierType], for this prefix.
	Pattern   string `json:"pattern,omitempty"`
	MaxLength int    `json:"max_length,omitempty"`
}

const (
	keyboardNumeric = "numeric"
	keyboardTel     = "tel"
	keyboardEmail   = "email"
)

var identifierName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

func checkIdentifierTypes(types []IdentifierType) error {
	var errs []error
	seen := map[string]bool{}
	for i, t := range types {
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("ui: IdentifierTypes: %d (%s): "+format, append([]any{i, t.Name}, args...)...))
		}
		if !identifierName.MatchString(t.Name) {
			fail("Name must be 1 to 32 lower-case letters, digits, '_' and '-'")
		}
		if seen[t.Name] {
			fail("an earlier one has the same name")
		}
		seen[t.Name] = true
		if !slices.Contains([]string{"", "card", "phone", "email"}, t.Icon) {
			fail("there is no icon %q", t.Icon)
		}
		if !slices.Contains([]string{"", keyboardNumeric, keyboardTel, keyboardEmail}, t.Keyboard) {
			fail("there is no keyboard %q", t.Keyboard)
		}
		rules := []IdentifierPrefix{{Pattern: t.Pattern, MaxLength: t.MaxLength}}
		for _, p := range t.Prefixes {
			if p.Value == "" {
				fail("a prefix is empty")
			}
			rules = append(rules, p)
		}
		for _, r := range rules {
			if _, err := regexp.Compile(r.Pattern); err != nil {
				fail("Pattern: %w", err)
			}
			if r.MaxLength < 0 || len(r.Value)+len(t.Postfix)+r.MaxLength > maxIdentifierBytes {
				fail("MaxLength, with prefix and postfix, must be between 0 and %d", maxIdentifierBytes)
			}
		}
	}
	return errors.Join(errs...)
}

// identifierView is how the person says who they are.
type identifierView struct {
	Factor          string
	Identifiers     []identifierField
	IdentifierFixed bool
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
	Checked, Invalid, Fixed, Required           bool
}

// prefixView is one of several prefixes. ID is that of the field while it is chosen.
type prefixView struct {
	Value, Label, ID string
	Chosen           bool
}

// identifierView returns the fields for the identifier, with what was typed into them.
func (v *visit) identifierView(l *locale, s *login.State, p *page) identifierView {
	view := identifierView{
		Factor: string(s.Factor), IdentifierFixed: s.IdentifierFixed,
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
			Invalid: p.Problem != nil && p.Problem.Field == id, Fixed: s.IdentifierFixed, Required: true,
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
		f.Invalid = p.Problem != nil && p.Problem.Field == f.ID
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

func (t *IdentifierType) label(l *locale) string {
	if label := l.nameIn(t.Labels); label != "" {
		return label
	}
	return l.label("identifier_type", t.Name)
}

func (t *IdentifierType) autocomplete() string {
	switch {
	case t.Keyboard == keyboardTel && len(t.Prefixes) > 0:
		return "tel-national"
	case t.Keyboard == keyboardTel, t.Keyboard == keyboardEmail:
		return t.Keyboard
	}
	return "username"
}

// prefix returns the index of the prefix, or -1.
func (t *IdentifierType) prefix(value string) int {
	return slices.IndexFunc(t.Prefixes, func(p IdentifierPrefix) bool { return p.Value == value })
}

// split takes an identifier apart into the index of its prefix, or -1, and what a person types.
func (t *IdentifierType) split(value string) (prefix int, typed string) {
	prefix = -1
	longest := 0
	for i, p := range t.Prefixes {
		if strings.HasPrefix(value, p.Value) && len(p.Value) > longest {
			prefix, longest = i, len(p.Value)
		}
	}
	return prefix, strings.TrimSuffix(value[longest:], t.Postfix)
}

// rule is what holds for what is typed after the prefix.
func (t *IdentifierType) rule(prefix int) IdentifierPrefix {
	r := IdentifierPrefix{Pattern: t.Pattern, MaxLength: t.MaxLength}
	if prefix < len(t.Prefixes) {
		p := t.Prefixes[prefix]
		r.Value = p.Value
		if p.Pattern != "" {
			r.Pattern = p.Pattern
		}
		if p.MaxLength > 0 {
			r.MaxLength = p.MaxLength
		}
	}
	return r
}

// fits reports whether what is typed is what the kind of identifier looks like.
func (t *IdentifierType) fits(prefix int, typed string) bool {
	r := t.rule(prefix)
	return typed != "" && (r.MaxLength == 0 || utf8.RuneCountInString(typed) <= r.MaxLength) && matches(r.Pattern, typed)
}

// read returns the identifier that the form says, or what is the matter with it. A value that was pasted with its prefix
// or postfix is taken as well.
func (t *IdentifierType) read(l *locale, form url.Values) (id authenticator.Identifier, problem string) {
	typed, label := strings.TrimSpace(form.Get("identifier."+t.Name)), t.label(l)
	if t.Keyboard == keyboardNumeric || t.Keyboard == keyboardTel {
		typed = normalizeCode(typed)
	}
	prefix := max(0, t.prefix(form.Get("prefix."+t.Name)))
	i, rest := t.split(typed)
	if pasted := i >= 0 && strings.HasPrefix(t.Prefixes[i].Value, "+"); pasted || !t.fits(prefix, typed) {
		typed = rest
		if i >= 0 {
			prefix = i
		}
	}
	r := t.rule(prefix)
	id = authenticator.Identifier{Type: t.Name, Value: r.Value + typed + t.Postfix}
	switch {
	case typed == "":
		problem = l.text("answer.missing", "label", label)
	case r.MaxLength > 0 && utf8.RuneCountInString(typed) > r.MaxLength:
		problem = l.count("answer.too_long", r.MaxLength, "label", label)
	case !t.fits(prefix, typed), id.Validate() != nil:
		problem = l.text("answer.pattern", "label", label)
	}
	return id, problem
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
