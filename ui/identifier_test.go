package ui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

func withIdentifierTypes(c *ui.Config) {
	c.IdentifierTypes = []ui.IdentifierType{
		{Name: "vid", Pattern: `\d{10}`, Icon: "card", Keyboard: "numeric"},
		{
			Name: "mobile", Postfix: "@phone", Icon: "phone", Keyboard: "tel", Pattern: `\d{8,9}`, MaxLength: 9,
			Prefixes: []ui.IdentifierPrefix{{Value: "+855", Label: "KHM"}, {Value: "+91", Label: "IND", Pattern: `\d{10}`, MaxLength: 10}},
		},
		{Name: "email", Labels: map[string]string{"": "Your mail", "fr": "Votre adresse"}, Pattern: `\S+@\S+`, Icon: "email", Keyboard: "email"},
	}
}

func TestAPersonChoosesAKindOfIdentifierWithoutJavaScript(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fields []string
		want   authenticator.Identifier
	}{
		"the first":                         {[]string{"identifier_type", "vid", "identifier.vid", " 2740198356 "}, authenticator.Identifier{Type: "vid", Value: "2740198356"}},
		"no choice is the first":            {[]string{"identifier.vid", "2740198356"}, authenticator.Identifier{Type: "vid", Value: "2740198356"}},
		"digits of another script":          {[]string{"identifier_type", "vid", "identifier.vid", "२७४० १९८ ३५६"}, authenticator.Identifier{Type: "vid", Value: "2740198356"}},
		"with prefix and postfix":           {[]string{"identifier_type", "mobile", "prefix.mobile", "+855", "identifier.mobile", "12 345-678"}, authenticator.Identifier{Type: "mobile", Value: "+85512345678@phone"}},
		"the rules of its prefix":           {[]string{"identifier_type", "mobile", "prefix.mobile", "+91", "identifier.mobile", "9876543210"}, authenticator.Identifier{Type: "mobile", Value: "+919876543210@phone"}},
		"pasted with its prefix":            {[]string{"identifier_type", "mobile", "prefix.mobile", "+855", "identifier.mobile", "+91 9876543210"}, authenticator.Identifier{Type: "mobile", Value: "+919876543210@phone"}},
		"fields of other kinds say nothing": {[]string{"identifier_type", "email", "identifier.vid", "x", "identifier.email", "a@b"}, authenticator.Identifier{Type: "email", Value: "a@b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP}, withIdentifierTypes)
			f.submit(f.page(), "identify/otp", test.fields...)
			id, _ := f.flow.answered()
			assert.Equal(t, test.want, id)
		})
	}
}

func TestAnIdentifierThatDoesNotFitIsExplainedAndKept(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fields      []string
		field, text string
	}{
		"missing":  {[]string{"identifier_type", "mobile"}, "Otp_KHM", "Fill in: Mobile number."},
		"pattern":  {[]string{"identifier_type", "vid", "identifier.vid", "274"}, "Otp_vid", "Virtual ID: this does not look right. Check it against your document."},
		"too long": {[]string{"identifier_type", "mobile", "prefix.mobile", "+91", "identifier.mobile", "98765432109"}, "Otp_IND", "Mobile number: use at most 10 characters."},
		"no kind":  {[]string{"identifier_type", "fax", "identifier.fax", "1"}, "Otp_vid", "Fill in: Virtual ID."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP}, withIdentifierTypes)
			page := f.post(f.page(), "identify/otp", test.fields...)
			require.Equal(t, http.StatusUnprocessableEntity, page.status)
			assert.Contains(t, page.body, `<a href="#`+test.field+`">`+test.text+`</a>`)
			assert.Regexp(t, `id="`+test.field+`"[^>]* aria-invalid="true"`, page.body)
			if value := test.fields[len(test.fields)-1]; name == "pattern" || name == "too long" {
				assert.Contains(t, page.body, `value="`+value+`"`, "what was typed is kept")
			}
			assert.Empty(t, f.flow.made(), "the login hears nothing of it")
		})
	}
}

func TestTheKindOfIdentifierIsShownAgain(t *testing.T) {
	t.Parallel()
	s := &login.State{
		Step: login.StepVerify, Factor: authenticator.Password,
		Identifier: authenticator.Identifier{Type: "mobile", Value: "+9198@phone"},
	}
	page := newFakeLogin(t, s, withIdentifierTypes).page()
	assert.Contains(t, page.body, `value="mobile" checked>`)
	assert.Contains(t, page.body, `<option value="&#43;91" data-id="Password_IND" selected>IND &#43;91</option>`)
	assert.Regexp(t, `id="Password_IND" name="identifier.mobile" value="98"`, page.body)
	assert.NotContains(t, page.body, "@phone", "a postfix is never shown")

	s.IdentifierFixed = true
	f := newFakeLogin(t, s, withIdentifierTypes)
	page = f.page()
	assert.NotContains(t, page.body, `type="radio"`)
	assert.Regexp(t, `id="Password_IND"[^>]* readonly`, page.body)
	f.submit(page, "verify/pwd", "identified", "1", "identifier.mobile", "98", "response", "secret")
	id, _ := f.flow.answered()
	assert.Zero(t, id, "what is fixed is not said again")
}

