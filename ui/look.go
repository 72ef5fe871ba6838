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
	k := &look{theme: t, palettes: map[string]palette{}}
	var errs []error
	for scheme, own := range map[string]*Colors{schemeLight: &t.Light, schemeDark: &t.Dark} {
		p, wrong := t.palette(scheme)
		errs = append(errs, wrong...)
		asked := p[tokenAccent]
		if p.adjust(own.OnAccent) && scheme == schemeLight {
			u.log.Warn("the accent colour is not legible on light pages and was darkened", "accent", asked.String(), "used", p[tokenAccent].String())
		}
		k.palettes[scheme] = p
	}
	if t.Scheme != "" && t.Scheme != schemeLight && t.Scheme != schemeDark {
		errs = append(errs, fmt.Errorf("ui: Theme.Scheme %q is neither light nor dark", t.Scheme))
	}
	if r := t.Radius; r != nil && !(*r >= 0 && *r <= maxRadius) {
		errs = append(errs, fmt.Errorf("ui: Theme.Radius %v is not between 0 and %d", *r, maxRadius))
	}
	if t.LogoURI != "" && (!logoURI.MatchString(t.LogoURI) || strings.HasPrefix(t.LogoURI, "//")) {
		errs = append(errs, errors.New("ui: Theme.LogoURI must be a base64 data URI of an image, or an absolute path"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	k.logo = template.URL(t.LogoURI)
	k.icon = icon(k.palettes[schemeLight][tokenAccent])
	return k, nil
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

var logoURI = regexp.MustCompile(`^(data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+=*|/[A-Za-z0-9._~/-]+)$`)
