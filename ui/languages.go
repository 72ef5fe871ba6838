package ui

import "io/fs"

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
