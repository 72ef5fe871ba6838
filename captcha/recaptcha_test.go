package captcha_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/captcha"
)

const (
	siteKey   = "10000000-ffff-ffff-ffff-000000000001"
	apiSecret = "0x-the-secret-of-the-deployment"
	token     = "10000000-aaaa-bbbb-cccc-000000000001"
)

var person = netip.MustParseAddr("::ffff:192.0.2.7")

// service is a captcha service that checks every byte of what it is sent, and answers as it is told to.
type service struct {
	*httptest.Server
	captcha.Service

	mu      sync.Mutex
	forms   []url.Values
	answers []func(http.ResponseWriter) // for one call after the other, the last for all others
}

func newService(t *testing.T, s captcha.Service, answers ...func(http.ResponseWriter)) *service {
	t.Helper()
	fake := &service{answers: answers, Service: s}
	fake.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		form, err := url.ParseQuery(string(body))
		assert.NoError(t, err)
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, "/siteverify", r.URL.String(), "nothing is in the URL")
		assert.Equal(t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
		assert.Equal(t, "application/json", r.Header.Get("Accept"))
		assert.Equal(t, form.Encode(), string(body))
		fake.mu.Lock()
		fake.forms = append(fake.forms, form)
		answer := fake.answers[0]
		if len(fake.answers) > 1 {
			fake.answers = fake.answers[1:]
		}
		fake.mu.Unlock()
		answer(w)
	}))
	fake.Config.ErrorLog = log.New(io.Discard, "", 0)
	fake.StartTLS()
	t.Cleanup(fake.Close)
	fake.VerifyURL = fake.URL + "/siteverify"
	return fake
}

// asked are the forms that the service was sent.
func (s *service) asked() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms
}

func says(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// hangUp ends the connection without an answer.
func hangUp(http.ResponseWriter) { panic(http.ErrAbortHandler) }

const solved = `{"success":true,"challenge_ts":"2031-03-14T09:26:53Z","hostname":"id.example.org","action":"login","score":0.9}`

// verifier asks the fake service.
func (s *service) verifier(t *testing.T, change ...func(*captcha.ReCaptchaConfig)) *captcha.ReCaptcha {
	t.Helper()
	c := captcha.ReCaptchaConfig{
		Service: s.Service, SiteKey: siteKey, Secret: apiSecret, Hostnames: []string{"www.example.org", "ID.example.org"},
		Transport: s.Client().Transport,
	}
	for _, f := range change {
		f(&c)
	}
	r, err := captcha.NewReCaptcha(c)
	require.NoError(t, err)
	return r
}

func TestServiceIsAskedWithEveryFieldAndNoMore(t *testing.T) {
	t.Parallel()
	s := newService(t, captcha.HCaptcha(), says(200, solved))
	ok, err := s.verifier(t).Verify(t.Context(), token, person)
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = s.verifier(t, func(c *captcha.ReCaptchaConfig) { c.SendSource = true }).Verify(t.Context(), token, person)
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = s.verifier(t, func(c *captcha.ReCaptchaConfig) { c.SendSource = true }).Verify(t.Context(), token, nowhere)
	require.NoError(t, err)
	require.True(t, ok)
	plain := url.Values{"secret": {apiSecret}, "response": {token}}
	require.Equal(t, []url.Values{
		plain, {"secret": {apiSecret}, "response": {token}, "remoteip": {"192.0.2.7"}}, plain,
	}, s.asked())
}

func TestWhatTheServiceSays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		service captcha.Service
		answer  string
		change  func(*captcha.ReCaptchaConfig)
		want    bool
		err     string
	}{
		"solved":             {answer: solved, want: true},
		"solved elsewhere":   {answer: strings.Replace(solved, "id.example.org", "id.example.org.evil.example", 1)},
		"solved nowhere":     {answer: `{"success":true}`},
		"the action":         {answer: solved, change: func(c *captcha.ReCaptchaConfig) { c.Action = "login" }, want: true},
		"another action":     {answer: solved, change: func(c *captcha.ReCaptchaConfig) { c.Action = "sign-up" }},
		"no action":          {answer: `{"success":true,"hostname":"id.example.org"}`, change: func(c *captcha.ReCaptchaConfig) { c.Action = "login" }},
		"score":              {service: captcha.ReCaptchaV3(), answer: strings.Replace(solved, "0.9", "0.5", 1), want: true},
		"low score":          {service: captcha.ReCaptchaV3(), answer: strings.Replace(solved, "0.9", "0.4", 1)},
		"no score":           {service: captcha.ReCaptchaV3(), answer: `{"success":true,"hostname":"id.example.org"}`},
		"own least score":    {service: captcha.ReCaptchaV3(), answer: solved, change: func(c *captcha.ReCaptchaConfig) { c.MinScore = 0.95 }},
		"not solved":         {answer: `{"success":false}`},
		"wrong":              {answer: `{"success":false,"error-codes":["invalid-input-response"]}`},
		"used":               {answer: `{"success":false,"error-codes":["timeout-or-duplicate"]}`},
		"wrong and misused":  {answer: `{"success":false,"error-codes":["invalid-input-response","invalid-input-secret"]}`, err: "invalid-input-secret"},
		"wrong secret":       {answer: `{"success":false,"error-codes":["invalid-input-secret"]}`, err: "invalid-input-secret"},
		"service is at loss": {answer: `{"success":false,"error-codes":["internal-error"]}`, err: "internal-error"},
		"code that is none":  {answer: `{"success":false,"error-codes":["your secret ` + apiSecret + `"]}`, err: "unknown"},
		"no object":          {answer: `[]`, err: "JSON"},
		"null":               {answer: `null`, err: "JSON"},
		"no JSON":            {answer: `<html>` + apiSecret, err: "JSON"},
		"odd types":          {answer: `{"success":"true"}`, err: "JSON"},
		"too long":           {answer: solved + strings.Repeat(" ", 64<<10), err: "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.service.Kind == "" {
				test.service = captcha.ReCaptchaV2()
			}
			s := newService(t, test.service, says(200, test.answer))
			v := s.verifier(t)
			if test.change != nil {
				v = s.verifier(t, test.change)
			}
			ok, err := v.Verify(t.Context(), token, nowhere)
			assert.Equal(t, test.want, ok)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.err)
			require.NotContains(t, err.Error(), apiSecret)
			require.NotContains(t, err.Error(), token)
		})
	}
}

