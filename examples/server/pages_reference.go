package main

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/wallet"
)

// referenceKey is a key by which eSignet's pages know a setting. The file of -pages takes it as an alias: read sets what it
// is here, or there is a note, which says what stands in its place.
type referenceKey struct {
	name string
	read func(p *pages, d *document, name string)
	note string
}

// referenceKeys are those of "configs", and the variables of a deployment, in the order of eSignet's documentation.
var referenceKeys = []referenceKey{
	{name: "sbi.env", read: func(p *pages, d *document, name string) { p.Biometrics.Environment = d.text(name) }},
	{name: "sbi.port.range", read: readPorts},
	{name: "sbi.timeout.DISC", read: readCaptureTimeout},
	{name: "sbi.timeout.DINFO", read: readCaptureTimeout},
	{name: "sbi.timeout.CAPTURE", read: readCaptureTimeout},
	{name: "sbi.capture.count.face", note: "a face is captured once"},
	{name: "sbi.capture.count.finger", read: func(p *pages, d *document, name string) { p.Biometrics.Fingers = integerOf(d, name) }},
	{name: "sbi.capture.count.iris", read: func(p *pages, d *document, name string) { p.Biometrics.Irises = integerOf(d, name) }},
	{name: "sbi.capture.score.face", read: readScore},
	{name: "sbi.capture.score.finger", read: readScore},
	{name: "sbi.capture.score.iris", read: readScore},
	{name: "sbi.bio.subtypes.finger", read: func(p *pages, d *document, name string) { p.Biometrics.FingerSubTypes = listOf(d, name) }},
	{name: "sbi.bio.subtypes.iris", read: func(p *pages, d *document, name string) { p.Biometrics.IrisSubTypes = listOf(d, name) }},
	{name: "send.otp.channels", note: "the identity system knows its channels (-identity), and people choose"},
	{name: "resend.otp.delay.secs", note: "the identity system says when a code can be sent again: resend_after in -identity"},
	{name: "otp.length", note: "the identity system says how long its codes are: code_length in -identity"},
	{name: "captcha.enable", read: readCaptchaSteps},
	{name: "captcha.sitekey", note: "site_key in the file of -captcha recaptcha:"},
	{name: "auth.txnid.length", note: "devices get the ten characters that MOSIP ID Authentication computes"},
	{name: "password.regex", note: "a password is looked at by the identity system, and by nobody before"},
	{name: "password.max-length", note: "a password is looked at by the identity system, and by nobody before"},
	{name: "username.regex", read: readUserName},
	{name: "username.prefix", read: readUserName},
	{name: "username.postfix", read: readUserName},
	{name: "username.max-length", read: readUserName},
	{name: "username.input-type", read: readUserName},
	{name: "login-id.options", read: readLoginIDs},
	{name: "consent.screen.timeout-in-secs", note: "a decision has the time that is left of the login: -login-lifetime"},
	{name: "consent.screen.timeout-buffer-in-secs", note: "the server's clock counts, and nothing is subtracted"},
	{name: "preauth-screen-timeout-in-secs", read: func(p *pages, d *document, name string) { p.LoginLifetime = secondsOf(d, name) }},
	{name: "linked-transaction-expire-in-secs", read: readLinkTransaction},
	{name: "wallet.qr-code-buffer-in-secs", read: func(p *pages, d *document, name string) {
		p.QRBuffer = noneIfZero(d, name, secondsOf(d, name))
	}},
	{name: "wallet.qr-code.auto-refresh-limit", read: func(p *pages, d *document, name string) {
		p.QRRefreshes = noneIfZero(d, name, integerOf(d, name))
	}},
	{name: "wallet.config", read: readWallets},
	{name: "signup.config", read: func(p *pages, d *document, name string) {
		p.Links.SignUp = linkOf(d, name, "signup.banner", "signup.url", p.Links.SignUp)
	}},
	{name: "forgot-password.config", read: func(p *pages, d *document, name string) {
		p.Links.ForgottenPassword = linkOf(d, name, "forgot-password", "forgot-password.url", p.Links.ForgottenPassword)
	}},
	{name: "eKYC-steps.config", note: "signet.Config.Verifier is where claims are verified"},
	{name: "error.banner.close-timer", note: "a message stays until it is of no use"},
	{name: "auth.factor.kbi.individual-id-field", note: "the identity system says what it asks, and by which field it knows people (-identity)"},
	{name: "auth.factor.kbi.field-details", note: "the identity system says what it asks (-identity)"},
	{name: "issuer", note: "-issuer"},
	{name: "clientAdditionalConfig", note: "the registration of a client: purpose, sign_up_banner, forgotten_password_link, consent_max_age"},

	{name: "DEFAULT_LANG", read: readDefaultLanguage},
	{name: "DEFAULT_WELLKNOWN", note: "the issuer's root lists the endpoints that there are"},
	{name: "DEFAULT_THEME", read: func(p *pages, d *document, name string) { p.Accent = d.text(name) }},
	{name: "DEFAULT_FEVICON", note: "the icon is a shield in the accent colour of -theme"},
	{name: "DEFAULT_TITLE", read: readProviderName},
	{name: "DEFAULT_ID_PROVIDER_NAME", read: readProviderName},
	{name: "DEFAULT_FONT_URL", note: "fonts in -theme, which the server itself serves"},
	{name: "POLLING_URL", note: "nothing is polled: browsers say when they are offline"},
	{name: "POLLING_INTERVAL", note: "nothing is polled: browsers say when they are offline"},
	{name: "POLLING_TIMEOUT", note: "nothing is polled: browsers say when they are offline"},
	{name: "POLLING_ENABLED", note: "nothing is polled: browsers say when they are offline"},
	{name: "i18n_url_env", note: "-texts"},
	{name: "theme_url_env", note: "-theme and -templates"},
	{name: "images_url_env", note: "logo in -theme"},
	{name: "OIDC_UI_PUBLIC_URL", note: "the path of -issuer"},
}

