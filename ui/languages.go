package ui

import (
	"io/fs"
	"net/http"
	"slices"
)

// Languages returns the languages that pages with this [Config.Catalog] are written in, in alphabetical order after
// English: ui_locales_supported in the provider's metadata.
func Languages(overlay fs.FS) ([]string, error) {
	c, err := loadCatalog(overlay, fallbackLanguage, func(string, string) {})
	if err != nil {
		return nil, err
	}
	return c.codes(), nil
}

// Languages returns the languages of the pages, the default first: ui_locales_supported in the provider's metadata.
func (u *UI) Languages() []string { return u.catalog.codes() }

func (c *catalog) codes() []string {
	codes := make([]string, len(c.languages))
	for i, l := range c.languages {
		codes[i] = l.code
	}
	return codes
}

// maxRepeatedQuery bounds the query that the links to the languages of a page repeat, each of them.
const maxRepeatedQuery = 4 << 10

// languagesHere links a page that is of no login in the other languages, if its address alone shows it again.
func (u *UI) languagesHere(r *http.Request, l *locale) []languageView {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || len(r.URL.RawQuery) > maxRepeatedQuery {
		return nil
	}
	views, q := u.languages[l], r.URL.Query()
	if q.Del("lang"); len(q) == 0 {
		return views
	}
	views = slices.Clone(views)
	for i := range views {
		q.Set("lang", views[i].Code)
		views[i].URI = "?" + q.Encode()
	}
	return views
}
