package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Templates returns the names of the templates that a deployment may replace ([Config.Templates]), in alphabetical order.
// The preview ([PreviewStates]) shows where each is used.
func Templates() []string {
	names, _ := fs.Glob(embedded, "templates/*.html") // the pattern is well-formed
	for i, name := range names {
		names[i] = path.Base(name)
	}
	return names
}

// readTemplate returns the template that a deployment has in the place of ours, or ours.
func readTemplate(own fs.FS, name string) ([]byte, error) {
	if own != nil {
		b, err := fs.ReadFile(own, name+".html")
		if !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	return embedded.ReadFile("templates/" + name + ".html")
}

// checkTemplates finds files that replace no template.
func checkTemplates(own fs.FS) error {
	if own == nil {
		return nil
	}
	entries, err := fs.ReadDir(own, ".")
	errs := []error{err}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".html") && !slices.Contains(Templates(), name) {
			errs = append(errs, fmt.Errorf("ui: there is no template %s to replace", name))
		}
	}
	return errors.Join(errs...)
}

// tryTemplates renders every page in every state: much that is wrong with a template shows only then.
func (u *UI) tryTemplates() error {
	if u.templates == nil {
		return nil
	}
	var errs []error
	own := *u
	own.pages = u.newPages()
	for _, state := range previewScreens() {
		var failed error
		own.unrendered = func(err error) { failed = err }
		state.show(own.previewVisit(nobody{}, &http.Request{Method: http.MethodGet, URL: new(url.URL), Header: http.Header{}}))
		if failed != nil {
			errs = append(errs, fmt.Errorf("ui: the page %s cannot be shown: %w", state.Name, failed))
		}
	}
	return errors.Join(errs...)
}

// nobody looks at a page.
type nobody struct{}

func (nobody) Header() http.Header         { return http.Header{} }
func (nobody) Write(b []byte) (int, error) { return len(b), nil }
func (nobody) WriteHeader(int)             {}
