package ui

import (
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

//go:embed assets locales templates
var embedded embed.FS

// site is what all pages of a deployment have in common.
type site struct {
	css, js *asset
	base    string
	icon    string
	logo    template.URL
}

const defaultAccent = "#1b5289"

var brandLogoURI = regexp.MustCompile(`^(data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+=*|/[A-Za-z0-9._~/-]+)$`)

// newSite prepares the linked files.
func (u *UI) newSite(b Branding) (*site, error) {
	if b.LogoURI != "" && (!brandLogoURI.MatchString(b.LogoURI) || strings.HasPrefix(b.LogoURI, "//")) {
		return nil, errors.New("ui: Branding.LogoURI must be a base64 data URI of an image, or an absolute path")
	}
	if b.Accent == "" {
		b.Accent = defaultAccent
	}
	accent, err := parseColor(b.Accent)
	if err != nil {
		return nil, err
	}
	light := accent.legible(lightSurface, color{})
	dark := accent.legible(darkSurface, color{0xff, 0xff, 0xff})
	if light != accent {
		u.log.Warn("the accent colour is not legible on light pages and was darkened", "accent", b.Accent, "used", light.String())
	}
	css, err := embedded.ReadFile("assets/signet.css")
	if err != nil {
		return nil, err
	}
	css = fmt.Appendf(nil, ":root{--accent-light:%s;--accent-dark:%s}\n%s", light, dark, css)
	s := &site{base: u.base, logo: template.URL(b.LogoURI), icon: icon(light)}
	if s.css, err = newAsset("signet", "css", "text/css; charset=utf-8", css); err != nil {
		return nil, err
	}
	if s.js, err = newScript("signet"); err != nil {
		return nil, err
	}
	u.assets = map[string]*asset{s.css.name: s.css, s.js.name: s.js}
	u.scripts = map[string]scriptView{}
	for _, name := range []string{passkeyScript, biometricsScript, captchaScript, consentScript} {
		js, err := newScript(name)
		if err != nil {
			return nil, err
		}
		u.assets[js.name] = js
		u.scripts[name] = scriptView{URL: u.base + "assets/" + js.name, Integrity: js.integrity}
	}
	u.logo = s.logo
	return s, nil
}

// The scripts that only some pages need.
const (
	passkeyScript    = "passkey"
	biometricsScript = "biometrics"
	captchaScript    = "captcha"
	consentScript    = "consent"
)

func newScript(name string) (*asset, error) {
	js, err := embedded.ReadFile("assets/" + name + ".js")
	if err != nil {
		return nil, err
	}
	return newAsset(name, "js", "text/javascript; charset=utf-8", js)
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
