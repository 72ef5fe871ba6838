package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/ui/themeyaml"
)

// readTheme reads the file of -theme, beside which the files are that it names.
func (c *config) readTheme() (ui.Theme, error) {
	if c.themeFile == "" {
		return ui.Theme{}, nil
	}
	data, err := readBounded(c.themeFile)
	if err != nil {
		return ui.Theme{}, fmt.Errorf("-theme: %w", err)
	}
	parse := ui.ParseTheme
	if extension := filepath.Ext(c.themeFile); extension == ".yaml" || extension == ".yml" {
		parse = themeyaml.Parse
	}
	theme, err := parse(data)
	if err != nil {
		return theme, fmt.Errorf("-theme: %s:\n%w", c.themeFile, err)
	}
	theme.Files = os.DirFS(filepath.Dir(c.themeFile))
	return theme, nil
}

// openTemplates returns the directory of -templates. Its files are read once, when the pages are made.
func (c *config) openTemplates() (fs.FS, error) {
	if c.templatesDir == "" {
		return nil, nil
	}
	info, err := os.Stat(c.templatesDir)
	if err == nil && !info.IsDir() {
		err = errors.New("is not a directory")
	}
	if err != nil {
		return nil, fmt.Errorf("-templates: %w", err)
	}
	return os.DirFS(c.templatesDir), nil
}

// loginPath is where the pages are, below the issuer.
const loginPath = "/login/"

// previewPath is where -ui-preview shows the pages.
func (c *config) previewPath() string {
	path := ""
	if issuer, err := url.Parse(c.issuer); err == nil {
		path = strings.TrimSuffix(issuer.Path, "/")
	}
	return path + loginPath + "preview/"
}

// withPreview shows all pages beside the provider, if that was asked for.
func (c *config) withPreview(provider http.Handler, pages *ui.UI) http.Handler {
	if !c.uiPreview {
		return provider
	}
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.Handle(c.previewPath(), pages.Preview())
	return mux
}

// validatePreview keeps pages that look real, and lead nowhere, from where people log in.
func (c *config) validatePreview() error {
	if c.uiPreview && (strings.HasPrefix(c.issuer, "https:") || c.tlsCert != "") {
		return errors.New("-ui-preview: is for development, at an issuer with http")
	}
	return nil
}
