package ui

// Theme is how the provider presents itself. The zero value is Signet's own look. [ParseTheme] reads one from a file.
type Theme struct {
	// Names are the provider's names by language (BCP 47); the name under the empty language is used where no other
	// fits. Nil means "Signet".
	Names map[string]string
	// Logo stands beside the name. The zero value means a plain shield.
	Logo Logo
	// Icon is the picture of the browser's tab. The zero value means a shield in the accent colour.
	Icon Image
	// Light and Dark are the colours of the two schemes.
	Light, Dark Colors
	// Scheme is "light" or "dark" if the pages have only that one. Empty means that people have the one that their
	// browser wishes for.
	Scheme string
	// Radius is that of the corners of buttons and fields in CSS pixels, at most 24; other corners go with it. Nil
	// means 8.
	Radius *float64
	// Fonts are the font families to try by language (BCP 47), best first; those under the empty language are for
	// languages in Latin script and all others that have none. Languages without fonts have those of the system.
	Fonts map[string][]string
	// FontFaces are fonts that the provider serves itself, so that Fonts may name them. Each costs people time: keep them
	// small, and leave scripts out that most systems have.
	FontFaces []FontFace
}

// Logo is the provider's logo.
type Logo struct {
	Image
	// Alt says in words what the logo says, by language like Theme.Names. Nil means that it says no more than the name
	// beside it, so that screen readers pass over it.
	Alt map[string]string
	// Dark is the logo on dark pages. The zero value means that it is the same.
	Dark Image
}

// Image is a picture: PNG, JPEG, GIF or SVG, of at most 32 KiB and 2048 pixels a side. An SVG is plain shapes: without
// scripts, style rules that load something, links, or foreign elements.
type Image struct{ Data []byte }

// FontFace is a font file.
type FontFace struct {
	// Family is the name under which Theme.Fonts knows it.
	Family string
	// Weight is the weight, as "400", or their range in a variable font, as "100 900". Empty means "400".
	Weight string
	// UnicodeRange says which characters the file is loaded for, as in CSS: "U+0000-00FF, U+2000-206F". Empty means all.
	UnicodeRange string
	// Data is the file: WOFF2, at most 256 KiB.
	Data []byte
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
