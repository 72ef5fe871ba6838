package ui

import "fmt"

// ContrastWarning says that two colours of a theme that stand next to each other are hard to tell apart.
type ContrastWarning struct {
	// Scheme is "light" or "dark".
	Scheme string
	// Foreground and Background are the colours by the names that they have in a theme's file. "accentHover" is that of
	// buttons under the pointer, which is mixed of accent and text.
	Foreground, Background string
	// Ratio is the contrast of WCAG 2.2, from 1 to 21, and Least that which level AA asks for.
	Ratio, Least float64
}

// String says it in a sentence.
func (w ContrastWarning) String() string {
	return fmt.Sprintf("%s: %s on %s has the contrast %.2f, and WCAG 2.2 AA asks for %.1f", w.Scheme, w.Foreground, w.Background, w.Ratio, w.Least)
}

// Least contrasts of WCAG 2.2 level AA.
const (
	// legibleContrast is for text (success criterion 1.4.3).
	legibleContrast = 4.5
	// visibleContrast is for what shows where controls are (1.4.11).
	visibleContrast = 3
)

// pairs are all that stands on something else in signet.css. The accent rings what has the focus, too, and is behind
// the tick of the shield, which both ask for less.
var pairs = []struct {
	foreground  string
	backgrounds []string
	least       float64
}{
	{tokenText, []string{tokenBackground, tokenSurface, tokenSoft, tokenErrorBg}, legibleContrast},
	{tokenMuted, []string{tokenBackground, tokenSurface, tokenSoft}, legibleContrast},
	{tokenAccent, backgrounds, legibleContrast},
	{tokenOnAccent, []string{tokenAccent, tokenHover}, legibleContrast},
	{tokenError, []string{tokenSurface, tokenErrorBg}, legibleContrast},
	{tokenControl, []string{tokenSurface, tokenSoft}, visibleContrast},
}

// Contrast returns the pairs of colours that the pages use and that do not reach level AA of WCAG 2.2, in the schemes
// that people have. The accent is taken as the pages have it, adjusted. It is empty for a theme that is not valid.
func (t Theme) Contrast() []ContrastWarning {
	if len(t.check()) > 0 {
		return nil
	}
	names := map[string]string{tokenHover: "accentHover"}
	for _, token := range tokens {
		names[token.name] = token.member
	}
	var list []ContrastWarning
	for _, scheme := range []string{schemeLight, schemeDark} {
		if t.Scheme != "" && t.Scheme != scheme {
			continue
		}
		p, _ := t.adjusted(scheme)
		for _, pair := range pairs {
			for _, background := range pair.backgrounds {
				if ratio := p[pair.foreground].contrast(p[background]); ratio < pair.least {
					list = append(list, ContrastWarning{scheme, names[pair.foreground], names[background], ratio, pair.least})
				}
			}
		}
	}
	return list
}
