package ui

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// formMark is the field by which a form of several questions is known.
const formMark = "form"

// formView is the page of a factor that asks more than one question.
type formView struct {
	*page
	Factor    string
	Questions []*question
	Lead      string
	Attempts  string
	VerifyID  string
	// Uploads says that the form has a file.
	Uploads bool
}

// question is one field of a form, and what was typed into it.
type question struct {
	field authenticator.FormField
	// identifies says that the answer is the identifier.
	identifies bool
	messages   map[authenticator.Message]authenticator.Texts

	// Kind is the type of the field, or "languages" for a text in several.
	Kind                               string
	ID, Name, Label, Language, Missing string
	Hint, Placeholder                  textIn
	Fixed, Digits, Passkey, Required   bool
	// Opens and Closes a row of fields.
	Opens, Closes bool
	MaxLength     int
	// Value is what was typed. A date is typed as the three Parts, and a text in several languages has one for each.
	Value string
	Parts []*questionPart
	// Options are those of a choice, and Prefixes, or the only Prefix, those of a phone number.
	Options  []optionOfChoice
	Prefixes []prefixView
	Prefix   string
	// Confirm is the label of the second field for a password, CapsLock what to say about that key, and Camera the texts
	// about a camera for the script, as JSON.
	Confirm, CapsLock, Camera string
	// Error is what is the matter with it, at the field ErrorID.
	Error   string
	ErrorID string
}

// textIn is a text, and its language if that is not the page's.
type textIn struct{ Text, Language string }

type questionPart struct {
	ID, Name, Label, Language, Dir, Value string
	MaxLength                             int
	Required, Invalid                     bool
	code                                  string
}

type optionOfChoice struct {
	Value  string
	Label  textIn
	Chosen bool
}

const (
	usualMaxLength = 100
	// languagesKind is the kind of a text in several languages.
	languagesKind = "languages"
)

// questions returns those of the login's form: who the person is, unless that is known or is told by the answers, and
// what the identity system asks for.
func (u *UI) questions(l *locale, s *login.State) []*question {
	var list []*question
	id := identifierID(string(s.Factor), "")
	switch {
	case s.Identifies && !s.IdentifierFixed:
	case s.Form.Identifier != nil && !s.IdentifierFixed:
		list = append(list, u.newQuestion(l, s.Form, *s.Form.Identifier, id, "identifier"))
	case s.IdentifierKnown:
	default:
		q := u.newQuestion(l, s.Form, authenticator.FormField{MaxLength: maxIdentifierBytes}, id, "identifier")
		q.Label, q.Language, q.Missing = l.text("identifier.label"), "", l.text("problem.missing_identifier")
		q.Hint.Text = l.text("identifier.hint")
		list = append(list, q)
	}
	for _, q := range list {
		q.identifies = true
		if s.IdentifierFixed {
			q.Fixed, q.Hint = true, textIn{}
		}
		switch {
		case s.Identifier.Value != "":
			q.put(s.Identifier.Value)
		case s.LoginHint != "":
			q.put(s.LoginHint)
		}
	}
	for i, f := range s.Form.Fields {
		q := u.newQuestion(l, s.Form, f, "field-"+f.Name, "field."+f.Name)
		grouped := func(other int) bool {
			return f.Group != "" && other >= 0 && other < len(s.Form.Fields) && s.Form.Fields[other].Group == f.Group
		}
		before, after := grouped(i-1), grouped(i+1)
		q.Opens, q.Closes = after && !before, before && !after
		list = append(list, q)
	}
	return list
}

