package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

func readAll(t *testing.T, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}

// write makes a file in a directory of the test's own.
func write(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

const (
	person   = "8051437269"
	name     = "Sok Dara"
	password = "signet-demo"
)

func byCode(v *visitor) {
	v.press("login_with_otp")
	v.press("get_otp", "identifier", person)
	v.press("verify_otp", "response", "222222") // which is wrong
	v.press("verify_otp", "response", mock.OTP)
}

func byPassword(v *visitor) {
	v.press("login_with_pwd")
	v.press("verify_password", "identifier", person, "response", password+"?")
	v.press("verify_password", "identifier", person, "response", password)
}

func byPIN(v *visitor) {
	v.press("login_with_pin")
	v.press("verify_pin", "identifier", person, "response", "135791")
	v.press("verify_pin", "identifier", person, "response", mock.PIN)
}

func byKnowledge(v *visitor) {
	v.press("login_with_kba")
	for _, born := range []string{"26", "27"} {
		v.press("verify_kba", "identifier", person, "field.fullName", name,
			"field.dateOfBirth.day", born, "field.dateOfBirth.month", "2", "field.dateOfBirth.year", "1990")
	}
}

func byBoth(v *visitor) {
	v.press("login_with_pwd_otp")
	v.press("verify_password", "identifier", person, "response", password)
	v.press("get_otp")
	v.press("verify_otp", "response", mock.OTP)
}

// share lets the portal have everything.
func share(v *visitor) {
	v.press("continue")
}

// personal is what nobody may find in a log.
var personal = []string{
	person, name, "សុខ", "1990-02-27", "27.2.1990", "@example.org", "+855",
	"222222", mock.OTP, password, "135791", mock.PIN,
}

func TestEveryFactorLogsInAndTellsTheLogNothing(t *testing.T) {
	t.Parallel()
	for factor, logIn := range map[string]func(*visitor){
		"otp": byCode, "pwd": byPassword, "pin": byPIN, "kba": byKnowledge, "both": byBoth,
	} {
		t.Run(factor, func(t *testing.T) {
			t.Parallel()
			s := start(t, "-log-level", "debug")
			v := visit(t, s.portal+"/login")
			logIn(v)
			share(v)
			assert.Equal(t, s.portal+"/profile", v.at.String())
			assert.Contains(t, v.page, name)
			require.NoError(t, s.stop())
			require.Contains(t, s.log.String(), "claims_released")
			for _, secret := range personal {
				assert.NotContains(t, s.log.String(), secret)
			}
		})
	}
}

func TestTheUsualWaysComeFirst(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := visit(t, s.portal+"/login")
	var options []string
	for _, m := range regexp.MustCompile(`class="option" id="login_with_(\w+)"`).FindAllStringSubmatch(v.page, -1) {
		options = append(options, m[1])
	}
	assert.Equal(t, []string{"otp", "pwd", "pop", "wla", "pin", "kba", "bio", "pwd_otp"}, options)
	require.NoError(t, s.stop())
}

func TestAPasskeyIsOffered(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args    []string
		offered bool
	}{
		"by default":          {nil, true},
		"not without":         {[]string{"-passkeys=false"}, false},
		"not at an address":   {[]string{"-issuer", "http://127.0.0.1:8080"}, false},
		"not in these ACRs":   {[]string{"-acrs", write(t, "acrs", `{"acrs": [{"value": "a", "alternatives": [["otp"], ["pwd"]]}]}`)}, false},
		"not by the register": {[]string{"-identity", write(t, "identity", `{"type": "csv", "file": "`+registerFile(t)+`"}`)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tt.args...)
			_, metadata := get(t, http.DefaultClient, s.listening+"/.well-known/openid-configuration")
			assert.Equal(t, tt.offered, strings.Contains(metadata, passkeyACR))
			require.NoError(t, s.stop())
		})
	}
}

func TestAPasskeyCanBeRegisteredAfterWhatIsStrongEnough(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args   []string
		button string
		wish   bool
	}{
		"password":                   {nil, "login_with_pwd", true},
		"knowledge is not":           {nil, "login_with_kba", false},
		"a PIN is not":               {nil, "login_with_pin", false},
		"a PIN, if it was said":      {[]string{"-passkey-acrs", "mosip:idp:acr:static-code"}, "login_with_pin", true},
		"a password, unless another": {[]string{"-passkey-acrs", twoFactorACR}, "login_with_pwd", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tt.args...)
			v := visit(t, s.portal+"/login")
			v.press(tt.button)
			assert.Equal(t, tt.wish, strings.Contains(v.page, `name="enroll"`))
			require.NoError(t, s.stop())
		})
	}
}

