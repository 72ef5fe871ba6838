package ui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// civilForm is what a civil registry asks for.
var civilForm = &authenticator.Form{
	Identifier: &authenticator.FormField{
		Name: "policy", Type: authenticator.FieldDigits, Pattern: "[0-9]{4,9}", MaxLength: 12,
		Labels: map[string]string{"en": "Policy number", "km": "លេខ"},
	},
	Fields: []authenticator.FormField{
		{Name: "full_name", Labels: map[string]string{"km": "ឈ្មោះ"}, MaxLength: 5},
		{Name: "postcode", Pattern: "[A-Z]{2}[0-9]+", Labels: map[string]string{"eng": "Post code"}},
		{Name: "dob", Type: authenticator.FieldDate, Labels: map[string]string{"en": "Date of birth"}, Format: "dd/MM/yyyy"},
	},
}

func rightAnswers(changed ...string) url.Values {
	form := url.Values{
		"form": {"1"}, "identifier": {"12 34-៥"}, "field.full_name": {" សុខ "}, "field.postcode": {"KH7"},
		"field.dob.day": {"٧"}, "field.dob.month": {"2"}, "field.dob.year": {"1987"},
	}
	for i := 0; i+1 < len(changed); i += 2 {
		form.Set(changed[i], changed[i+1])
	}
	return form
}

func TestAFormAsksForEveryField(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: civilForm, LoginHint: "123456"}, nil)
	page := f.page()
	for _, part := range []string{
		`<label for="kba_vid">Policy number</label>`, `id="kba_vid" name="identifier" value="123456" dir="ltr" inputmode="numeric"`,
		`<label for="field-full_name" lang="km" dir="auto">ឈ្មោះ</label>`, `maxlength="5"`,
		`<label for="field-postcode">Post code</label>`,
		`<legend>Date of birth</legend>`, `<label for="field-dob.day">Day</label>`,
		`id="field-dob.year" name="field.dob.year" value="" dir="ltr" inputmode="numeric"`,
		`id="verify_kba"`, `data-missing="Fill in: Date of birth."`,
	} {
		assert.Contains(t, page.body, part)
	}
	f.flow.do = moveOn
	requireMoved(t, f.submit(page, "verify/kba", pairs(rightAnswers())...))
	id, c := f.flow.answered()
	assert.Equal(t, "12345", id.Value)
	assert.Equal(t, authenticator.Knowledge, c.Factor)
	assert.JSONEq(t, `{"full_name": "សុខ", "postcode": "KH7", "dob": "1987-02-07"}`, c.Response)
}

func TestChromiumSaysOnceWhatIsMissingOfADate(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: civilForm}, nil)
	f.flow.do = moveOn
	c := f.chromium(t, nil)
	c.fill("kba_vid", "1234")
	c.fill("field-full_name", "Sok")
	c.fill("field-postcode", "KH7")
	c.do(chromedp.Click(chromedp.ID("verify_kba")))
	c.waitText("field-dob.day-error", "Fill in: Date of birth.")
	assert.Equal(t, "1", c.eval(`document.querySelectorAll(".error").length`))
	for id, text := range map[string]string{"field-dob.day": "31", "field-dob.month": "2", "field-dob.year": "1987"} {
		c.do(chromedp.SendKeys(chromedp.CSS(`[id="`+id+`"]`), text))
	}
	assert.Equal(t, "0", c.eval(`document.querySelectorAll(".error, [aria-invalid]").length`))
	c.click("verify_kba")
	c.waitText("field-dob.day-error", "enter a day, a month and a year")
	assert.Equal(t, "Sok", c.eval(`document.getElementById("field-full_name").value`))
	c.do(chromedp.SetValue(chromedp.CSS(`[id="field-dob.day"]`), "28"))
	c.click("verify_kba")
	c.arrive()
	_, answer := f.flow.answered()
	assert.JSONEq(t, `{"full_name": "Sok", "postcode": "KH7", "dob": "1987-02-28"}`, answer.Response)
	c.assertNoComplaints()
}

func pairs(form url.Values) (list []string) {
	for name, values := range form {
		list = append(list, name, values[0])
	}
	return list
}

