package ui

import (
	"cmp"
	"fmt"
	"strings"
)

// palette holds the colours of a scheme by the names of their custom properties in signet.css.
type palette map[string]color

// The custom properties.
const (
	tokenAccent     = "accent"
	tokenOnAccent   = "on-accent"
	tokenBackground = "bg"
	tokenSurface    = "surface"
	tokenSoft       = "soft"
	tokenText       = "text"
	tokenMuted      = "muted"
	tokenLine       = "line"
	tokenControl    = "control"
	tokenError      = "error"
	tokenErrorBg    = "error-bg"
	// tokenHover is the accent under the pointer, which signet.css mixes.
	tokenHover = "accent-hover"
)

// palettes are Signet's own colours: of the light scheme, and of the dark one.
var defaultColors = map[string]Colors{
	schemeLight: {
		Accent: "#1b5289", OnAccent: "#ffffff", Background: "#f2f4f7", Surface: "#ffffff", Soft: "#f4f6f9",
		Text: "#16202c", Muted: "#4b5768", Line: "#d5dbe3", Control: "#667385", Error: "#a3161b", ErrorBackground: "#fdf1f0",
	},
	schemeDark: {
		Accent: "#1b5289", OnAccent: "#0c1117", Background: "#0e131a", Surface: "#18202a", Soft: "#1f2935",
		Text: "#e8edf3", Muted: "#aeb9c7", Line: "#323d4b", Control: "#8a97a9", Error: "#ffb0a8", ErrorBackground: "#3a1c1c",
	},
}

// shadows are behind the card.
var shadows = map[string]string{
	schemeLight: "0 1px 2px rgb(16 24 40 / .06), 0 8px 24px rgb(16 24 40 / .06)",
	schemeDark:  "none",
}

// tokens are the custom properties in order, with where their colours stand.
var tokens = []struct {
	name, member string
	of           func(*Colors) *string
}{
	{tokenBackground, "background", func(c *Colors) *string { return &c.Background }},
	{tokenSurface, "surface", func(c *Colors) *string { return &c.Surface }},
	{tokenSoft, "soft", func(c *Colors) *string { return &c.Soft }},
	{tokenText, "text", func(c *Colors) *string { return &c.Text }},
	{tokenMuted, "muted", func(c *Colors) *string { return &c.Muted }},
	{tokenLine, "line", func(c *Colors) *string { return &c.Line }},
	{tokenControl, "control", func(c *Colors) *string { return &c.Control }},
	{tokenError, "error", func(c *Colors) *string { return &c.Error }},
	{tokenErrorBg, "errorBackground", func(c *Colors) *string { return &c.ErrorBackground }},
	{tokenAccent, "accent", func(c *Colors) *string { return &c.Accent }},
	{tokenOnAccent, "onAccent", func(c *Colors) *string { return &c.OnAccent }},
}

// palette returns the colours of the scheme, the accent as it was asked for, or what is wrong with them.
func (t *Theme) palette(scheme string) (palette, []error) {
	own, other := &t.Light, &t.Dark
	if scheme == schemeDark {
		own, other = other, own
	}
	usual := defaultColors[scheme]
	usual.Accent = cmp.Or(other.Accent, usual.Accent)
	p := palette{}
	var errs []error
	for _, token := range tokens {
		given := *token.of(own)
		c, err := parseColor(cmp.Or(given, *token.of(&usual)))
		if err != nil && given != "" {
			errs = append(errs, fmt.Errorf("ui: Theme: %s.%s: %w", scheme, token.member, err))
		}
		p[token.name] = c
	}
	return p, errs
}

// adjusted returns the colours of the scheme as the pages have them, and the accent that was asked for.
func (t *Theme) adjusted(scheme string) (p palette, asked color) {
	p, _ = t.palette(scheme)
	asked = p[tokenAccent]
	own := t.Light
	if scheme == schemeDark {
		own = t.Dark
	}
	p.adjust(own.OnAccent)
	return p, asked
}

// backgrounds are those on which the accent is text.
var backgrounds = []string{tokenBackground, tokenSurface, tokenSoft}

// adjust makes the accent legible on all backgrounds, and what is on it legible unless that was asked for.
func (p palette) adjust(onAccent string) {
	given := p[tokenAccent]
	towards := color{}
	if p[tokenSurface].luminance() < 0.18 {
		towards = color{0xff, 0xff, 0xff}
	}
	p[tokenAccent] = towards
	for part := 0.0; part < 1; part += 0.02 {
		if mixed := given.mix(towards, part); p.least(mixed, backgrounds) >= legibleContrast {
			p[tokenAccent] = mixed
			break
		}
	}
	if onAccent == "" {
		white, black := color{0xff, 0xff, 0xff}, color{0x0c, 0x11, 0x17}
		p[tokenOnAccent] = white
		if p[tokenAccent].contrast(black) > p[tokenAccent].contrast(white) {
			p[tokenOnAccent] = black
		}
	}
	p[tokenHover] = p[tokenAccent].mix(p[tokenText], 0.12)
}

// least is the least contrast of the colour with the others.
func (p palette) least(c color, others []string) float64 {
	least := 21.0
	for _, other := range others {
		least = min(least, c.contrast(p[other]))
	}
	return least
}

// css writes the custom properties.
func (p palette) css(scheme string) string {
	var b strings.Builder
	for _, token := range tokens {
		fmt.Fprintf(&b, "--%s:%s;", token.name, p[token.name])
	}
	fmt.Fprintf(&b, "--shadow:%s", shadows[scheme])
	return b.String()
}
