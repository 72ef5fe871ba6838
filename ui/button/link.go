package button

import (
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Themes are the colours of the button, as eSignet names them.
func Themes() []string { return []string{"outline", "filled_orange", "filled_black"} }

// Shapes are the shapes of the button, as eSignet names them.
func Shapes() []string { return []string{"sharp_edges", "soft_edges", "rounded_edges"} }

// Link is the button as a link, to a page of the relying party that begins the login.
type Link struct {
	// Href is where the link leads: a web address or a path. Required.
	Href string
	// ID is the id of the element. Empty means none.
	ID string
	// Language is that of the page (BCP 47). Empty means English.
	Language string
	// Label is what the button says, in Language. Empty means "Sign in with" and the provider's name.
	Label string
	// Theme and Shape are of Themes and Shapes. Empty means the first.
	Theme, Shape string
	// Icon leaves only the logo to see; the label is for screen readers.
	Icon bool
}

var linkTemplate = template.Must(template.New("link").Parse(
	`<a{{with .ID}} id="{{.}}"{{end}} class="signet-button" href="{{.Href}}"{{with .Lang}} lang="{{.}}"{{end}}{{with .Dir}} dir="{{.}}"{{end}}` +
		`{{if .Icon}} aria-label="{{.Label}}"{{end}}>` +
		`<span class="signet-button-box {{.Type}} {{.Theme}} {{.Shape}}"><span class="signet-button-logo">` +
		`<svg viewBox="0 0 40 40" aria-hidden="true" focusable="false"><path d="M20 2c5 3.6 10.5 5 16 5v11c0 10-6 16.5-16 20C10 34.5 4 28 4 18V7c5.5 0 11-1.4 16-5z" fill="#0b5d5a"/>` +
		`<path d="M20 11a5 5 0 0 1 5 5c0 2-1.2 3.7-2.8 4.5L23.5 28h-7l1.3-7.5A5 5 0 0 1 20 11z" fill="#fff"/></svg></span>` +
		`{{if not .Icon}}<span class="signet-button-label">{{.Label}}</span>{{end}}</span></a>`))

// Link renders the button as a link, for a page that links [Button.StylePath].
func (b *Button) Link(l Link) (template.HTML, error) {
	var errs []error
	if l.Href == "" {
		errs = append(errs, errors.New("button: Link.Href is missing"))
	}
	look := func(name, value string, known []string) string {
		if value == "" {
			return known[0]
		}
		if !slices.Contains(known, value) {
			errs = append(errs, fmt.Errorf("button: Link.%s %q is not one of %s", name, value, strings.Join(known, ", ")))
		}
		return value
	}
	data := struct {
		Link
		Type, Theme, Shape, Lang, Dir string
	}{Link: l, Type: "standard", Theme: look("Theme", l.Theme, Themes()), Shape: look("Shape", l.Shape, Shapes())}
	if l.Icon {
		data.Type = "icon"
	}
	if data.Label == "" {
		data.Lang = b.language(l.Language)
		data.Label = strings.ReplaceAll(b.texts[data.Lang].Text, "{name}", b.name(data.Lang))
		data.Dir = b.texts[data.Lang].Direction
	}
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	var html strings.Builder
	if err := linkTemplate.Execute(&html, data); err != nil {
		return "", err
	}
	return template.HTML(html.String()), nil
}

// language is the one of the texts that is nearest to the tag.
func (b *Button) language(tag string) string {
	for t, err := language.Parse(tag); err == nil && !t.IsRoot(); t = t.Parent() {
		if _, ok := b.texts[t.String()]; ok {
			return t.String()
		}
	}
	return "en"
}

func (b *Button) name(language string) string {
	if name := b.names[language]; name != "" {
		return name
	}
	return b.names[""]
}
