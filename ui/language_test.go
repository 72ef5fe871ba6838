package ui_test

import (
	"bytes"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// languages is an overlay: to languages that are embedded, and others that lack most texts. Arabic runs from right to left
// and has six plural forms.
var languages = fstest.MapFS{
	"ar.json": {Data: []byte(`{
		"language": {"name": "العربية", "dir": "rtl"},
		"choose": {"heading": "تسجيل الدخول إلى {client}"},
		"verify": {"attempts": {
			"zero": "لا محاولات", "one": "محاولة واحدة", "two": "محاولتان",
			"few": "{count} محاولات", "many": "{count} محاولة", "other": "{count} محاولة أخرى"
		}}
	}`)},
	"km.json":      {Data: []byte(`{"language": {"name": "ខ្មែរ", "dir": "ltr"}}`)},
	"fa.json":      {Data: []byte(`{"language": {"name": "فارسی", "dir": "rtl"}}`)},
	"pt-BR.json":   {Data: []byte(`{"language": {"name": "Português (Brasil)", "dir": "ltr"}, "common": {"cancel": "Sair"}}`)},
	"de-CH.json":   {Data: []byte(`{"language": {"name": "Deutsch (Schweiz)", "dir": "ltr"}}`)},
	"zh-Hant.json": {Data: []byte(`{"language": {"name": "繁體中文", "dir": "ltr"}}`)},
	"en.json":      {Data: []byte(`{"identifier": {"label": "Civil number"}, "claim": {"tribe": "Tribe"}}`)},
	"README.md":    {Data: []byte("not a language")},
}

func withLanguages(c *ui.Config) { c.Catalog = languages }

func TestLanguagesAreThoseOfTheCatalogDefaultFirst(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("locales/*.json")
	require.NoError(t, err)
	var embedded []string
	for _, file := range files {
		embedded = append(embedded, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	first := func(code string, codes []string) []string {
		return append([]string{code}, slices.DeleteFunc(slices.Clone(codes), func(c string) bool { return c == code })...)
	}
	pages, _ := newPages(t, nil)
	assert.Equal(t, first("en", embedded), pages.Languages())

	all := slices.Concat(embedded, []string{"ar", "de-CH", "fa", "km", "pt-BR", "zh-Hant"})
	slices.Sort(all)
	pages, _ = newPages(t, func(c *ui.Config) { c.Catalog, c.DefaultLanguage = languages, "km" })
	assert.Equal(t, first("km", slices.Compact(all)), pages.Languages())
}

func TestTheLanguageIsNegotiated(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, withLanguages)
	for name, c := range map[string]struct {
		uiLocales []string
		accept    string
		want      string
	}{
		"nothing wished":                                 {want: "en"},
		"ui_locales":                                     {uiLocales: []string{"ar"}, accept: "km", want: "ar"},
		"ui_locales in order":                            {uiLocales: []string{"fi", "km", "ar"}, want: "km"},
		"a region is looked up by its language":          {uiLocales: []string{"ar-EG"}, want: "ar"},
		"a script is kept":                               {uiLocales: []string{"zh-Hant-TW"}, want: "zh-Hant"},
		"a script is not guessed":                        {uiLocales: []string{"zh-Hans-CN"}, want: "en"},
		"a region is not guessed":                        {uiLocales: []string{"de"}, want: "en"},
		"private subtags are removed":                    {uiLocales: []string{"km-KH-x-lvariant-dhamma"}, want: "km"},
		"three letters":                                  {uiLocales: []string{"khm"}, want: "km"},
		"three letters before two":                       {uiLocales: []string{"ara", "km"}, want: "ar"},
		"upper case":                                     {uiLocales: []string{"PT-br"}, want: "pt-BR"},
		"malformed wishes are passed over":               {uiLocales: []string{"!", strings.Repeat("a-", 500), "km"}, want: "km"},
		"unsupported ui_locales leave it to the browser": {uiLocales: []string{"fi"}, accept: "km", want: "km"},
		"Accept-Language by weight":                      {accept: "fi, ar;q=0.3, km;q=0.8", want: "km"},
		"Accept-Language refuses":                        {accept: "ar;q=0", want: "en"},
		"any language":                                   {accept: "*", want: "en"},
		"malformed Accept-Language":                      {accept: ";;;q=,,=", want: "en"},
		"endless Accept-Language":                        {accept: strings.Repeat("ar,", 1000), want: "en"},
		"a relative is not guessed":                      {accept: "ps, ur", want: "en"},
	} {
		flow.put("handle", &login.State{Step: login.StepChoose, UILocales: c.uiLocales})
		page := get(pages, "handle", "choose", "Accept-Language", c.accept).Body.String()
		assert.Contains(t, page, `<html lang="`+c.want+`"`, name)
	}
}

func TestAPersonChoosesTheLanguageOfOneLogin(t *testing.T) {
	t.Parallel()
	p := newProvider(t, withLanguages)
	b := newBrowser(t, p.URL)
	page := b.open(p.request("ui_locales", "km"))
	other := b.open(p.request("ui_locales", "km"))
	assert.Contains(t, page.body, `<html lang="km" dir="ltr">`)
	assert.Contains(t, page.body, `id="language_selection"`)
	assert.Contains(t, page.body, `href="?lang=ar" lang="ar" dir="rtl">العربية</a>`)

	chosen := b.open(page.path + "?lang=ar")
	assert.Equal(t, page.path, chosen.path, "the choice leaves no trace in the URL")
	assert.Contains(t, chosen.body, `<html lang="ar" dir="rtl">`)
	next := b.submit(chosen, "choose", "option", "0")
	assert.Contains(t, next.body, `<html lang="ar" dir="rtl">`, "the choice stays for the login")
	assert.Contains(t, b.open(other.path).body, `<html lang="km"`, "and is that of no other")
	assert.Contains(t, b.open(next.path+"?lang=xx").body, `<html lang="ar"`)
}

func TestAPageRunsFromRightToLeft(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, withLanguages)
	flow.put("handle", &login.State{
		Step: login.StepChoose, UILocales: []string{"ar"}, Options: []authenticator.FactorSet{{authenticator.OTP}},
	})
	page := get(pages, "handle", "choose").Body.String()
	assert.Contains(t, page, `<html lang="ar" dir="rtl">`)
	assert.Contains(t, page, "<h1>تسجيل الدخول إلى \u2068بوابة الصحة\u2069</h1>", "the client's name in the page's language, isolated")
	assert.Contains(t, page, `<small dir="ltr">portal.example.org</small>`)
}

func TestAMissingTextIsThatOfTheWiderLanguageOrEnglish(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, withLanguages)
	open := func(language string) string {
		flow.put("handle", &login.State{
			Step: login.StepChoose, UILocales: []string{language}, Options: []authenticator.FactorSet{{authenticator.OTP}},
		})
		return get(pages, "handle", "choose").Body.String()
	}
	brazil := open("pt-BR")
	assert.Contains(t, brazil, ">Sair</button>")
	assert.Contains(t, brazil, ">Escolha como quer provar quem é.<", "the rest is Portuguese")
	assert.Contains(t, open("zh-Hant"), ">Choose how you want to prove who you are.<")
	assert.Contains(t, open("fa"), "\u2068Choose how you want to prove who you are.\u2069", "English on a page from right to left is isolated")
}