func TestBadRequestMaySayWhatWasWrong(t *testing.T) {
	t.Parallel()
	s := newService(t, captcha.ReCaptchaV2(), says(400, `{"success":false,"error-codes":["invalid-input-response"]}`))
	ok, err := s.verifier(t).Verify(t.Context(), token, nowhere)
	require.NoError(t, err)
	require.False(t, ok)
}

func TestServiceIsNotAskedAboutWhatIsNoToken(t *testing.T) {
	t.Parallel()
	s := newService(t, captcha.ReCaptchaV2(), says(200, solved))
	for _, response := range []string{"", "two words", "new\nline", "ü", strings.Repeat("a", 8<<10+1)} {
		ok, err := s.verifier(t).Verify(t.Context(), response, nowhere)
		require.NoError(t, err)
		require.False(t, ok)
	}
	require.Empty(t, s.asked())
}

// A service that saw a response and is asked again would say that it was used.
func TestCallsAreRepeatedOnlyWhereThatIsSafe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		service captcha.Service
		first   func(http.ResponseWriter)
		calls   int
	}{
		"hung up":                        {captcha.HCaptcha(), hangUp, 1},
		"failed":                         {captcha.HCaptcha(), says(503, ""), 1},
		"hung up, idempotent":            {captcha.Turnstile(), hangUp, 2},
		"failed, idempotent":             {captcha.Turnstile(), says(503, apiSecret), 2},
		"refused, idempotent":            {captcha.Turnstile(), says(403, apiSecret), 1},
		"sent elsewhere, idempotent":     {captcha.Turnstile(), redirect, 1},
		"answered nonsense, idempotent":  {captcha.Turnstile(), says(200, "nonsense"), 1},
		"refused the secret, idempotent": {captcha.Turnstile(), says(200, `{"error-codes":["invalid-input-secret"]}`), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, test.service, test.first, says(200, solved))
			ok, err := s.verifier(t).Verify(t.Context(), token, nowhere)
			asked := s.asked()
			require.Len(t, asked, test.calls)
			require.Equal(t, test.calls > 1, ok)
			if test.calls == 1 {
				require.Error(t, err)
				require.NotContains(t, err.Error(), apiSecret)
				return
			}
			require.NoError(t, err)
			require.Equal(t, asked[0], asked[1])
			require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, asked[0].Get("idempotency_key"))
		})
	}
}

