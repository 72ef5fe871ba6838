package ui

import (
	"errors"
	"fmt"
	"html/template"
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
		p.adjust(own.OnAccent)
		k.palettes[scheme] = p
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
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
const usualRadius = 8

// after is what the stylesheet ends with.
func (k *look) after() string {
	return ""
}
