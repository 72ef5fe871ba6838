package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
)

//go:embed templates assets
var files embed.FS

// pages renders the portal's pages.
type pages struct {
	home, profile, record, failure *template.Template
	css                            []byte
	cssPath                        string
}

func newPages(accountURL string) (*pages, error) {
	css, err := fs.ReadFile(files, "assets/portal.css")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(css)
	p := &pages{css: css, cssPath: assetsPath + "portal-" + hex.EncodeToString(sum[:8]) + ".css"}
	for name, page := range map[string]**template.Template{
		"home": &p.home, "profile": &p.profile, "record": &p.record, "failure": &p.failure,
	} {
		*page, err = template.New("layout.html").Funcs(template.FuncMap{"style": p.stylePath, "account": func() string { return accountURL }}).
			ParseFS(files, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// stylePath names the style sheet after its content, so that it can be cached for good.
func (p *pages) stylePath() string { return p.cssPath }

func (p *pages) style() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Write(p.css)
	})
}

// page is what every page needs, and Content what one of them does.
type page struct {
	Title    string
	SignedIn bool
	Content  any
}

func (p *Portal) render(w http.ResponseWriter, r *http.Request, t *template.Template, status int, data page) {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		p.log(r.Context(), "page not rendered", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// fapi2 is the value of the parameter protocol that chooses FAPI 2.0.
const fapi2 = "fapi2"

// languageChoice offers the provider's pages in a language, by its own name.
type languageChoice struct{ Tag, Name string }

var languages = []languageChoice{
	{"en", "English"}, {"fr", "Français"}, {"ar", "العربية"}, {"hi", "हिन्दी"}, {"km", "ខ្មែរ"}, {"kn", "ಕನ್ನಡ"}, {"ta", "தமிழ்"},
}

// start is the home page.
type start struct {
	SignedIn  bool
	Lang      string
	Languages []languageChoice
	// FAPI2 is the choice of protocol, and OnlyFAPI2 says that there is none.
	FAPI2, OnlyFAPI2 bool
}

// Login is where a login begins, with the provider's pages in the language.
func (s start) Login(lang string) string { return link(loginPath, s.FAPI2, lang) }

// Home is the home page with the other choice of protocol, or the same.
func (s start) Home(fapi2 bool) string { return link(homePath, fapi2, s.Lang) }

func link(path string, useFAPI2 bool, lang string) string {
	query := url.Values{}
	if useFAPI2 {
		query.Set("protocol", fapi2)
	}
	if lang != "" {
		query.Set("lang", lang)
	}
	return (&url.URL{Path: path, RawQuery: query.Encode()}).String()
}

func (p *Portal) home(w http.ResponseWriter, r *http.Request) {
	signedIn := p.session(r) != nil
	query := r.URL.Query()
	must := p.provider.mustUseFAPI2()
	p.render(w, r, p.pages.home, http.StatusOK, page{
		Title:    "Welcome",
		SignedIn: signedIn,
		Content: start{
			SignedIn:  signedIn,
			Lang:      locale(query.Get("lang")),
			Languages: languages,
			FAPI2:     must || query.Get("protocol") == fapi2,
			OnlyFAPI2: must,
		},
	})
}

func (p *Portal) fail(w http.ResponseWriter, r *http.Request, f *failure) {
	p.render(w, r, p.pages.failure, f.Status, page{Title: f.Title, SignedIn: p.session(r) != nil, Content: f})
}
