package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/wallet"
)

// keyCase is a value of a key, and either what becomes of it or what the server says instead.
type keyCase struct {
	value   string
	effect  func(t *testing.T, p *pages)
	instead string
}

func vid(change func(*ui.IdentifierType)) func(*testing.T, *pages) {
	return func(t *testing.T, p *pages) {
		want := ui.IdentifierType{Name: "vid", Icon: "card", MaxLength: 16}
		change(&want)
		assert.Equal(t, []ui.IdentifierType{want}, p.IdentifierTypes)
	}
}

// keyCases has each key of eSignet's pages: those of "configs" first, then the variables of a deployment.
var keyCases = map[string]keyCase{
	"sbi.env": {value: `"Staging"`, effect: func(t *testing.T, p *pages) { assert.Equal(t, "Staging", p.Biometrics.Environment) }},
	"sbi.port.range": {value: `"4501-4510"`, effect: func(t *testing.T, p *pages) {
		assert.Equal(t, []int{4501, 4510}, []int{p.Biometrics.FirstPort, p.Biometrics.LastPort})
	}},
	"sbi.timeout.DISC":    {value: `15`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 15*time.Second, p.Biometrics.Timeout) }},
	"sbi.timeout.DINFO":   {value: `"20"`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 20*time.Second, p.Biometrics.Timeout) }},
	"sbi.timeout.CAPTURE": {value: `45`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 45*time.Second, p.Biometrics.Timeout) }},

	"sbi.capture.count.face":   {value: `1`, instead: "a face is captured once"},
	"sbi.capture.count.finger": {value: `2`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 2, p.Biometrics.Fingers) }},
	"sbi.capture.count.iris":   {value: `2`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 2, p.Biometrics.Irises) }},
	"sbi.capture.score.face":   {value: `80`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 80, p.Biometrics.Score) }},
	"sbi.capture.score.finger": {value: `81`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 81, p.Biometrics.Score) }},
	"sbi.capture.score.iris":   {value: `82`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 82, p.Biometrics.Score) }},
	"sbi.bio.subtypes.finger": {value: `"Left IndexFinger, Right IndexFinger"`, effect: func(t *testing.T, p *pages) {
		assert.Equal(t, []string{"Left IndexFinger", "Right IndexFinger"}, p.Biometrics.FingerSubTypes)
	}},
	"sbi.bio.subtypes.iris": {value: `"Left"`, effect: func(t *testing.T, p *pages) { assert.Equal(t, []string{"Left"}, p.Biometrics.IrisSubTypes) }},

	"send.otp.channels":     {value: `"email,phone"`, instead: "-identity"},
	"resend.otp.delay.secs": {value: `180`, instead: "resend_after in -identity"},
	"otp.length":            {value: `6`, instead: "code_length in -identity"},
	"captcha.enable":        {value: `"send-otp,pwd"`, effect: func(t *testing.T, p *pages) { assert.Equal(t, "answer,code", p.CaptchaOn) }},
	"captcha.sitekey":       {value: `"key"`, instead: "site_key"},
	"auth.txnid.length":     {value: `"10"`, instead: "ten characters"},
	"password.regex":        {value: `"^.{8,20}$"`, instead: "identity system"},
	"password.max-length":   {value: `20`, instead: "identity system"},

	"username.regex":      {value: `"\\d+"`, effect: vid(func(t *ui.IdentifierType) { t.Pattern = `\d+` })},
	"username.prefix":     {value: `"+855"`, effect: vid(func(t *ui.IdentifierType) { t.Prefixes = []ui.IdentifierPrefix{{Value: "+855"}} })},
	"username.postfix":    {value: `"@phone"`, effect: vid(func(t *ui.IdentifierType) { t.Postfix = "@phone" })},
	"username.max-length": {value: `"12"`, effect: vid(func(t *ui.IdentifierType) { t.MaxLength = 12 })},
	"username.input-type": {value: `"number"`, effect: vid(func(t *ui.IdentifierType) { t.Keyboard = "numeric" })},
	"login-id.options": {
		value: `[{"id": "mobile", "svg": "mobile_icon", "postfix": "@phone", "maxLength": "", "regex": "",
				"prefixes": [{"label": "KHM", "value": "+855", "maxLength": 9, "regex": "^\\d{8,9}$"}]},
			{"id": "nrc", "svg": "nrc_id_icon", "prefixes": "N", "postfix": null, "maxLength": 9, "regex": ".*"}]`,
		effect: func(t *testing.T, p *pages) {
			assert.Equal(t, []ui.IdentifierType{{
				Name: "mobile", Icon: "phone", Keyboard: "tel", Postfix: "@phone",
				Prefixes: []ui.IdentifierPrefix{{Label: "KHM", Value: "+855", MaxLength: 9, Pattern: `^\d{8,9}$`}},
			}, {
				Name: "nrc", Icon: "card", Prefixes: []ui.IdentifierPrefix{{Value: "N"}}, MaxLength: 9, Pattern: ".*",
			}}, p.IdentifierTypes)
		},
	},

	"consent.screen.timeout-in-secs":        {value: `120`, instead: "-login-lifetime"},
	"consent.screen.timeout-buffer-in-secs": {value: `5`, instead: "server's clock"},
	"preauth-screen-timeout-in-secs":        {value: `300`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 5*time.Minute, p.LoginLifetime) }},
	"linked-transaction-expire-in-secs":     {value: `240`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 4*time.Minute, p.LinkTransactionLifetime) }},
	"wallet.qr-code-buffer-in-secs":         {value: `"10"`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 10*time.Second, p.QRBuffer) }},
	"wallet.qr-code.auto-refresh-limit":     {value: `3`, effect: func(t *testing.T, p *pages) { assert.Equal(t, 3, p.QRRefreshes) }},
	"wallet.config": {
		value: `[{"wallet.name": "Inji", "wallet.logo-url": "/images/qr_code.png", "wallet.download-uri": "https://wallet.example/get",
			"wallet.deep-link-uri": "inji://landing?linkCode=LINK_CODE&linkExpireDateTime=LINK_EXPIRE_DT", "wallet.footer": true}]`,
		effect: func(t *testing.T, p *pages) {
			assert.Equal(t, []wallet.App{{
				Name: "Inji", DownloadURI: "https://wallet.example/get",
				DeepLink: "inji://landing?linkCode=LINK_CODE&linkExpireDateTime=LINK_EXPIRE_DT",
			}}, p.Wallets)
		},
	},
	"signup.config": {value: `{"signup.banner": true, "signup.url": "https://join.example/"}`,
		effect: func(t *testing.T, p *pages) { assert.Equal(t, ui.Links{SignUp: "https://join.example/"}, p.Links) }},
	"forgot-password.config": {value: `{"forgot-password": true, "forgot-password.url": "https://join.example/reset"}`,
		effect: func(t *testing.T, p *pages) {
			assert.Equal(t, ui.Links{ForgottenPassword: "https://join.example/reset"}, p.Links)
		}},
	"eKYC-steps.config":                   {value: `"https://join.example/verify"`, instead: "Config.Verifier"},
	"error.banner.close-timer":            {value: `10`, instead: "stays"},
	"auth.factor.kbi.individual-id-field": {value: `"policyNumber"`, instead: "-identity"},
	"auth.factor.kbi.field-details":       {value: `[]`, instead: "-identity"},
	"issuer":                              {value: `"https://id.example"`, instead: "-issuer"},
	"clientAdditionalConfig":              {value: `{}`, instead: "registration of a client"},

	"DEFAULT_LANG":             {value: `"khm"`, effect: func(t *testing.T, p *pages) { assert.Equal(t, "km", p.DefaultLanguage) }},
	"DEFAULT_WELLKNOWN":        {value: `"%5B%5D"`, instead: "root lists"},
	"DEFAULT_THEME":            {value: `"#1262C9"`, effect: func(t *testing.T, p *pages) { assert.Equal(t, "#1262C9", p.theme(ui.Theme{}).Light.Accent) }},
	"DEFAULT_FEVICON":          {value: `"favicon.ico"`, instead: "shield"},
	"DEFAULT_TITLE":            {value: `"ID"`, effect: func(t *testing.T, p *pages) { assert.Equal(t, map[string]string{"": "ID"}, p.theme(ui.Theme{}).Names) }},
	"DEFAULT_ID_PROVIDER_NAME": {value: `"ID"`, effect: func(t *testing.T, p *pages) { assert.Equal(t, map[string]string{"": "ID"}, p.theme(ui.Theme{}).Names) }},
	"DEFAULT_FONT_URL":         {value: `"https://fonts.example/css"`, instead: "fonts in -theme"},
	"POLLING_URL":              {value: `"https://id.example/health"`, instead: "offline"},
	"POLLING_INTERVAL":         {value: `10000`, instead: "offline"},
	"POLLING_TIMEOUT":          {value: `5000`, instead: "offline"},
	"POLLING_ENABLED":          {value: `true`, instead: "offline"},
	"i18n_url_env":             {value: `""`, instead: "-texts"},
	"theme_url_env":            {value: `""`, instead: "-theme"},
	"images_url_env":           {value: `""`, instead: "logo in -theme"},
	"OIDC_UI_PUBLIC_URL":       {value: `""`, instead: "path of -issuer"},
}