func TestCountsHaveThePluralFormsOfTheirLanguage(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, withLanguages)
	for left, want := range map[int]string{
		0: "لا محاولات", 1: "محاولة واحدة", 2: "محاولتان", 3: "\u2068٣\u2069 محاولات", 11: "\u2068١١\u2069 محاولة", 100: "\u2068١٠٠\u2069 محاولة أخرى",
	} {
		flow.put("handle", &login.State{Step: login.StepVerify, Factor: "pwd", AttemptsLeft: left, UILocales: []string{"ar"}})
		assert.Contains(t, get(pages, "handle", "verify/pwd").Body.String(), `id="attempts">`+want+"<")
	}
}

func TestADeploymentReplacesSingleTexts(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, withLanguages)
	flow.put("handle", &login.State{Step: login.StepIdentify, Factor: "otp"})
	assert.Contains(t, get(pages, "handle", "identify/otp").Body.String(), ">Civil number</label>")
	flow.put("handle", &login.State{Step: login.StepConsent, Voluntary: []string{"tribe", "blood_type"}})
	page := get(pages, "handle", "consent").Body.String()
	assert.Contains(t, page, ">Tribe<")
	assert.Contains(t, page, ">Blood type<", "a claim without a text is made readable")
}

func TestMistakesInACatalogAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ui.New(ui.Config{Flow: newFakeFlow(), DefaultLanguage: "tlh", Catalog: fstest.MapFS{
		"fi.json": {Data: []byte(`{"language": {"name": "Suomi"}}`)},
		"sv.json": {Data: []byte(`{"language": {"dir": "ltr"}}`)},
		"hi.json": {Data: []byte(`{"language": {"name": "x", "dir": "sideways"}}`)},
		"KM.json": {Data: []byte(`{}`)},
		"??.json": {Data: []byte(`{}`)},
		"ta.json": {Data: []byte(`{`)},
		"kn.json": {Data: []byte(`{"language": {"name": 7, "dir": "ltr"}}`)},
		"si.json": {Data: []byte(`{"language": {"name": "x", "dir": "ltr"}, "choose": {"heading": "{client} {person}", "lead": "{"}}`)},
		"de.json": {Data: []byte(`{"language": {"name": "x", "dir": "ltr"}, "verify": {"attempts": {"one": "1", "other": "n", "lots": "n"}}}`)},
	}})
	require.Error(t, err)
	for _, problem := range []string{
		"language fi: language.dir must be", "language sv: language.name is missing", "language hi: language.dir must be",
		"KM.json: the name is not a canonical language tag", "??.json: the name", "ta.json: unexpected end of JSON",
		"language.name is neither a text nor a group", "choose.lead: a placeholder is", `"lots" is no plural form`,
		`the default language "tlh" has no texts`,
	} {
		assert.ErrorContains(t, err, problem)
	}
	_, err = ui.New(ui.Config{Flow: newFakeFlow(), Catalog: fstest.MapFS{
		"en.json": {Data: []byte(`{"choose": {"heading": "{client} {person}"}}`)},
	}})
	assert.ErrorContains(t, err, "en.json: choose.heading: the page does not fill {person}")
}

func TestATextThatNoPageShowsIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	newPages(t, func(c *ui.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Catalog = fstest.MapFS{"en.json": {Data: []byte(`{"chose": {"title": "x"}, "claim": {"tribe": "Tribe"}}`)}}
	})
	assert.Contains(t, log.String(), "key=chose.title")
	assert.NotContains(t, log.String(), "tribe")
}

func TestErrorsBeforeALoginSpeakTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, withLanguages)
	assert.Contains(t, get(pages, "unknown", "choose", "Accept-Language", "km").Body.String(), `<html lang="km"`)
	p := newProvider(t, withLanguages)
	b := newBrowser(t, p.URL)
	b.header.Set("Accept-Language", "km")
	a := b.open("/authorize?client_id=nobody&ui_locales=fi+ar")
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.Contains(t, a.body, `<html lang="ar"`)
}

func TestAPageOfNoLoginIsShownAgainInAnotherLanguage(t *testing.T) {
	t.Parallel()
	flow := &loggedIn{fakeFlow: newFakeFlow()}
	pages, err := ui.New(ui.Config{Flow: flow, Logout: flow})
	require.NoError(t, err)
	show := func(method, uri string) string {
		w := httptest.NewRecorder()
		handler := http.Handler(pages)
		if strings.HasPrefix(uri, "/logout") {
			handler = pages.LogoutHandler()
		}
		handler.ServeHTTP(w, httptest.NewRequest(method, uri, nil))
		return w.Body.String()
	}
	for _, uri := range []string{"/login/nothing/here?ui_locales=hi&a=%22b", "/logout?client_id=portal&ui_locales=hi&a=%22b"} {
		page := show(http.MethodGet, uri)
		link := regexp.MustCompile(`<a id="km\d+" href="(\?[^"]+)"`).FindStringSubmatch(page)
		require.NotNil(t, link, uri)
		query, err := url.ParseQuery(html.UnescapeString(link[1])[1:])
		require.NoError(t, err)
		assert.Equal(t, `"b`, query.Get("a"), "the rest of the address stays")

		page = show(http.MethodGet, uri+"&lang=km")
		assert.Contains(t, page, `<html lang="km"`, uri)
		assert.NotContains(t, show(http.MethodPost, uri), `class="language"`, "what a form led to has no address of its own")
	}
	assert.Contains(t, show(http.MethodGet, "/logout?lang=km"), `<input type="hidden" name="lang" value="km">`, "the answer is in it, too")
	assert.NotContains(t, show(http.MethodGet, "/login/nothing?a="+strings.Repeat("a", 5000)), `class="language"`, "ten times so much is too much")
}
