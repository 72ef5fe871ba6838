package ui

import (
	"embed"
	"encoding/base64"
)

//go:embed assets locales templates
var embedded embed.FS

// site is what all pages of a deployment have in common.
type site struct {
	css, js *asset
	base    string
	theme   *Theme
	icon    string
	// sheets are the stylesheets of the schemes, for the preview; that under the empty scheme is css.
	sheets map[string]*asset
}

// newSite prepares the linked files.
func (u *UI) newSite(t Theme) (*site, error) {
	css, err := embedded.ReadFile("assets/signet.css")
	if err != nil {
		return nil, err
	}
	walletCSS, err := embedded.ReadFile("assets/wallet.css")
	if err != nil {
		return nil, err
	}
	css = append(css, walletCSS...)
	js, err := newScript("signet")
	if err != nil {
		return nil, err
	}
	s := &site{base: u.base, js: js, theme: &t, sheets: map[string]*asset{}}
	u.assets = map[string]*asset{js.name: js}
	look, err := u.newLook(&t)
	if err != nil {
		return nil, err
	}
	for _, scheme := range []string{t.Scheme, schemeLight, schemeDark} {
		sheet := newAsset("signet", "css", "text/css; charset=utf-8", append([]byte(look.before(scheme)), css...))
		u.assets[sheet.name] = sheet
		if scheme == t.Scheme {
			s.css = sheet
		}
		s.sheets[scheme] = sheet
	}
	s.sheets[""] = s.css
	s.icon = look.icon
	for _, face := range look.faces {
		u.assets[face.name] = face
	}
	u.fonts = len(look.faces) > 0
	if look.logoFile != nil {
		u.assets[look.logoFile.name] = look.logoFile
	}
	u.scripts = map[string]scriptView{}
	for _, name := range []string{passkeyScript, biometricsScript, captchaScript, consentScript, walletScript, codeScript, formScript} {
		js, err := newScript(name)
		if err != nil {
			return nil, err
		}
		u.assets[js.name] = js
		u.scripts[name] = scriptView{URL: u.base + "assets/" + js.name, Integrity: js.integrity}
	}
	u.logo, u.logoWidth = look.logo, look.logoWidth
	return s, nil
}

// The scripts that only some pages need.
const (
	passkeyScript    = "passkey"
	biometricsScript = "biometrics"
	captchaScript    = "captcha"
	consentScript    = "consent"
	walletScript     = "wallet"
	codeScript       = "code"
	formScript       = "form"
)

func newScript(name string) (*asset, error) {
	js, err := embedded.ReadFile("assets/" + name + ".js")
	if err != nil {
		return nil, err
	}
	return newAsset(name, "js", "text/javascript; charset=utf-8", js), nil
}

// texts returns what the templates call site.*.
func (s *site) texts(l *locale, names map[string]string) map[string]string {
	return map[string]string{
		"site.lang":          l.code,
		"site.dir":           l.dir,
		"site.numbers":       l.numbers,
		"site.zero":          string(l.zero),
		"site.provider":      l.nameIn(names),
		"site.icon":          s.icon,
		"site.css":           s.base + "assets/" + s.css.name,
		"site.css_integrity": s.css.integrity,
		"site.js":            s.base + "assets/" + s.js.name,
		"site.js_integrity":  s.js.integrity,
	}
}

// icon is the shield as the icon of the tab.
func icon(accent color) string {
	svg := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none"><path fill="` + accent.String() +
		`" d="M16 2 4.5 6v9.5c0 7 4.8 12.3 11.5 14.5 6.7-2.2 11.5-7.5 11.5-14.5V6z"/>` +
		`<path stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" d="m10.8 16.2 3.7 3.7 6.9-7.4"/></svg>`
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg))
}