func TestEachKeyOfTheReferenceHasItsEffectOrSaysWhatStandsInItsPlace(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/pages.md")
	require.NoError(t, err)
	require.Len(t, referenceKeys, len(keyCases))
	for _, key := range referenceKeys {
		t.Run(key.name, func(t *testing.T) {
			t.Parallel()
			c := keyCases[key.name]
			var p pages
			require.NoError(t, p.read([]byte(`{"`+key.name+`": `+c.value+`}`), ""))
			assert.True(t, strings.Contains(string(docs), "`"+key.name+"`"), "it is documented")
			if c.effect != nil {
				c.effect(t, &p)
				assert.Empty(t, p.Notes)
				return
			}
			require.Len(t, p.Notes, 1)
			assert.Equal(t, key.name, p.Notes[0].key)
			assert.Contains(t, p.Notes[0].instead, c.instead)
			p.Notes = nil
			assert.Zero(t, p)
		})
	}
}

func TestMistakesInKeysOfTheReferenceAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	var p pages
	err := p.read([]byte(`{
		"sbi.port.range": "4501", "sbi.timeout.DISC": "soon", "sbi.capture.count.finger": -1, "captcha.enable": "otp",
		"preauth-screen-timeout-in-secs": 1e9, "linked-transaction-expire-in-secs": 7200, "wallet.qr-code.auto-refresh-limit": "often", "login-id.options": [{"id": "vid", "svg": "face", "label": "x"}],
		"wallet.config": [{"wallet.name": "Inji", "wallet.deep-link-uri": "javascript:alert(1)"}],
		"links": {"sign_up": "https://a.example"}, "signup.config": {"signup.banner": true, "signup.url": "https://b.example"},
		"DEFAULT_LANG": "??", "sbi.port": "4501"}`), "")
	for _, want := range []string{
		"sbi.port.range: is not a range like 4501-4600", "sbi.timeout.DISC: is not a number", "sbi.capture.count.finger: is not a number",
		`captcha.enable: knows a step "otp"`, "preauth-screen-timeout-in-secs: is not a number", "login-id.options[0].svg: is none of",
		"linked-transaction-expire-in-secs: is more than an hour", "wallet.qr-code.auto-refresh-limit: is not a number",
		"login-id.options[0].label: is not known", "wallet.config[0].wallet.name: ", "signup.config: says what links says",
		"DEFAULT_LANG: is no language", "sbi.port: is not known",
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.ErrorContains(t, new(pages).read([]byte(`{"identifier_types": [], "login-id.options": [], "username.regex": ""}`), ""),
		"username.regex: does not go with identifier_types\nlogin-id.options: does not go with identifier_types")
}

