package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// preferenceOf returns the cookie that an answer sets, or nil.
func preferenceOf(a *answer, name string) *http.Cookie {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func TestTheLanguageIsRememberedForTheNextLogin(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	chosen := b.send(http.MethodGet, b.open(p.request()).path+"?lang=km", "")
	c := preferenceOf(chosen, "signet-language")
	require.NotNil(t, c)
	assert.Equal(t, "km", c.Value)
	assert.Equal(t, 365*24*60*60, c.MaxAge)
	assert.True(t, c.HttpOnly)
	assert.Contains(t, b.open(p.request()).body, `<html lang="km"`)
	assert.Contains(t, b.open("/login/nothing").body, `<html lang="km"`, "of pages that are of no login too")
	assert.Contains(t, b.open(p.request("ui_locales", "fr")).body, `<html lang="fr"`, "what the client says comes first")
	b.header.Set("Accept-Language", "ta")
	assert.Contains(t, b.open(p.request()).body, `<html lang="km"`, "what the browser says comes after")
	b.header.Set("Cookie", "signet-language="+strings.Repeat("x", 100))
	assert.Contains(t, b.open(p.request()).body, `<html lang="ta"`, "what is no language is none")
}

func TestTheWayIsRememberedOnlyForThoseWhoWishSo(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	first := func(page *answer) string {
		_, ways, _ := strings.Cut(page.body, `class="option" id="`)
		id, _, _ := strings.Cut(ways, `"`)
		return id
	}
	page := b.open(p.request())
	require.Equal(t, "login_with_otp", first(page))
	assert.Contains(t, page.text(), "Remember on this device how I log in")
	assert.Nil(t, preferenceOf(b.post(page, "choose", "option", "1"), "signet-way"))
	assert.Equal(t, "login_with_otp", first(b.open(p.request())))

	c := preferenceOf(b.post(b.open(p.request()), "choose", "option", "1", "remember", "1"), "signet-way")
	require.NotNil(t, c)
	assert.Equal(t, "pwd.", c.Value, "and not who the person is")
	page = b.open(p.request())
	assert.Equal(t, "login_with_pwd", first(page))
	assert.Contains(t, page.text(), "You chose this last time.")
	assert.Regexp(t, `id="remember-way" checked`, page.body)

	b.submit(page, "choose", "option", "0")
	assert.Equal(t, "login_with_otp", first(b.open(p.request())), "it is forgotten as well")
}

func TestTheKindOfIdentifierIsRememberedWithTheWay(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepIdentify, Factor: authenticator.OTP}, withIdentifierTypes)
	checked := func(cookie string) string {
		f.header.Set("Cookie", "signet-"+login.ID(fakeHandle)+"="+fakeHandle+"; signet-way="+cookie)
		_, after, _ := strings.Cut(f.page().body, ` checked> <label for="type-`)
		kind, _, _ := strings.Cut(after, `"`)
		return kind
	}
	assert.Equal(t, "vid", checked(""))
	assert.Equal(t, "vid", checked("otp.fax"))
	assert.Equal(t, "email", checked("otp.email"))
	sent := f.post(f.page(), "identify/otp", "identifier_type", "mobile", "prefix.mobile", "+855", "identifier.mobile", "12345678")
	require.NotNil(t, preferenceOf(sent, "signet-way"))
	assert.Equal(t, "otp.mobile", preferenceOf(sent, "signet-way").Value)
	checked("")
	sent = f.post(f.page(), "identify/otp", "identifier_type", "mobile", "prefix.mobile", "+855", "identifier.mobile", "12345678")
	assert.Nil(t, preferenceOf(sent, "signet-way"), "not without the wish")
}

func TestEachOfSeveralStepsSaysWhichItIs(t *testing.T) {
	t.Parallel()
	both := []authenticator.FactorSet{{"pwd", "otp"}, {"pwd"}}
	for text, s := range map[string]*login.State{
		"Step 1 of 2": {Step: login.StepVerify, Factor: "pwd", Options: both},
		"Step 2 of 2": {Step: login.StepIdentify, Factor: "otp", Options: both, Succeeded: []authenticator.Factor{"pwd"}},
		"":            {Step: login.StepVerify, Factor: "pwd", Options: both, Option: 1},
	} {
		page := newFakeLogin(t, s, nil).page()
		if text == "" {
			assert.NotContains(t, page.text(), "Step ")
			continue
		}
		assert.Contains(t, page.text(), text)
	}
}

func TestWhatWentWrongLeadsToHelp(t *testing.T) {
	t.Parallel()
	help := func(c *ui.Config) { c.Links.Support = "https://help.example.org/{language}?from=id" }
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: "pwd"}, help)
	id := login.ID(fakeHandle)
	link := `href="https://help.example.org/en?from=id&amp;reference=` + id + `&amp;ui_locales=en"`
	assert.NotContains(t, f.page().body, "help.example.org", "nothing went wrong")
	wrong := f.open("/login/" + id + "/verify/pwd?problem=wrong_credentials")
	assert.Contains(t, wrong.body, link)
	assert.Contains(t, wrong.text(), "Get help Reference: "+id)

	pages, flow := newPages(t, help)
	flow.broken = assert.AnError
	down := get(pages, fakeHandle, "choose")
	assert.Equal(t, http.StatusServiceUnavailable, down.Code)
	assert.Contains(t, down.Body.String(), link)
	assert.Equal(t, 1, strings.Count(down.Body.String(), `id="reference"`))
	nowhere := newBrowser(t, f.server.URL).open("/login/nothing")
	assert.Contains(t, nowhere.body, `href="https://help.example.org/en?from=id&amp;ui_locales=en"`)

	_, err := ui.New(ui.Config{Flow: newFakeFlow(), Links: ui.Links{Support: "javascript:x"}})
	assert.ErrorContains(t, err, "Links.Support")
}

func TestALoginThatStandsAtADecisionIsNotGivenUpUnasked(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	consent := b.atConsent(p)
	question := b.submit(consent, "cancel", "ask", "1")
	assert.Equal(t, "cancel", question.page())
	assert.Contains(t, question.text(), "Stop this login?")
	for _, id := range []string{"stay-button", "discontinue-button"} {
		assert.Contains(t, question.body, `id="`+id+`"`)
	}
	assert.Equal(t, "consent", b.open(question.login()+"/").page(), "staying")
	assert.Contains(t, b.submit(question, "cancel").header.Get("Location"), "error=access_denied")

	before := b.open(p.request())
	assert.Contains(t, b.submit(before, "cancel", "ask", "1").header.Get("Location"), "error=access_denied", "nothing is lost before")
}

func TestPagesAreCompressed(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, newConsent(), nil)
	plain := f.page()
	f.header.Set("Accept-Encoding", "gzip")
	lengths := map[int]bool{}
	for range 20 {
		page := f.page()
		assert.Equal(t, "gzip", page.header.Get("Content-Encoding"))
		assert.Contains(t, page.header.Values("Vary"), "Accept-Encoding")
		assert.Less(t, len(page.body), len(plain.body)/2)
		lengths[len(page.body)] = true
	}
	assert.Greater(t, len(lengths), 3, "the length says nothing about the secrets of a page (BREACH)")
}
