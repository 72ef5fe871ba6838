package ui

import (
	"errors"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
)

// look is a theme as the pages need it.
type look struct {
	theme    *Theme
	palettes map[string]palette
	icon     string
	logo     template.URL
}

// newLook makes a theme into what the pages link, or says all that is wrong with it.
func (u *UI) newLook(t *Theme) (*look, error) {
	if err := errors.Join(t.check()...); err != nil {
		return nil, err
	}
	k := &look{theme: t, palettes: map[string]palette{}}
	for _, scheme := range []string{schemeLight, schemeDark} { // the preview has both, whatever people have
		p, asked := t.adjusted(scheme)
		if used := p[tokenAccent]; used != asked && scheme == schemeLight {
			u.log.Warn("the accent colour is not legible on light pages and was darkened", "accent", asked.String(), "used", used.String())
		}
		k.palettes[scheme] = p
	}
	for _, w := range t.Contrast() {
		u.log.Warn("the colours of the theme are hard to tell apart", "scheme", w.Scheme, "foreground", w.Foreground,
			"background", w.Background, "contrast", w.Ratio, "least", w.Least)
	}
	k.logo = template.URL(t.LogoURI)
	k.icon = icon(k.palettes[schemeLight][tokenAccent])
	return k, nil
}

// check returns all that is wrong with the theme.
func (t *Theme) check() []error {
	var errs []error
	for _, scheme := range []string{schemeLight, schemeDark} {
		_, wrong := t.palette(scheme)
		errs = append(errs, wrong...)
	}
	if t.Names != nil && t.Names[""] == "" {
		errs = append(errs, errors.New("ui: Theme.Names has no name under the empty language"))
	}
	if t.Scheme != "" && t.Scheme != schemeLight && t.Scheme != schemeDark {
		errs = append(errs, fmt.Errorf("ui: Theme.Scheme %.20q is neither light nor dark", t.Scheme))
	}
	if r := t.Radius; r != nil && !(*r >= 0 && *r <= maxRadius) {
		errs = append(errs, fmt.Errorf("ui: Theme.Radius %v is not between 0 and %d", *r, maxRadius))
	}
	if t.LogoURI != "" && (!brandLogoURI.MatchString(t.LogoURI) || strings.HasPrefix(t.LogoURI, "//")) {
		errs = append(errs, errors.New("ui: Theme.LogoURI must be a base64 data URI of an image, or an absolute path"))
	}
	return errs
}

// before is what the stylesheet begins with: the custom properties of the scheme, or of both if it is empty.
func (k *look) before(scheme string) string {
	round := 1.0
	if k.theme.Radius != nil {
		round = *k.theme.Radius / usualRadius
	}
	first, schemes := scheme, scheme
	if scheme == "" {
		first, schemes = schemeLight, "light dark"
	}
	var b strings.Builder
	fmt.Fprintf(&b, ":root{color-scheme:%s;--round:%s;%s}\n", schemes, strconv.FormatFloat(round, 'g', 4, 64), k.palettes[first].css(first))
	if scheme == "" {
		fmt.Fprintf(&b, "@media (prefers-color-scheme:dark){:root{%s}}\n", k.palettes[schemeDark].css(schemeDark))
	}
	return b.String()
}

// usualRadius is the Theme.Radius that signet.css is written for.
const (
	usualRadius = 8
	maxRadius   = 24
)

var brandLogoURI = regexp.MustCompile(`^(data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+=*|/[A-Za-z0-9._~/-]+)$`)