func (u *UI) newQuestion(l *locale, form *authenticator.Form, f authenticator.FormField, id, name string) *question {
	if f.Type == "" {
		f.Type = authenticator.FieldText
	}
	q := &question{
		field: f, messages: form.Messages, Kind: string(f.Type), ID: id, Name: name, Digits: f.Type == authenticator.FieldDigits,
		MaxLength: f.MaxLength, Fixed: f.Fixed, Required: !f.Optional,
		Hint: l.in(f.Hints), Placeholder: l.in(f.Placeholders),
	}
	if q.MaxLength <= 0 {
		q.MaxLength = usualMaxLength
	}
	label := l.in(f.Labels)
	if label.Text == "" {
		label.Text = l.label("question", f.Name)
	}
	q.Label, q.Language = label.Text, label.Language
	q.Missing = q.say(l, authenticator.MessageRequired, l.text("answer.missing", "label", q.Label))
	if f.CapsLock {
		q.CapsLock = q.message(l, authenticator.MessageCapsLock, l.text("answer.caps_lock"))
	}
	switch f.Type {
	case authenticator.FieldDate:
		if q.Hint.Text == "" {
			q.Hint.Text = l.digits(l.text("answer.date_hint"))
		}
		for _, part := range []string{"day", "month", "year"} {
			q.Parts = append(q.Parts, &questionPart{
				ID: id + "." + part, Name: name + "." + part, Label: l.text("answer." + part), Dir: "ltr", MaxLength: 8,
				Required: q.Required,
			})
		}
	case authenticator.FieldPassword:
		if f.Confirm {
			q.Confirm = l.text("answer.confirm", "label", q.Label)
		}
	case authenticator.FieldChoice:
		for _, o := range f.Options {
			label := l.in(o.Labels)
			if label.Text == "" {
				label.Text = o.Value
			}
			q.Options = append(q.Options, optionOfChoice{Value: o.Value, Label: label})
		}
	case authenticator.FieldCheckbox:
		q.Missing = q.say(l, authenticator.MessageRequired, l.text("answer.tick", "label", q.Label))
	case authenticator.FieldPhone:
		if len(f.Prefixes) == 1 {
			q.Prefix = f.Prefixes[0]
			break
		}
		for i, p := range f.Prefixes {
			q.Prefixes = append(q.Prefixes, prefixView{Value: p, Label: p, Chosen: i == 0})
		}
	case authenticator.FieldPhoto:
		q.setPhoto(l)
	}
	for i, code := range append(slices.Clip(f.Languages), f.OptionalLanguages...) {
		q.Kind = languagesKind
		part := &questionPart{
			ID: id + "." + code, Name: name + "." + code, Label: code, Language: code, Dir: "auto", MaxLength: q.MaxLength,
			Required: q.Required && i < len(f.Languages), code: code,
		}
		if tag, err := language.Parse(code); err == nil {
			part.Language = tag.String()
			if other := u.catalog.lookup(tag); other != nil {
				part.Label, part.Dir = other.name, other.dir
			}
		}
		q.Parts = append(q.Parts, part)
	}
	if len(q.Parts) > 0 {
		q.ID = q.Parts[0].ID
	}
	if f.Value != "" {
		q.put(f.Value)
	}
	return q
}

// in returns the text for people who read the page.
func (l *locale) in(t authenticator.Texts) textIn {
	text, language := t.In(l.names)
	if slices.ContainsFunc(l.names, func(name string) bool { return strings.EqualFold(name, language) }) {
		language = ""
	}
	return textIn{text, language}
}

// message is what the form itself says in the language of the page, or else the page.
func (q *question) message(l *locale, m authenticator.Message, usual string) string {
	if own := l.in(q.messages[m]); own.Text != "" && own.Language == "" {
		return own.Text
	}
	return usual
}

// say is message for what stands away from the field, and so has to name it.
func (q *question) say(l *locale, m authenticator.Message, usual string) string {
	if own := q.message(l, m, ""); own != "" {
		return q.Label + ": " + own
	}
	return usual
}

