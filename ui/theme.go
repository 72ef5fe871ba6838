package ui

import "io/fs"

// Theme is how the provider presents itself. The zero value is Signet's own look. [ParseTheme] reads one from a file.
type Theme struct {
	// Names are the provider's names by language (BCP 47); the name under the empty language is used where no other
	// fits. Nil means "Signet".
	Names map[string]string
	// LogoURI is an image: the name of a file in Files, a data URI, or an absolute path on the provider's own origin. A file
	// is PNG, JPEG, GIF, WebP, or SVG that only draws, with at most 256 KB and 2048 pixels a side; the provider serves it.
	// Empty means a plain shield.
	LogoURI string
	// Fonts are families of text by language (BCP 47), the best first; those under the empty language are for all others.
	// The system's own, for the script of the language, follow them. Nil means the system's.
	Fonts map[string][]string
	// Faces are fonts that the provider serves. Nil means that pages load none.
	Faces []FontFace
	// Files has the logo and the fonts. They are read once, when the pages are made.
	Files fs.FS
	// Light and Dark are the colours of the two schemes.
	Light, Dark Colors
	// Scheme is "light" or "dark" if the pages have only that one. Empty means that people have the one that their
	// browser wishes for.
	Scheme string
	// Radius is that of the corners of buttons and fields in CSS pixels, at most 24; other corners go with it. Nil
	// means 8.
	Radius *float64
}

// Colors are the colours of a scheme, each as "#rrggbb". An empty one is Signet's own.
type Colors struct {
	// Accent is that of buttons, links and the ring around what has the focus, and OnAccent that of the text on buttons.
	// An accent that is not legible as text is darkened on light pages, or lightened on dark ones, as far as legibility
	// demands. An empty one on dark pages is that of the light ones, and the other way round; OnAccent is then white or
	// near black, whichever is more legible.
	Accent   string `json:"accent"`
	OnAccent string `json:"onAccent"`
	// Background is behind the card, Surface is the card, and Soft is a part of it that is set apart.
	Background string `json:"background"`
	Surface    string `json:"surface"`
	Soft       string `json:"soft"`
	// Text is that of most text, and Muted that of hints.
	Text  string `json:"text"`
	Muted string `json:"muted"`
	// Line separates, and Control is around fields and buttons.
	Line    string `json:"line"`
	Control string `json:"control"`
	// Error is that of messages about what went wrong, and ErrorBackground what is behind them.
	Error           string `json:"error"`
	ErrorBackground string `json:"errorBackground"`
}

// The schemes of a theme.
const (
	schemeLight = "light"
	schemeDark  = "dark"
)