func TestTheHintOfTheClientChoosesTheKindOfIdentifier(t *testing.T) {
	t.Parallel()
	s := &login.State{Step: login.StepIdentify, Factor: authenticator.OTP, LoginHint: "+85512345678"}
	page := newFakeLogin(t, s, withIdentifierTypes).page()
	assert.Contains(t, page.body, `value="mobile" checked>`)
	assert.Regexp(t, `id="Otp_KHM" name="identifier.mobile" value="12345678"`, page.body)
	assert.Regexp(t, `id="Otp_KHM"[^>]* inputmode="tel" autocomplete="tel-national"`, page.body)
}

func TestOneKindOfIdentifierIsNoChoice(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP, UILocales: []string{"fr"}}, func(c *ui.Config) {
		withIdentifierTypes(c)
		c.IdentifierTypes = c.IdentifierTypes[2:]
	})
	page := f.page()
	assert.NotContains(t, page.body, `type="radio"`)
	assert.Contains(t, page.body, `<label for="Otp_email">Votre adresse</label>`)
	f.submit(page, "identify/otp", "identifier.email", "a@b")
	id, _ := f.flow.answered()
	assert.Equal(t, authenticator.Identifier{Type: "email", Value: "a@b"}, id)
}

func TestMistakesOfIdentifierTypesAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ui.New(ui.Config{Flow: newFakeFlow(), IdentifierTypes: []ui.IdentifierType{
		{Name: "A"}, {Name: "vid", Icon: "star", Keyboard: "piano"}, {Name: "vid", Pattern: "("},
		{Name: "mobile", MaxLength: 300, Prefixes: []ui.IdentifierPrefix{{Pattern: "("}}},
	}})
	for _, problem := range []string{"0 (A): Name", "no icon", "no keyboard", "same name", "Pattern", "MaxLength", "a prefix is empty"} {
		assert.ErrorContains(t, err, problem)
	}
}

func TestChromiumSwitchesTheKindOfIdentifierInPlace(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP}, withIdentifierTypes)
	c := f.chromium(t, func(c *chromium) { c.do(chromedp.EmulateViewport(320, 568)) })
	c.fill("Otp_vid", "2740198356")
	c.do(chromedp.Click(chromedp.CSS("label[for=type-mobile]")), chromedp.WaitVisible(chromedp.ID("Otp_KHM")))
	assert.Equal(t, "false", c.eval(`document.getElementById("Otp_vid").checkVisibility()`))
	c.do(chromedp.Click(chromedp.ID("get_otp")), chromedp.WaitVisible(chromedp.ID("Otp_KHM-error")))
	assert.Equal(t, "Fill in: Mobile number.", c.eval(`document.getElementById("Otp_KHM-error").textContent`))
	assert.Equal(t, "320", c.eval("document.documentElement.scrollWidth"))
	c.do(chromedp.Click(chromedp.CSS("label[for=type-vid]")), chromedp.WaitVisible(chromedp.ID("Otp_vid")))
	assert.Equal(t, "2740198356", c.eval(`document.getElementById("Otp_vid").value`), "nothing is lost")
	c.assertNoComplaints()
}

func FuzzAnIdentifierIsWhatItsKindLooksLike(f *testing.F) {
	for _, seed := range [][2]string{{"+855", "12345678"}, {"+91", "+919876543210"}, {"", "@phone@phone"}, {"+1", "１２３４５６７８"}} {
		f.Add(seed[0], seed[1])
	}
	pages, flow := newPages(f, withIdentifierTypes)
	flow.put(fakeHandle, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP})
	id := login.ID(fakeHandle)
	shown := &answer{body: get(pages, fakeHandle, "identify/otp").Body.String()}
	form := url.Values{"csrf": {shown.csrf(f)}, "identifier_type": {"mobile"}}
	f.Fuzz(func(t *testing.T, prefix, typed string) {
		form.Set("prefix.mobile", prefix)
		form.Set("identifier.mobile", typed)
		r := httptest.NewRequest(http.MethodPost, "/login/"+id+"/identify/otp", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "signet-" + id, Value: fakeHandle})
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		assert.Contains(t, []int{http.StatusSeeOther, http.StatusUnprocessableEntity}, w.Code)
		if id, _ := flow.answered(); id.Value != "" {
			assert.Regexp(t, `^(\+855\d{8,9}|\+91\d{10})@phone$`, id.Value)
		}
	})
}
