package ui_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/ui"
)

func TestEveryReasonIsExplained(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		factor     authenticator.Factor
		err        *authenticator.Error
		want       string
		status     int // 200 if there is none
		retryAfter string
	}{
		"wrong code":     {factor: "otp", err: &authenticator.Error{Reason: authenticator.WrongCredentials}, want: "This code is not right."},
		"wrong password": {factor: "pwd", err: &authenticator.Error{Reason: authenticator.WrongCredentials}, want: "The ID number or the password is not right."},
		"wrong answer":   {factor: "dob", err: &authenticator.Error{Reason: authenticator.WrongCredentials}, want: "What you entered is not right."},
		"expired":        {factor: "otp", err: &authenticator.Error{Reason: authenticator.CodeExpired}, want: "This code is no longer valid. Ask for a new code."},
		"locked":         {factor: "pwd", err: &authenticator.Error{Reason: authenticator.Locked}, want: "this ID cannot log in for a while. Try again later."},
		"locked until today": {factor: "pwd", err: &authenticator.Error{Reason: authenticator.Locked, RetryAt: start.Add(15 * time.Minute)},
			want: "Try again in 15 minutes ( 13:15 CET )."},
		"locked until tomorrow": {factor: "pwd", err: &authenticator.Error{Reason: authenticator.Locked, RetryAt: start.Add(20 * time.Hour)},
			want: "Try again in 20 hours ( 2 March 2026, 09:00 CET )."},
		"locked until a moment ago": {factor: "pwd", err: &authenticator.Error{Reason: authenticator.Locked, RetryAt: start}, want: "Try again later."},
		"unsupported":               {factor: "otp", err: &authenticator.Error{Reason: authenticator.Unsupported}, want: "You cannot log in this way."},
		"unavailable":               {factor: "pwd", err: &authenticator.Error{Reason: authenticator.Unavailable}, want: "The ID system does not answer at the moment.", status: 503, retryAfter: "30"},
		"unavailable until then": {factor: "pwd", err: &authenticator.Error{Reason: authenticator.Unavailable, RetryAt: start.Add(time.Minute)},
			want: "The ID system does not answer at the moment.", status: 503, retryAfter: "60"},
		"unknown": {factor: "pwd", err: &authenticator.Error{Reason: "strange"}, want: "The ID system does not answer at the moment.", status: 503, retryAfter: "30"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, flow := newPages(t, func(config *ui.Config) {
				config.Now = func() time.Time { return start }
				config.Location = time.FixedZone("CET", 3600)
			})
			server := httptest.NewServer(pages)
			defer server.Close()
			flow.put("handle", &login.State{Step: login.StepVerify, Factor: c.factor, AttemptsLeft: 3, CodesLeft: 1})
			flow.do = func(string, *login.State) error { return c.err }
			b := newBrowser(t, server.URL)
			b.header.Set("Cookie", "signet-"+login.ID("handle")+"=handle")
			page := b.open("/login/" + login.ID("handle") + "/")
			answer := b.submit(page, "verify/"+string(c.factor), "identifier", "1", "response", "1")
			assert.Contains(t, answer.text(), "There is a problem")
			assert.Contains(t, answer.text(), c.want)
			assert.Contains(t, answer.body, `id="error-banner" role="alert" tabindex="-1" autofocus`)
			assert.Equal(t, cmp.Or(c.status, http.StatusOK), answer.status)
			assert.Equal(t, c.retryAfter, answer.header.Get("Retry-After"))
			assert.NotContains(t, b.open(page.path).text(), c.want, "the page itself has no problem")
		})
	}
}

func TestForgedProblemsAreNotShown(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, nil)
	flow.put("handle", &login.State{Step: login.StepVerify, Factor: "pwd"})
	for _, query := range []string{"problem=call+us", "problem=", "problem=locked_until", "until=99999999999"} {
		assert.NotContains(t, get(pages, "handle", "verify/pwd?"+query).Body.String(), `id="error-banner"`, query)
	}
	far := get(pages, "handle", "verify/pwd?problem=locked&until=99999999999999").Body.String()
	assert.Contains(t, far, "Try again later.")
}

func TestAFactorOfACountrysOwnHasAPage(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, nil)
	flow.put("handle", &login.State{Step: login.StepVerify, Factor: "mothers_name"})
	page := get(pages, "handle", "verify/mothers_name").Body.String()
	assert.Contains(t, page, "<h1>Prove who you are</h1>")
	assert.Contains(t, page, ">Mothers name</label>")
	assert.Contains(t, page, `id="verify_mothers_name"`)
	assert.Contains(t, page, `autocomplete="off"`)
}