func TestNoLoginIDsAreOneVID(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`[]`, `null`} {
		var p pages
		require.NoError(t, p.read([]byte(`{"login-id.options": `+value+`}`), ""))
		vid(func(*ui.IdentifierType) {})(t, &p)
	}
}

func TestALinkThatIsOffIsNone(t *testing.T) {
	t.Parallel()
	var p pages
	require.NoError(t, p.read([]byte(`{"signup.config": {"signup.banner": false, "signup.url": "https://join.example/"}}`), ""))
	assert.Zero(t, p.Links)
}

func TestFlagsAndOtherFilesWinOverKeysOfTheReference(t *testing.T) {
	t.Parallel()
	var p pages
	require.NoError(t, p.read([]byte(`{"captcha.enable": "pwd", "preauth-screen-timeout-in-secs": 300, "sbi.env": "Staging",
		"sbi.port.range": "4501-4510", "sbi.bio.subtypes.iris": "Left", "sbi.capture.count.finger": 2, "DEFAULT_THEME": "#000000", "DEFAULT_TITLE": "ID"}`), ""))

	c, err := p.settled(&config{captcha: "altcha", captchaOn: "code,answer", loginLifetime: time.Minute})
	require.NoError(t, err)
	assert.Equal(t, "answer", c.captchaOn)
	assert.Equal(t, 5*time.Minute, c.loginLifetime)
	given := map[string]bool{"captcha-on": true, "login-lifetime": true}
	c, err = p.settled(&config{captcha: "altcha", captchaOn: "code,answer", loginLifetime: time.Minute, given: given})
	require.NoError(t, err)
	assert.Equal(t, "code,answer", c.captchaOn)
	assert.Equal(t, time.Minute, c.loginLifetime)

	assert.Equal(t, ui.Biometrics{Environment: "Production", FirstPort: 4501, LastPort: 4510, Fingers: 1, IrisSubTypes: []string{"Left"}},
		p.biometrics(ui.Biometrics{Environment: "Production", Fingers: 1}))
	theme := p.theme(ui.Theme{Names: map[string]string{"": "National ID"}, Light: ui.Colors{Accent: "#111111"}})
	assert.Equal(t, "National ID", theme.Names[""])
	assert.Equal(t, "#111111", theme.Light.Accent)
}