// readReferenceKeys reads the aliases.
func (p *pages) readReferenceKeys(d *document) {
	for _, key := range referenceKeys {
		switch {
		case !d.has(key.name):
		case key.read == nil:
			d.read[key.name] = true
			p.Notes = append(p.Notes, note{key.name, key.note})
		default:
			key.read(p, d, key.name)
		}
	}
}

// integerOf reads a number, which eSignet writes as a text too. A blank one is none.
func integerOf(d *document, name string) int {
	raw := strings.Trim(string(d.members[name]), `" `)
	d.read[name] = true
	if raw == "" || raw == "null" {
		return 0
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 {
		d.problem(name, "is not a number of the right kind")
	}
	return n
}

// noneIfZero is the value, or -1 where the number is there and 0: zero means the usual to us, and none to eSignet.
func noneIfZero[N int | time.Duration](d *document, name string, value N) N {
	if strings.Trim(string(d.members[name]), `" `) == "0" {
		return -1
	}
	return value
}

func secondsOf(d *document, name string) time.Duration {
	const longest = 24 * 60 * 60
	n := integerOf(d, name)
	if n > longest {
		d.problem(name, "is more than a day")
	}
	return time.Duration(n) * time.Second
}

// listOf reads a text with commas.
func listOf(d *document, name string) []string {
	var all []string
	for part := range strings.SplitSeq(d.text(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func readPorts(p *pages, d *document, name string) {
	first, last, _ := strings.Cut(d.text(name), "-")
	var err, errLast error
	p.Biometrics.FirstPort, err = strconv.Atoi(strings.TrimSpace(first))
	p.Biometrics.LastPort, errLast = strconv.Atoi(strings.TrimSpace(last))
	if err != nil || errLast != nil {
		d.problem(name, "is not a range like 4501-4600")
	}
}

func readLinkTransaction(p *pages, d *document, name string) {
	p.LinkTransactionLifetime = secondsOf(d, name)
	if p.LinkTransactionLifetime > time.Hour {
		d.problem(name, "is more than an hour")
	}
}

// readCaptureTimeout reads one of three time limits, of which there is one here: the longest.
func readCaptureTimeout(p *pages, d *document, name string) {
	p.Biometrics.Timeout = max(p.Biometrics.Timeout, secondsOf(d, name))
}

// readScore reads one of three qualities, of which there is one here: the highest.
func readScore(p *pages, d *document, name string) {
	p.Biometrics.Score = max(p.Biometrics.Score, integerOf(d, name))
}

func readCaptchaSteps(p *pages, d *document, name string) {
	steps, err := captchaSteps(d.text(name))
	if err != nil {
		d.problem(name, "%w", err)
	}
	p.CaptchaOn = steps
}

// usualLoginID is the kind of identifier where eSignet's configuration says nothing.
var usualLoginID = ui.IdentifierType{Name: "vid", Icon: "card", MaxLength: 16}

// readUserName reads what eSignet knew of identifiers when there was one kind. login-id.options come after, and win.
func readUserName(p *pages, d *document, name string) {
	if d.has("identifier_types") {
		d.problem(name, "does not go with identifier_types")
		return
	}
	if len(p.IdentifierTypes) == 0 {
		p.IdentifierTypes = []ui.IdentifierType{usualLoginID}
	}
	t := &p.IdentifierTypes[0]
	switch name {
	case "username.regex":
		t.Pattern = d.text(name)
	case "username.prefix":
		if prefix := d.text(name); prefix != "" {
			t.Prefixes = []ui.IdentifierPrefix{{Value: prefix}}
		}
	case "username.postfix":
		t.Postfix = d.text(name)
	case "username.max-length":
		if n := integerOf(d, name); n > 0 {
			t.MaxLength = n
		}
	case "username.input-type":
		if d.text(name) == "number" {
			t.Keyboard = "numeric"
		}
	}
}

// loginIDIcons are what stands for the images of eSignet's pages.
var loginIDIcons = map[string]string{"mobile_icon": "phone", "nrc_id_icon": "card", "vid_icon": "card", "email_icon": "email", "": ""}

// readLoginIDs reads the kinds of identifiers. None is one kind, "vid".
func readLoginIDs(p *pages, d *document, name string) {
	if d.has("identifier_types") {
		d.problem(name, "does not go with identifier_types")
		return
	}
	p.IdentifierTypes = nil
	if string(d.members[name]) == "null" {
		d.read[name] = true
	} else {
		for _, o := range d.objects(name) {
			t := ui.IdentifierType{Name: o.text("id"), Postfix: optional(o, "postfix"), Pattern: optional(o, "regex"), MaxLength: integerOf(o, "maxLength")}
			svg := optional(o, "svg")
			icon, known := loginIDIcons[svg]
			if !known {
				o.problem("svg", "is none of mobile_icon, nrc_id_icon, vid_icon, email_icon")
			}
			t.Icon, t.Keyboard = icon, map[string]string{"phone": "tel", "email": "email"}[icon]
			if strings.HasPrefix(string(o.members["prefixes"]), "[") {
				for _, prefix := range o.objects("prefixes") {
					t.Prefixes = append(t.Prefixes, ui.IdentifierPrefix{
						Value: prefix.text("value"), Label: optional(prefix, "label"),
						Pattern: optional(prefix, "regex"), MaxLength: integerOf(prefix, "maxLength"),
					})
				}
			} else if prefix := optional(o, "prefixes"); prefix != "" {
				t.Prefixes = []ui.IdentifierPrefix{{Value: prefix}}
			}
			p.IdentifierTypes = append(p.IdentifierTypes, t)
		}
	}
	if p.IdentifierTypes == nil {
		p.IdentifierTypes = []ui.IdentifierType{usualLoginID}
	}
}

// optional reads a text that may be null.
func optional(d *document, name string) string {
	if string(d.members[name]) == "null" {
		d.read[name] = true
		return ""
	}
	return d.text(name)
}

func readWallets(p *pages, d *document, name string) {
	for _, o := range d.objects(name) {
		app := wallet.App{Name: o.text("wallet.name"), DeepLink: o.text("wallet.deep-link-uri")}
		if logo := o.text("wallet.logo-url"); strings.Contains(logo, ":") { // others are images of eSignet's pages
			app.LogoURI = logo
		}
		if download := o.text("wallet.download-uri"); o.boolean("wallet.footer") {
			app.DownloadURI = download
		}
		if err := app.Validate(); err != nil {
			o.problem("wallet.name", "%w", err)
		}
		p.Wallets = append(p.Wallets, app)
	}
}

// linkOf reads a link that is on or off. One that is off is none, whatever there is.
func linkOf(d *document, name, on, uri, present string) string {
	o := d.object(name)
	if o == nil {
		return present
	}
	link := o.text(uri)
	switch {
	case !o.boolean(on):
		return ""
	case present != "":
		d.problem(name, "says what links says")
	}
	return link
}

// readDefaultLanguage reads a code of two or three letters.
func readDefaultLanguage(p *pages, d *document, name string) {
	tag, err := language.Parse(d.text(name))
	if err != nil {
		d.problem(name, "is no language")
		return
	}
	p.DefaultLanguage = tag.String()
}

// readProviderName reads the title of all pages, or the name of the provider, which comes later and wins.
func readProviderName(p *pages, d *document, name string) { p.Name = d.text(name) }
