package ui_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing/fstest"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// A deployment shows its own name and colour, renames the identifier in two languages, and adds a language. In a real one Catalog is a
// directory: os.DirFS("locales").
func ExampleNew() {
	var flow *login.Flow // from login.New

	pages, err := ui.New(ui.Config{
		Flow:   flow,
		Secure: true,
		Theme: ui.Theme{
			Names: map[string]string{"": "National ID", "fr": "Identité nationale"},
			Light: ui.Colors{Accent: "#00693e"},
		},
		Catalog: fstest.MapFS{
			"en.json": {Data: []byte(`{"identifier": {"label": "Civil registry number"}}`)},
			"fr.json": {Data: []byte(`{"identifier": {"label": "Numéro d’état civil"}}`)},
			"rw.json": {Data: []byte(`{"language": {"name": "Ikinyarwanda", "dir": "ltr"}, "common": {"cancel": "Hagarika"}}`)},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/login/", pages)
	// The authorization endpoint is server.AuthorizationHandler(pages), of an oauth.Server.

	fmt.Println(slices.Contains(pages.Languages(), "rw"))
	// Output: true
}