func TestAWalletHasTheTimesThatThePagesSay(t *testing.T) {
	t.Parallel()
	var p pages
	require.NoError(t, p.read([]byte(`{"linked-transaction-expire-in-secs": 240, "wallet.qr-code-buffer-in-secs": 20, "wallet.qr-code.auto-refresh-limit": 0}`), ""))
	given, err := parseConfig([]string{"-link-code-lifetime=40s"}, env(nil))
	require.NoError(t, err)
	c, err := p.settled(given)
	require.NoError(t, err)
	assert.Equal(t, []time.Duration{40 * time.Second, 4 * time.Minute, 20 * time.Second}, []time.Duration{c.linkCodeLifetime, c.linkTransactionLifetime, c.qrBuffer})
	assert.Equal(t, -1, c.qrRefreshes, "none")

	given, err = parseConfig([]string{"-link-code-lifetime=39s", "-link-transaction-lifetime=3m"}, env(nil))
	require.NoError(t, err)
	c, err = p.settled(given)
	assert.EqualError(t, err, "-pages: wallet.qr-code-buffer-in-secs: 20s is more than half of -link-code-lifetime, 19.5s")
	assert.Equal(t, 3*time.Minute, c.linkTransactionLifetime, "the flag wins")

	_, err = parseConfig([]string{"-link-code-lifetime=0", "-link-transaction-lifetime=2h"}, env(nil))
	assert.ErrorContains(t, err, "-link-code-lifetime: 0s is not between a second and an hour")
	assert.ErrorContains(t, err, "-link-transaction-lifetime: 2h0m0s is not between")
}

func TestKeysOfTheReferenceThatNeedSomethingSaySo(t *testing.T) {
	t.Parallel()
	_, err := (&pages{CaptchaOn: "code", Wallets: make([]wallet.App, 1)}).settled(&config{})
	assert.ErrorContains(t, err, "captcha.enable: goes with -captcha")
	assert.ErrorContains(t, err, "wallet.config: goes with -wallet")
}

func TestTheServerShowsWhatTheKeysOfTheReferenceSay(t *testing.T) {
	t.Parallel()
	file := write(t, "pages.json", `{"DEFAULT_TITLE": "National ID", "DEFAULT_LANG": "fra", "DEFAULT_THEME": "#123456", "otp.length": 6,
		"login-id.options": [{"id": "mobile", "svg": "mobile_icon", "prefixes": "+855"}, {"id": "email", "svg": "email_icon"}],
		"sbi.env": "Staging", "sbi.port.range": "4501-4510", "signup.config": {"signup.banner": true, "signup.url": "https://join.example/"},
		"wallet.config": [{"wallet.name": "Inji", "wallet.deep-link-uri": "inji://x?code=LINK_CODE"}],
		"preauth-screen-timeout-in-secs": 300, "captcha.enable": "send-otp"}`)
	s := start(t, "-ui-preview", "-pages", file, "-captcha", "altcha")
	assert.Contains(t, s.log.String(), "key=otp.length")
	address := s.issuer + "/login/preview/"
	page := func(name string) string {
		_, body := get(t, http.DefaultClient, address+name)
		return body
	}
	_, root := get(t, http.DefaultClient, s.issuer+"/")
	assert.Contains(t, root, `<html lang="fr"`)
	assert.Contains(t, root, "National ID")
	identify := page("otp-identify")
	for _, want := range []string{`id="Otp_mobile"`, `id="Otp_email"`, "&#43;855", `href="https://join.example/`} {
		assert.Contains(t, identify, want)
	}
	biometrics := page("biometrics")
	for _, want := range []string{"Staging", "4510"} {
		assert.Contains(t, biometrics, want)
	}
	require.NoError(t, s.stop())
}

func TestWhatChangesNothingIsLogged(t *testing.T) {
	t.Parallel()
	var p pages
	require.NoError(t, p.read([]byte(`{"otp.length": 8}`), ""))
	var log bytes.Buffer
	p.log(slog.New(slog.NewTextHandler(&log, nil)))
	assert.Equal(t, 1, strings.Count(log.String(), "key=otp.length"))
	assert.Contains(t, log.String(), "code_length in -identity")
}