func TestACRsComeFromAFile(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"ours":      `{"acrs": [{"value": "high", "alternatives": [["pwd", "otp"]]}, {"value": "low", "alternatives": [["pin"]]}]}`,
		"eSignet's": `{"amr": {"two": [{"type": "PWD"}, {"type": "OTP"}], "one": [{"type": "PIN"}]}, "acr_amr": {"high": ["two"], "low": ["one"]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "-acrs", write(t, "acrs.json", file))
			_, metadata := get(t, http.DefaultClient, s.issuer+"/.well-known/openid-configuration")
			assert.Contains(t, metadata, `"acr_values_supported":["high","low"]`)
			v := visit(t, s.portal+"/login")
			assert.True(t, v.shows("login_with_pwd_otp"))
			assert.True(t, v.shows("login_with_pin"))
			assert.False(t, v.shows("login_with_otp"))
			require.NoError(t, s.stop())
		})
	}
}

func TestACaptchaIsDemanded(t *testing.T) {
	t.Parallel()
	s := start(t, "-captcha", "altcha", "-captcha-on", "answer", "-captcha-after", "1")
	v := visit(t, s.portal+"/login")
	v.press("login_with_pwd")
	assert.NotContains(t, v.page, "data-challenge", "the first answer needs none")
	v.press("verify_password", "identifier", person, "response", "wrong")
	assert.Contains(t, v.page, "data-challenge")
	v.press("verify_password", "identifier", person, "response", password)
	assert.False(t, v.shows("continue"), "the right password does not count without a solution")
	assert.Contains(t, v.page, "data-challenge")
	require.NoError(t, s.stop())
}

func TestACaptchaOfAService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("secret of the captcha\n"), 0o600))
	file := filepath.Join(dir, "captcha.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"service": "turnstile", "site_key": "site", "secret_file": "secret", "hostnames": ["localhost"]}`), 0o600))
	s := start(t, "-captcha", "recaptcha:"+file, "-captcha-on", "code")
	v := visit(t, s.portal+"/login")
	v.press("login_with_otp")
	assert.Contains(t, v.page, `data-sitekey="site"`)
	assert.Contains(t, v.header.Get("Content-Security-Policy"), "https://challenges.cloudflare.com")
	require.NoError(t, s.stop())
}

func TestTheMockIsServedBesideTheProvider(t *testing.T) {
	t.Parallel()
	s := start(t, "-mock-listen", "127.0.0.1:0")
	api := regexp.MustCompile(`People +(https?://\S+)`).FindStringSubmatch(s.banner)
	require.NotNil(t, api, "the banner says where it is")
	res, err := http.Post(api[1]+"/kyc-auth/rp/client", "application/json",
		strings.NewReader(`{"transactionId":"1","individualId":"`+person+`","password":"`+password+`"}`))
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Contains(t, readAll(t, res), `"authStatus":true`)
	res, _ = get(t, http.DefaultClient, s.issuer+mock.BasePath+"/identity/"+person)
	assert.Equal(t, http.StatusNotFound, res.StatusCode, "the world does not reach it through the provider")
	require.NoError(t, s.stop())
}

func TestPersonasComeFromAFile(t *testing.T) {
	t.Parallel()
	s := start(t, "-personas", write(t, "personas.json", `[{"national_id":"12345","claims":{"name":"Name","phone_number":"+999000100001"}}]`))
	assert.Contains(t, s.banner, "12345")
	assert.NotContains(t, s.banner, person)
	require.NoError(t, s.stop())
}

func TestFlagsOfLoginsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	empty := write(t, "empty.json", `{}`)
	csv := write(t, "identity.json", `{"type": "csv", "file": "`+registerFile(t)+`"}`)
	for want, args := range map[string][]string{
		"-acrs: open nowhere":                   {"-acrs", "nowhere"},
		"-acrs: " + empty:                       {"-acrs", empty},
		`factor "idt" is not supported`:         {"-acrs", write(t, "a", `{"acrs": [{"value": "a", "alternatives": [["idt"]]}]}`)},
		`factor "pop" is not supported`:         {"-passkeys=false", "-acrs", write(t, "a", `{"acrs": [{"value": "a", "alternatives": [["pop"]]}]}`)},
		"the host of the issuer is an address":  {"-passkeys", "-issuer", "http://127.0.0.1:8080"},
		"does not say anew":                     {"-passkeys", "-identity", csv},
		`-passkey-acrs: "high" is none`:         {"-passkey-acrs", "high"},
		"-passkey-acrs: there are no passkeys":  {"-passkey-acrs", "high", "-passkeys=false"},
		"-personas: open nowhere":               {"-personas", "nowhere"},
		"-personas: is for the invented":        {"-personas", "nowhere", "-identity", csv},
		"-demo-password: is for the invented":   {"-demo-password", "x", "-identity", csv},
		"-mock-listen: is for the invented":     {"-mock-listen", "127.0.0.1:0", "-identity", csv},
		`-mock-listen: "8082" is not an addres`: {"-mock-listen", "8082"},
		"-identity: open nowhere":               {"-identity", "nowhere"},
		"type: is none of mock, csv":            {"-identity", empty},
		"-captcha: it is neither altcha nor":    {"-captcha", "recaptcha"},
		"-captcha: open nowhere":                {"-captcha", "recaptcha:nowhere"},
		"service: is none of":                   {"-captcha", "recaptcha:" + empty},
		`-captcha-on: "login" is neither`:       {"-captcha", "altcha", "-captcha-on", "login"},
		"-captcha-on: goes with -captcha":       {"-captcha-on", "code"},
		"-captcha-after: goes with -captcha":    {"-captcha-after", "1"},
		"-captcha-after: -1 is negative":        {"-captcha", "altcha", "-captcha-after", "-1"},
		"-authenticator-timeout: 0s is no time": {"-authenticator-timeout", "0"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			// The port of the test's own for -mock-listen would be given, and is none of it.
			args := append([]string{"-listen", "127.0.0.1:0", "-portal-listen", ""}, args...)
			var log bytes.Buffer
			err := run(t.Context(), args, env(nil), nil, ending(func() {}), &log)
			assert.ErrorContains(t, err, want)
		})
	}
}

func TestTheMockIsNotServedBesideOthers(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"without a portal":      {"-portal-listen", ""},
		"with other people":     {"-identity", "file"},
		"if it is switched off": {"-mock-listen", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := parseConfig(args, env(nil))
			require.NoError(t, err)
			assert.Empty(t, c.mockListen)
		})
	}
	c, err := parseConfig(nil, env(nil))
	require.NoError(t, err)
	assert.Equal(t, "localhost:8082", c.mockListen)
	c, err = parseConfig([]string{"-portal-listen", "", "-mock-listen", "localhost:1"}, env(nil))
	require.NoError(t, err)
	assert.Equal(t, "localhost:1", c.mockListen)
}