// put fills the field in.
func (q *question) put(value string) {
	q.Value = value
	switch q.field.Type {
	case authenticator.FieldDate:
		if year, month, day, ok := splitDate(value, q.field.Format); ok {
			q.Parts[0].Value, q.Parts[1].Value, q.Parts[2].Value = day, month, year
		}
	case authenticator.FieldChoice:
		for i := range q.Options {
			q.Options[i].Chosen = q.Options[i].Value == value
		}
	case authenticator.FieldPhone:
		prefix, rest, _ := q.field.Number(value)
		q.Value = rest
		q.choosePrefix(prefix)
	}
}

func (q *question) choosePrefix(prefix string) {
	if slices.Contains(q.field.Prefixes, prefix) {
		for i := range q.Prefixes {
			q.Prefixes[i].Chosen = q.Prefixes[i].Value == prefix
		}
	}
}

// verifyForm reads the answers to the questions of a form. What has to be corrected is shown at once, with what was typed,
// because that is nowhere else: no URL has it, and the login does not keep it.
func (v *visit) verifyForm(factor authenticator.Factor, form url.Values) {
	state, err := v.flow.State(v.r.Context(), v.handle)
	if err != nil {
		v.failed(err)
		return
	}
	if state.Step != login.StepVerify || state.Factor != factor || state.Form == nil {
		v.moved(state, nil)
		return
	}
	l := v.locale(state)
	list := v.questions(l, state)
	var id authenticator.Identifier
	answers := map[string]any{}
	wrong := false
	for _, q := range list {
		answer := q.read(l, form)
		switch {
		case q.identifies && q.Fixed:
		case q.identifies:
			id.Value, _ = answer.(string)
			if q.Error == "" && (len(id.Value) > maxIdentifierBytes || id.Validate() != nil) {
				q.Error = l.text("answer.pattern", "label", q.Label)
			}
		case answer != nil:
			answers[q.field.Name] = answer
		}
		wrong = wrong || q.Error != ""
	}
	var problems []fieldProblem
	for _, q := range list {
		if wrong {
			q.forget(l)
		}
		if q.Error != "" {
			problems = append(problems, fieldProblem{cmp.Or(q.ErrorID, q.ID), q.Error})
		}
	}
	response, err := json.Marshal(answers)
	switch {
	case problems != nil:
		t, view := v.formView(l, state, newClientView(l, state), list)
		view.Problem = &problemView{Fields: problems}
		view.Title = l.text("common.title_problem", "title", view.Title)
		v.setHeaders(v.w.Header(), state.RedirectURI)
		v.policy.set(v.w.Header(), v.ancestors, state.RedirectURI)
		v.render(v.w, v.r, http.StatusUnprocessableEntity, t, view)
	case err != nil || len(response) > v.maxResponse(factor):
		v.again("too_long")
	default:
		v.answer(form, id, authenticator.Challenge{Factor: factor, Response: string(response)})
	}
}

func (v *visit) formView(l *locale, s *login.State, client *clientView, list []*question) (*pageTemplate, *formView) {
	title := "verify." + string(s.Factor) + ".title"
	if !l.has(title) {
		title = "verify.other.title"
	}
	p := v.loginPage(l, s, client, l.text(title))
	v.offerPasskeys(p, s)
	view := &formView{
		page: p, Factor: string(s.Factor), Questions: list, VerifyID: "verify_" + string(s.Factor),
		Attempts: l.count("verify.attempts", s.AttemptsLeft),
	}
	if lead := "verify." + string(s.Factor) + ".lead"; l.has(lead) {
		view.Lead = l.text(lead)
	}
	if !slices.ContainsFunc(list, func(q *question) bool { return q.identifies }) {
		p.know(l, s)
	}
	for _, q := range list {
		q.Passkey = q.identifies && p.Passkey
		if q.CapsLock != "" || q.Kind == string(authenticator.FieldPhoto) {
			v.enhance(p, formScript)
		}
		if q.Kind == string(authenticator.FieldPhoto) {
			view.Uploads, v.policy.camera = true, true
		}
	}
	return v.pages.in(l).form, view
}