func TestAnErrorPageShowsTheRegisteredCode(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	for code, want := range map[oauth.ErrorCode]string{
		oauth.InvalidRequest:         "We cannot log you in for this service",
		oauth.InvalidScope:           "We cannot log you in for this service",
		oauth.AccessDenied:           "The login was refused",
		oauth.ServerError:            "The login does not work at the moment",
		oauth.TemporarilyUnavailable: "The login does not work at the moment",
	} {
		w := httptest.NewRecorder()
		e := &oauth.Error{Code: code, Description: "what is <wrong>", Status: 418, Cause: fmt.Errorf("secret")}
		pages.ShowError(w, httptest.NewRequest(http.MethodGet, "/authorize", nil), e)
		assert.Equal(t, 418, w.Code)
		assert.Contains(t, w.Body.String(), want)
		assert.Contains(t, w.Body.String(), ">"+string(code)+"</code>")
		assert.Contains(t, w.Body.String(), "what is &lt;wrong&gt;")
		assert.NotContains(t, w.Body.String(), "secret")
	}
}

func TestTheProviderLooksLikeItself(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	pages, flow := newPages(t, func(c *ui.Config) {
		c.Theme = ui.Theme{Names: map[string]string{"": "Kingdom ID", "en": "Kingdom"}, LogoURI: "data:image/png;base64,AAAA", Light: ui.Colors{Accent: "#ffcc00"}}
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	flow.put("handle", &login.State{Step: login.StepChoose})
	page := get(pages, "handle", "choose").Body.String()
	assert.Contains(t, page, "<title>Log in – Health Portal – Kingdom</title>")
	assert.Contains(t, page, `<img class="brand-logo" src="data:image/png;base64,AAAA" alt="">`)
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, assetLink.FindStringSubmatch(page)[1], nil))
	assert.Contains(t, w.Body.String(), "--accent:#ffcc00;", "on dark pages the yellow stays")
	assert.Equal(t, 1, strings.Count(w.Body.String(), "--accent:#ffcc00;"), "and on light ones it does not")
	assert.Contains(t, log.String(), "not legible", "a yellow on white is darkened, and somebody is told")
}

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := ui.New(ui.Config{
		BasePath: "login", DefaultLanguage: "xx",
		Theme: ui.Theme{Names: map[string]string{"en": "x"}, LogoURI: "https://cdn.example.org/logo.png", Scheme: "blue"},
	})
	for _, problem := range []string{"Flow is required", "BasePath", "default language", "Theme.Names", "Theme.LogoURI", "Theme.Scheme"} {
		assert.ErrorContains(t, err, problem)
	}
	for _, accent := range []string{"blue", "#12345", "#1234567", "#12345g", "#+1+2+3"} {
		_, err = ui.New(ui.Config{Flow: newFakeFlow(), Theme: ui.Theme{Light: ui.Colors{Accent: accent}}})
		assert.ErrorContains(t, err, "light.accent", accent)
	}
}

func TestThePagesLiveUnderAnotherPath(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, func(c *ui.Config) { c.BasePath = "/id/pages/" })
	flow.put("handle", &login.State{Step: login.StepChoose})
	r := httptest.NewRequest(http.MethodGet, "/id/pages/"+login.ID("handle")+"/choose", nil)
	r.AddCookie(&http.Cookie{Name: "signet-" + login.ID("handle"), Value: "handle"})
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), `href="/id/pages/assets/signet.`)
	assert.NotContains(t, w.Body.String(), `"/login/`)
}

var assetLink = regexp.MustCompile(`(?:href|src)="(/login/assets/[^"]+)" integrity="(sha256-[^"]+)"`)

