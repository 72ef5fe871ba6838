package ui_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

func TestAWishToEnrollIsToldBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		enrolling authenticator.Factor
		fields    []string
		calls     []string
		factor    authenticator.Factor
	}{
		"ticked":             {"", []string{"enroll", "pop"}, []string{"wish", "answer"}, "pop"},
		"not ticked":         {"", nil, []string{"answer"}, ""},
		"ticked as before":   {"pop", []string{"enroll", "pop", "wished", "1"}, []string{"answer"}, ""},
		"no longer ticked":   {"pop", []string{"wished", "1"}, []string{"wish", "answer"}, ""},
		"what no page sends": {"", []string{"enroll", "bio"}, []string{"answer"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{
				Step: login.StepVerify, Factor: "pwd", Enrollable: []authenticator.Factor{"pop"}, Enrolling: c.enrolling,
			}, nil)
			page := f.page()
			assert.Contains(t, page.body, `<div id="wish" hidden>`, "only a script knows whether the device can")
			assert.Equal(t, c.enrolling != "", strings.Contains(page.body, `id="wish-passkey" checked`))
			assert.Equal(t, c.enrolling != "", strings.Contains(page.body, `name="wished"`))
			f.flow.do = moveOn
			requireMoved(t, f.submit(page, "verify/pwd", append(c.fields, "identifier", "42", "response", "x")...))
			assert.Equal(t, c.calls, f.flow.made())
			assert.Equal(t, c.factor, f.flow.factor)
		})
	}
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: "pwd"}, nil)
	assert.NotContains(t, f.page().body, `id="wish"`)
	f.flow.do = func(call string, s *login.State) error {
		if call == "wish" {
			return login.ErrStep
		}
		return moveOn(call, s)
	}
	requireMoved(t, f.submit(f.page(), "verify/pwd", "enroll", "pop", "identifier", "42", "response", "x"))
}

func TestEnrollmentCanBeLeft(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepEnroll, Enrolling: authenticator.Passkey}, nil)
	page := f.page()
	assert.Equal(t, "enroll", page.page())
	assert.Contains(t, page.body, `id="create_passkey" hidden`)
	assert.Contains(t, page.body, `id="not_now"`)
	assert.Contains(t, page.text(), "A passkey cannot be set up without JavaScript. Go on without.")
	for reason, want := range map[authenticator.Reason]string{
		authenticator.WrongCredentials: "The passkey could not be set up. Try again, or go on without.",
		authenticator.Unavailable:      "A passkey cannot be set up at the moment. Go on without",
		authenticator.Unsupported:      "A passkey cannot be set up with this device. Go on without.",
	} {
		f.flow.do = func(string, *login.State) error { return &authenticator.Error{Reason: reason} }
		assert.Contains(t, f.submit(page, "enroll", "response", "{}").text(), want)
	}
	f.flow.do = moveOn
	assert.Contains(t, f.submit(page, "enroll", "response", strings.Repeat("x", 16<<10-200)).text(), "Share")
	f.flow.put(fakeHandle, &login.State{Step: login.StepEnroll, Enrolling: authenticator.Passkey})
	requireMoved(t, f.submit(page, "enroll"))
	assert.Empty(t, f.flow.told())
}

func TestAPasskeyIsTakenOnThePageOfAnotherFactor(t *testing.T) {
	t.Parallel()
	options := []authenticator.FactorSet{{"pwd"}, {"pop"}}
	for _, s := range []login.State{
		{Step: login.StepVerify, Factor: "pwd"},
		{Step: login.StepIdentify, Factor: "otp"},
		{Step: login.StepVerify, Factor: "pin"},
		{Step: login.StepVerify, Factor: "bio"},
		{Step: login.StepVerify, Factor: "kba", Form: &authenticator.Form{}},
	} {
		s.DeviceFactors, s.Options = []authenticator.Factor{"pop"}, options
		f := newFakeLogin(t, &s, nil)
		page := f.page()
		assert.Contains(t, page.body, `autocomplete="username webauthn"`, page.path)
		assert.Contains(t, page.body, `data-passkey="conditional"`, page.path)
		f.flow.do = moveOn
		requireMoved(t, f.submit(page, "verify/pop", "response", `{"id":"x"}`))
		assert.Equal(t, []string{"choose", "answer"}, f.flow.made())
		assert.Equal(t, 1, f.flow.option)
		id, c := f.flow.answered()
		assert.Empty(t, id)
		assert.Equal(t, authenticator.Challenge{Factor: "pop", Response: `{"id":"x"}`}, c)
	}
	second := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: "pwd", DeviceFactors: []authenticator.Factor{"pop"}, Succeeded: []authenticator.Factor{"otp"},
	}, nil)
	assert.NotContains(t, second.page().body, "webauthn", "there is no other way any more")
}

func TestAPasskeyThatIsWrongIsExplained(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: "pop", Identifies: true, AttemptsLeft: 4}, nil)
	page := f.page()
	f.flow.do = func(string, *login.State) error { return &authenticator.Error{Reason: authenticator.WrongCredentials} }
	wrong := f.submit(page, "verify/pop", "response", "{}")
	assert.Contains(t, wrong.text(), "This passkey cannot be used to log in.")
	assert.Contains(t, wrong.text(), "You have 4 attempts left.")
	assert.Contains(t, f.submit(page, "verify/pop").text(), "No passkey was used.")
}

func TestScriptsGetWhatADeviceIsToAnswer(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: "pwd", DeviceFactors: []authenticator.Factor{"pop"}}, nil)
	f.flow.options = []byte(`{"publicKey":{"challenge":"AQID"}}`)
	page := f.page()
	for path, call := range map[string]string{"/challenge/pop": "challenge", "/enroll/options": "options"} {
		send := func(form url.Values) *answer { return f.send(http.MethodPost, page.login()+path, form.Encode()) }
		f.flow.do = nil
		a := send(url.Values{"csrf": {page.csrf(t)}})
		assert.Equal(t, http.StatusOK, a.status)
		assert.Equal(t, "application/json", a.header.Get("Content-Type"))
		assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
		assert.Equal(t, string(f.flow.options), a.body)
		assert.Contains(t, f.flow.made(), call)
		assert.Equal(t, http.StatusForbidden, send(nil).status, "others get nothing")
		for status, err := range map[int]error{
			http.StatusConflict: login.ErrStep, http.StatusGone: login.ErrUnknown,
			http.StatusServiceUnavailable: fmt.Errorf("dial tcp 10.0.0.7:6379: refused"),
		} {
			f.flow.do = func(string, *login.State) error { return err }
			a := send(url.Values{"csrf": {page.csrf(t)}})
			assert.Equal(t, status, a.status)
			assert.Equal(t, "{}", a.body)
		}
		f.flow.do = func(string, *login.State) error { return &authenticator.Error{Reason: authenticator.Unavailable} }
		assert.Equal(t, http.StatusServiceUnavailable, send(url.Values{"csrf": {page.csrf(t)}}).status)
		f.flow.do = nil
		assert.Equal(t, "verify/pwd", f.open(page.login()+path).page(), "it is no page")
	}
}