func TestWhatHasToBeCorrectedIsSaidAtItsField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field, value, id, want string
	}{
		"missing identifier":    {"identifier", "", "kba_vid", "Fill in: Policy number."},
		"identifier of letters": {"identifier", "12a4", "kba_vid", "Policy number: use digits only."},
		"short identifier":      {"identifier", "123", "kba_vid", "Policy number: this does not look right."},
		"long identifier":       {"identifier", strings.Repeat("1", 13), "kba_vid", "Policy number: use at most 12 characters."},
		"missing text":          {"field.full_name", "  ", "field-full_name", "Fill in: ឈ្មោះ."},
		"long text":             {"field.full_name", "ABCDEF", "field-full_name", "ឈ្មោះ: use at most 5 characters."},
		"two lines":             {"field.full_name", "A\nB", "field-full_name", "ឈ្មោះ: this does not look right."},
		"no UTF-8":              {"field.full_name", "\xff", "field-full_name", "ឈ្មោះ: this does not look right."},
		"part of the pattern":   {"field.postcode", "xKH7", "field-postcode", "Post code: this does not look right."},
		"a line after":          {"field.postcode", "KH7\nX", "field-postcode", "Post code: this does not look right."},
		"no such day":           {"field.dob.day", "30", "field-dob.day", "Date of birth: enter a day, a month and a year"},
		"no such month":         {"field.dob.month", "13", "field-dob.day", "Date of birth: enter a day"},
		"a year of two digits":  {"field.dob.year", "87", "field-dob.day", "Date of birth: enter a day"},
		"a month in words":      {"field.dob.month", "May", "field-dob.day", "Date of birth: enter a day"},
		"half a date":           {"field.dob.month", "", "field-dob.day", "Date of birth: enter a day"},
		"year zero":             {"field.dob.year", "0000", "field-dob.day", "Date of birth: enter a day"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: civilForm}, nil)
			a := f.post(f.page(), "verify/kba", pairs(rightAnswers(c.field, c.value))...)
			assert.Equal(t, http.StatusUnprocessableEntity, a.status)
			assert.Regexp(t, `<li><a href="#`+c.id+`">`, a.body)
			assert.Contains(t, a.text(), c.want)
			assert.Contains(t, a.body, `id="`+c.id+`-error">`)
			assert.Contains(t, a.body, `aria-invalid="true"`)
			assert.Contains(t, a.body, `aria-describedby="`+c.id+"-error ")
			assert.Contains(t, a.body, "<title>Error: ")
			assert.Equal(t, 1, strings.Count(a.body, "<li><a href=\"#"), "only the one field is wrong")
			assert.Contains(t, a.body, "1987", "what was typed is kept")
			assert.Contains(t, a.header.Get("Content-Security-Policy"), "form-action 'self' https:")
			assert.Empty(t, f.flow.made(), "the login is not asked")
		})
	}
}

func TestAFormWithoutAnIdentifierOfItsOwn(t *testing.T) {
	t.Parallel()
	form := &authenticator.Form{Fields: []authenticator.FormField{{Name: "mothers_name"}}}
	for name, c := range map[string]struct {
		state login.State
		asks  bool
		fixed bool
	}{
		"asks for the usual one":         {state: login.State{}, asks: true},
		"shows the one that is known":    {state: login.State{IdentifierFixed: true, Identifier: authenticator.Identifier{Value: "42"}}, asks: true, fixed: true},
		"asks for none if answers do so": {state: login.State{Identifies: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.state.Step, c.state.Factor, c.state.Form = login.StepVerify, "family", form
			f := newFakeLogin(t, &c.state, nil)
			page := f.page()
			assert.Equal(t, c.asks, strings.Contains(page.text(), "National ID number"))
			assert.Equal(t, c.fixed, strings.Contains(page.body, " readonly"))
			assert.Contains(t, page.text(), "Mothers name")
			f.flow.do = moveOn
			requireMoved(t, f.submit(page, "verify/family", "form", "1", "identifier", "7", "field.mothers_name", "Ana"))
			id, answered := f.flow.answered()
			assert.Equal(t, c.asks && !c.fixed, id.Value == "7")
			assert.JSONEq(t, `{"mothers_name": "Ana"}`, answered.Response)
		})
	}
}

func TestAnOldFormLeadsToWhereTheLoginStands(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: civilForm}, nil)
	page := f.page()
	f.flow.put(fakeHandle, &login.State{Step: login.StepConsent})
	requireMoved(t, f.submit(page, "verify/kba", pairs(rightAnswers())...))
	assert.Empty(t, f.flow.made())
}

func FuzzAnswers(f *testing.F) {
	pages, flow := newPages(f, nil)
	flow.put("h", &login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: civilForm})
	token := csrfField.FindStringSubmatch(get(pages, "h", "verify/kba").Body.String())[1]
	f.Add("1234", "name", "KH7", "7", "2", "1987")
	f.Add("១២៣៤", "\u202e", "kh7\n", "-7", "٢", "+987")
	f.Add("", "<script>", "{{.}}", "99999999999999999999", "0x2", "1e3")
	f.Fuzz(func(t *testing.T, id, name, postcode, day, month, year string) {
		form := url.Values{
			"csrf": {token}, "form": {"1"}, "identifier": {id}, "field.full_name": {name}, "field.postcode": {postcode},
			"field.dob.day": {day}, "field.dob.month": {month}, "field.dob.year": {year},
		}
		r := httptest.NewRequest(http.MethodPost, "/login/"+login.ID("h")+"/verify/kba", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "signet-" + login.ID("h"), Value: "h"})
		w := httptest.NewRecorder()
		flow.challenge, flow.calls = authenticator.Challenge{}, nil
		pages.ServeHTTP(w, r)
		switch {
		case w.Code == http.StatusRequestEntityTooLarge:
		case w.Code == http.StatusUnprocessableEntity:
			assert.NotContains(t, w.Body.String(), "<script>")
			assert.Empty(t, flow.calls)
		case w.Code == http.StatusSeeOther:
			assert.Regexp(t, `^\{"dob":"\d{4}-\d{2}-\d{2}","full_name":".+","postcode":"[A-Z]{2}[0-9]+"\}$`, flow.challenge.Response)
			assert.Regexp(t, `^[0-9]{4,9}$`, flow.identifier.Value)
		default:
			t.Errorf("status %d", w.Code)
		}
	})
}