func TestAssetsAreImmutableAndSmall(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	page := b.atConsent(p)
	links := assetLink.FindAllStringSubmatch(page.body, -1)
	require.Len(t, links, 3)
	b.header.Set("Accept-Encoding", "gzip")
	zippedPage := b.open(page.path)
	b.header.Del("Accept-Encoding")
	require.Equal(t, "gzip", zippedPage.header.Get("Content-Encoding"))
	total := len(zippedPage.body)
	for _, link := range links {
		plain := b.send(http.MethodGet, link[1], "")
		assert.Equal(t, http.StatusOK, plain.status)
		assert.Equal(t, "public, max-age=31536000, immutable", plain.header.Get("Cache-Control"))
		assert.Equal(t, "Accept-Encoding", plain.header.Get("Vary"))
		b.header.Set("Accept-Encoding", "br, gzip;q=0.5")
		zipped := b.send(http.MethodGet, link[1], "")
		assert.Equal(t, "gzip", zipped.header.Get("Content-Encoding"))
		total += len(zipped.body)
		r, err := gzip.NewReader(strings.NewReader(zipped.body))
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		b.header.Set("Accept-Encoding", "gzip;q=0")
		refused := b.send(http.MethodGet, link[1], "")
		assert.Empty(t, refused.header.Get("Content-Encoding"))
		assert.Equal(t, refused.body, string(content))
		b.header.Del("Accept-Encoding")
		assert.Equal(t, http.StatusMethodNotAllowed, b.send(http.MethodPost, link[1], "").status)
	}
	t.Logf("the consent with everything it needs is %d bytes", total)
	assert.Less(t, total, 16<<10)
}

func FuzzForms(f *testing.F) {
	pages, flow := newPages(f, nil)
	flow.put("choose", &login.State{Step: login.StepChoose, Options: []authenticator.FactorSet{{"otp"}}})
	w := get(pages, "choose", "choose")
	token := csrfField.FindStringSubmatch(w.Body.String())[1]
	for _, page := range []string{
		"choose", "identify/otp", "verify/otp", "verify/pwd", "resend/otp", "cancel", "", "../x",
		"verify/pop", "verify/bio", "verify/pin", "challenge/pop", "enroll", "enroll/options",
	} {
		f.Add(page, "option=0&identifier=1&response=1", "same-origin", true)
	}
	f.Add("identify/otp", "identifier=1&channels=1&channel=phone&channel=email&captcha=x", "same-origin", true)
	f.Add("verify/kba", "form=1&identifier=1&field.a=1", "same-origin", true)
	f.Add("verify/pwd", "enroll=pop&wished=1&g-recaptcha-response=x&identifier=1&response=1", "same-origin", true)
	f.Add("verify/otp", "response=%f0%9f%92%a9&response=", "", true)
	f.Add("choose", "option=-99999999999999999999", "cross-site", false)
	f.Fuzz(func(t *testing.T, page, body, site string, signed bool) {
		if signed {
			body = "csrf=" + url.QueryEscape(token) + "&" + body
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.Path = "/login/" + login.ID("choose") + "/" + page
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		r.AddCookie(&http.Cookie{Name: "signet-" + login.ID("choose"), Value: "choose"})
		before := len(flow.calls)
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusSeeOther:
			if location := w.Header().Get("Location"); !strings.HasPrefix(location, "/login/"+login.ID("choose")+"/") {
				t.Errorf("redirected to %q", location)
			}
		case http.StatusOK:
			if page != "enroll/options" && !strings.HasPrefix(page, "challenge/") {
				t.Errorf("a form is answered with a page")
			}
		case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("status %d", w.Code)
		}
		if len(flow.calls) > before && (!signed || site == "cross-site") {
			t.Errorf("a forged form called %s", flow.calls[before])
		}
		flow.calls = nil
	})
}

func FuzzPages(f *testing.F) {
	pages, flow := newPages(f, withLanguages)
	flow.put("h", &login.State{Step: login.StepVerify, Factor: "otp", Options: []authenticator.FactorSet{{"otp"}, {"pwd"}}})
	f.Add("verify/otp", "problem=locked&until=1", "h", "km")
	f.Add("choose", "lang=ar", "h.ar", "ar;q=0.5")
	f.Add("assets/x", "", "", "*")
	f.Fuzz(func(t *testing.T, page, query, cookie, accept string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.URL.RawQuery = "/login/"+login.ID("h")+"/"+page, query
		r.Header.Set("Cookie", "signet-"+login.ID("h")+"="+cookie)
		r.Header.Set("Accept-Language", accept)
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("status %d", w.Code)
		}
	})
}

func BenchmarkConsent(b *testing.B) {
	pages, flow := newPages(b, nil)
	flow.put("handle", &login.State{
		Step: login.StepConsent, Essential: []string{"name", "birthdate", "gender"},
		Voluntary: []string{"email", "phone_number", "address"}, Scopes: []string{"appointments"},
	})
	r := httptest.NewRequest(http.MethodGet, "/login/"+login.ID("handle")+"/consent", nil)
	r.AddCookie(&http.Cookie{Name: "signet-" + login.ID("handle"), Value: "handle"})
	r.Header.Set("Accept-Language", "en-GB,en;q=0.9,fr;q=0.8")
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
