package ui

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// look is a theme as the pages need it.
type look struct {
	theme    *Theme
	palettes map[string]palette
	icon     string
	// logo is where the provider's logo is, and logoWidth how wide it is on the page, if that is known. logoFile is what is
	// served as the logo, or nil.
	logo      template.URL
	logoWidth int
	logoFile  *asset
	// fonts are rules of the stylesheet, and faces what they have loaded.
	fonts string
	faces []*asset
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
	var errs [2]error
	k.fonts, k.faces, errs[0] = t.fontRules()
	k.logo = template.URL(t.LogoURI)
	if t.hasLogoFile() {
		errs[1] = k.readLogo(u.base)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
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
	if t.LogoURI != "" && !t.hasLogoFile() && (!brandLogoURI.MatchString(t.LogoURI) || strings.HasPrefix(t.LogoURI, "//")) {
		errs = append(errs, errors.New("ui: Theme.LogoURI must be the name of a file, a base64 data URI of an image, or an absolute path"))
	}
	return append(errs, t.checkFonts()...)
}

// hasLogoFile reports whether the logo is one of the Files.
func (t *Theme) hasLogoFile() bool {
	return fs.ValidPath(t.LogoURI) && !strings.Contains(t.LogoURI, ":")
}

// readLogo checks the logo and makes it a file that pages link.
func (k *look) readLogo(base string) error {
	content, err := readThemeFile(k.theme.Files, k.theme.LogoURI, maxLogoBytes)
	if err != nil {
		return fmt.Errorf("ui: Theme.LogoURI: %w", err)
	}
	contentType, err := imageType(content)
	if err != nil {
		return fmt.Errorf("ui: Theme.LogoURI: %s: %w", k.theme.LogoURI, err)
	}
	_, extension, _ := strings.Cut(contentType, "/")
	extension, _, _ = strings.Cut(extension, "+")
	k.logoFile = newAsset("logo", extension, contentType, content)
	k.logo = template.URL(base + "assets/" + k.logoFile.name)
	if width, height := imageSize(content); height > 0 {
		k.logoWidth = max(1, min(maxBrandWidth, int(math.Round(width/height*brandHeight))))
	}
	return nil
}

// The logo's box in CSS pixels: signet.css has the same.
const (
	brandHeight   = 36
	maxBrandWidth = 160
)

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
	b.WriteString(k.fonts)
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