func redirect(w http.ResponseWriter) {
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// flaky is a transport that cannot connect at first.
type flaky struct {
	http.RoundTripper
	failures *int
}

func (f flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	if *f.failures > 0 {
		*f.failures--
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	return f.RoundTripper.RoundTrip(r)
}

func TestServiceThatCannotBeReachedIsTriedAgain(t *testing.T) {
	t.Parallel()
	for failures := range 4 {
		t.Run(fmt.Sprint(failures), func(t *testing.T) {
			t.Parallel()
			s := newService(t, captcha.ReCaptchaV2(), says(200, solved))
			left := failures
			v := s.verifier(t, func(c *captcha.ReCaptchaConfig) {
				c.Transport, c.Tries = flaky{s.Client().Transport, &left}, 3
			})
			ok, err := v.Verify(t.Context(), token, nowhere)
			require.Equal(t, failures < 3, ok)
			require.Equal(t, failures < 3, err == nil)
			if err != nil {
				require.ErrorContains(t, err, "connection refused")
			}
		})
	}
}

func TestSlowServiceIsGivenUp(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	s := newService(t, captcha.Turnstile(), func(http.ResponseWriter) { <-held })
	defer close(held)
	v := s.verifier(t, func(c *captcha.ReCaptchaConfig) { c.Timeout = 50 * time.Millisecond })
	ok, err := v.Verify(t.Context(), token, nowhere)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, ok)
	require.NotContains(t, err.Error(), s.URL)
}

func TestPersonWhoHangsUpEndsTheCall(t *testing.T) {
	t.Parallel()
	s := newService(t, captcha.Turnstile(), says(200, solved))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.verifier(t).Verify(ctx, token, nowhere)
	require.ErrorIs(t, err, context.Canceled)
}

func TestServiceWithAnotherCertificateIsNotTrusted(t *testing.T) {
	t.Parallel()
	s := newService(t, captcha.Turnstile(), says(200, solved))
	_, err := s.verifier(t, func(c *captcha.ReCaptchaConfig) { c.Transport = nil }).Verify(t.Context(), token, nowhere)
	require.ErrorContains(t, err, "certificate")
	require.Empty(t, s.asked())
}

func TestWidgetsOfServices(t *testing.T) {
	t.Parallel()
	for kind, test := range map[string]struct {
		service captcha.Service
		script  string
		origin  string
	}{
		"recaptcha":    {captcha.ReCaptchaV2(), "https://www.google.com/recaptcha/api.js", "https://www.gstatic.com"},
		"recaptcha-v3": {captcha.ReCaptchaV3(), "https://www.google.com/recaptcha/api.js?render=" + siteKey, "https://www.google.com"},
		"hcaptcha":     {captcha.HCaptcha(), "https://js.hcaptcha.com/1/api.js", "https://*.hcaptcha.com"},
		"turnstile":    {captcha.Turnstile(), "https://challenges.cloudflare.com/turnstile/v0/api.js", "https://challenges.cloudflare.com"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			v, err := captcha.NewReCaptcha(captcha.ReCaptchaConfig{
				Service: test.service, SiteKey: siteKey, Secret: apiSecret, Hostnames: []string{"id.example.org"},
			})
			require.NoError(t, err)
			w, err := v.Widget(t.Context())
			require.NoError(t, err)
			assert.Equal(t, kind, w.Kind)
			assert.Equal(t, siteKey, w.SiteKey)
			assert.Equal(t, test.script, w.ScriptURL)
			assert.Contains(t, w.Origins, test.origin)
			assert.Nil(t, w.Challenge)

			w.Origins[0] = "https://evil.example"
			again, err := v.Widget(t.Context())
			require.NoError(t, err)
			assert.NotContains(t, again.Origins, "https://evil.example", "each page has its own")
		})
	}
}

func TestNewReCaptchaReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := captcha.NewReCaptcha(captcha.ReCaptchaConfig{
		Service:  captcha.Service{VerifyURL: "http://verify.example", ScriptURL: "api.js", Origins: []string{"https://a; script-src *"}},
		MinScore: 2, Timeout: -1, Tries: 6, MaxInFlight: -1,
	})
	for _, field := range []string{
		"Service.Kind", "Service.VerifyURL", "Service.ScriptURL", "Service.Origins", "SiteKey", "Secret", "Hostnames",
		"MinScore is for a Service with Scores", "MinScore must be", "Timeout", "Tries", "MaxInFlight",
	} {
		require.ErrorContains(t, err, "ReCaptchaConfig."+field)
	}
}

// Whatever a person sends as a response, the service gets it as it is, in the one field, or not at all.
func FuzzReCaptchaVerify(f *testing.F) {
	for _, seed := range []string{token, "", "a&secret=b", "%26", strings.Repeat("a", 9<<10), "\x00", "ü"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, response string) {
		s := &recorder{answer: solved}
		v, err := captcha.NewReCaptcha(captcha.ReCaptchaConfig{
			Service: captcha.HCaptcha(), SiteKey: siteKey, Secret: apiSecret, Hostnames: []string{"id.example.org"}, Transport: s,
		})
		require.NoError(t, err)
		ok, err := v.Verify(t.Context(), response, nowhere)
		require.NoError(t, err)
		if ok {
			require.Equal(t, url.Values{"secret": {apiSecret}, "response": {response}}, s.form)
		}
	})
}

// FuzzReCaptchaAnswer finds no answer of a service that is accepted without being a success on the right host.
func FuzzReCaptchaAnswer(f *testing.F) {
	for _, seed := range []string{solved, "", "null", `{"success":true}`, `{"success":false,"error-codes":["a"]}`, `{"score":1e999}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		v, err := captcha.NewReCaptcha(captcha.ReCaptchaConfig{
			Service: captcha.ReCaptchaV3(), SiteKey: siteKey, Secret: apiSecret, Hostnames: []string{"id.example.org"},
			Transport: &recorder{answer: answer},
		})
		require.NoError(t, err)
		ok, err := v.Verify(t.Context(), token, nowhere)
		require.False(t, ok && err != nil)
		if ok {
			require.Contains(t, answer, "true")
		}
	})
}

// recorder is a transport that answers itself.
type recorder struct {
	answer string
	form   url.Values
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if r.form, err = url.ParseQuery(string(body)); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	io.WriteString(w, r.answer)
	return w.Result(), nil
}
