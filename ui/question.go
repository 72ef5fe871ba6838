package ui

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
}

// question is one field of a form, and what was typed into it.
type question struct {
	field authenticator.FormField
	// identifies says that the answer is the identifier.
	identifies bool

	ID, Name, Label, Language, Hint, Missing string
	Fixed, Digits, Passkey                   bool
	MaxLength                                int
	// Value is what was typed. A date is typed as the three Parts.
	Value string
	Parts []*datePart
	// Error is what is the matter with it.
	Error string
}

type datePart struct {
	ID, Name, Label, Value string
	MaxLength              int
}

const usualMaxLength = 100

// questions returns those of the login's form: who the person is, unless that is known or is told by the answers, and
// what the identity system asks for.
func questions(l *locale, s *login.State) []*question {
	var list []*question
	id := identifierID(string(s.Factor), "")
	switch {
	case s.Identifies && !s.IdentifierFixed:
	case s.Form.Identifier != nil && !s.IdentifierFixed:
		list = append(list, newQuestion(l, *s.Form.Identifier, id, "identifier"))
	default:
		q := newQuestion(l, authenticator.FormField{MaxLength: maxIdentifierBytes}, id, "identifier")
		q.Label, q.Language, q.Missing = l.text("identifier.label"), "", l.text("problem.missing_identifier")
		q.Hint = l.text("identifier.hint")
		list = append(list, q)
	}
	for _, q := range list {
		q.identifies, q.Fixed = true, s.IdentifierFixed
		q.Value = s.Identifier.Value
		if q.Value == "" {
			q.Value = s.LoginHint
		}
	}
	for _, f := range s.Form.Fields {
		list = append(list, newQuestion(l, f, "field-"+f.Name, "field."+f.Name))
	}
	return list
}

func newQuestion(l *locale, f authenticator.FormField, id, name string) *question {
	q := &question{field: f, ID: id, Name: name, Digits: f.Type == authenticator.FieldDigits, MaxLength: f.MaxLength}
	if q.MaxLength <= 0 {
		q.MaxLength = usualMaxLength
	}
	label, language := f.Label(l.names)
	if language == "" && len(f.Labels) > 0 {
		language = slices.Min(slices.Collect(maps.Keys(f.Labels)))
		label = f.Labels[language]
	}
	switch {
	case language == "":
		label = l.label("question", f.Name)
	case !slices.ContainsFunc(l.names, func(name string) bool { return strings.EqualFold(name, language) }):
		q.Language = language
	}
	q.Label = label
	q.Missing = l.text("answer.missing", "label", label)
	if f.Type == authenticator.FieldDate {
		q.Hint = l.text("answer.date_hint")
		for _, part := range []string{"day", "month", "year"} {
			p := &datePart{ID: id + "." + part, Name: name + "." + part, Label: l.text("answer." + part), MaxLength: 8}
			q.Parts = append(q.Parts, p)
		}
		q.ID = q.Parts[0].ID
	}
	return q
}

// read takes over what was typed, and returns what it means, if that is what was asked for.
func (q *question) read(l *locale, form url.Values) string {
	if q.field.Type == authenticator.FieldDate {
		return q.readDate(l, form)
	}
	q.Value = strings.TrimSpace(form.Get(q.Name))
	value := q.Value
	if q.Digits {
		value = normalizeCode(value)
	}
	problem := ""
	switch n := utf8.RuneCountInString(value); {
	case value == "":
		q.Error = q.Missing
		return ""
	case n > q.MaxLength || q.identifies && len(value) > maxIdentifierBytes:
		q.Error = l.count("answer.too_long", q.MaxLength, "label", q.Label)
		return ""
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		problem = "answer.pattern"
	case q.Digits && strings.ContainsFunc(value, func(r rune) bool { return r < '0' || r > '9' }):
		problem = "answer.digits"
	case !matches(q.field.Pattern, value):
		problem = "answer.pattern"
	}
	if problem != "" {
		q.Error = l.text(problem, "label", q.Label)
	}
	return value
}

// matches reports whether the whole text matches. A pattern that is none is the identity system's mistake, which nobody
// who logs in can do anything about: it then decides on the answer alone.
func matches(pattern, text string) bool {
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	return pattern == "" || err != nil || re.MatchString(text)
}

// readDate returns the date as yyyy-MM-dd.
func (q *question) readDate(l *locale, form url.Values) string {
	var numbers [3]int
	empty, wrong := 0, false
	for i, part := range q.Parts {
		part.Value = strings.TrimSpace(form.Get(part.Name))
		digits := normalizeCode(part.Value)
		n, err := strconv.ParseUint(digits, 10, 16)
		if digits == "" {
			empty++
		} else if err != nil || part == q.Parts[2] && len(digits) != 4 {
			wrong = true
		}
		numbers[i] = int(n)
	}
	day, month, year := numbers[0], numbers[1], numbers[2]
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	switch {
	case empty == len(q.Parts):
		q.Error = q.Missing
	case empty > 0, wrong, year < 1, date.Day() != day, int(date.Month()) != month:
		q.Error = l.text("answer.date", "label", q.Label)
	default:
		return fmt.Sprintf("%04d-%02d-%02d", year, month, day)
	}
	return ""
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
	list := questions(l, state)
	var id authenticator.Identifier
	answers := map[string]string{}
	var problems []fieldProblem
	for _, q := range list {
		switch {
		case q.Fixed:
		case q.identifies:
			id.Value = q.read(l, form)
			if q.Error == "" && id.Validate() != nil {
				q.Error = l.text("answer.pattern", "label", q.Label)
			}
		default:
			answers[q.field.Name] = q.read(l, form)
		}
		if q.Error != "" {
			problems = append(problems, fieldProblem{q.ID, q.Error})
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

func (v *visit) formView(l *locale, s *login.State, client *clientView, list []*question) (*template.Template, *formView) {
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
	for _, q := range list {
		q.Passkey = q.identifies && p.Passkey
	}
	return v.pages.in(l).form, view
}
