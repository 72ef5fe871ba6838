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
	"strings"

	"github.com/gosignet/signet/ui/button"
)

//go:embed templates assets
var files embed.FS

// pages renders the portal's pages.
type pages struct {
	home, profile, record, failure, buttons *template.Template
	button                                  *button.Button
	files                                   map[string]string // paths of the files of assets, by name
}

// idNames are what people call their national ID, for the button.
var idNames = map[string]string{
	"": "your national ID", "ar": "هويتك الوطنية", "es": "tu identidad nacional", "fr": "votre identité nationale",
	"hi": "राष्ट्रीय पहचान", "km": "អត្តសញ្ញាណជាតិ", "kn": "ರಾಷ್ಟ್ರೀಯ ಗುರುತು", "pt": "a sua identidade nacional",
	"si": "ජාතික හැඳුනුම්පත", "ta": "தேசிய அடையாள அட்டை",
}

func newPages(accountURL string) (*pages, error) {
	b, err := button.New(button.Config{Names: idNames, BasePath: assetsPath})
	if err != nil {
		return nil, err
	}
	p := &pages{button: b, files: map[string]string{}}
	for _, name := range []string{"portal.css", "buttons.js"} {
		data, err := fs.ReadFile(files, "assets/"+name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		stem, extension, _ := strings.Cut(name, ".")
		p.files[name] = assetsPath + stem + "-" + hex.EncodeToString(sum[:8]) + "." + extension
	}
	functions := template.FuncMap{
		"asset":        func(name string) string { return p.files[name] },
		"buttonStyle":  b.StylePath,
		"buttonScript": b.ScriptPath,
		"button":       b.Link,
		"account":      func() string { return accountURL },
	}
	for name, page := range map[string]**template.Template{
		"home": &p.home, "profile": &p.profile, "record": &p.record, "failure": &p.failure, "buttons": &p.buttons,
	} {
		*page, err = template.New("layout.html").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// mount serves the files that pages link. They are named after their content, so that they can be cached for good.
func (p *pages) mount(mux *http.ServeMux) {
	mux.Handle("GET "+assetsPath, p.button)
	for name, path := range p.files {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			http.ServeFileFS(w, r, files, "assets/"+name)
		})
	}
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

// SignIn is the button of the page.
func (s start) SignIn() button.Link {
	return button.Link{
		ID: "sign-in", Href: s.Login(s.Lang), Theme: "filled_black", Shape: "soft_edges",
	}
}

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
