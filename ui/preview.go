package ui

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// PreviewState is a page in one of its states, as [UI.Preview] shows it.
type PreviewState struct {
	// Name is unique, of lower-case letters, digits and "-", and stays the same.
	Name string
	// Title says in English what the page shows.
	Title string
	// Path is below that of the preview. Its query may have lang, a language of the pages, theme, "light" or "dark", and
	// display, that of an authorization request.
	Path string
}

// PreviewStates returns all states of all pages, in the order in which people come to them.
func PreviewStates() []PreviewState {
	var list []PreviewState
	for _, s := range previewScreens() {
		list = append(list, s.PreviewState)
	}
	return list
}

// screen is a page in a state, and how it comes about.
type screen struct {
	PreviewState
	show func(p *previewVisit)
}

func newScreen(name, title string, show func(p *previewVisit)) screen {
	return screen{PreviewState{Name: name, Title: title, Path: name}, show}
}

// previewScreens lists all screens. A new page has its states here: a test fails for a template that none shows.
func previewScreens() []screen {
	return slices.Concat(chooserScreens(), factorScreens(), kindScreens(), questionScreens(), problemScreens(), walletScreens(), decisionScreens(), endScreens(), openScreens(), accountScreens())
}

// previewVisit is a request for a screen. Its UI is a copy, which knows no real login.
type previewVisit struct {
	*UI
	w http.ResponseWriter
	r *http.Request
	// language is the one that was asked for, or empty.
	language, display string
}

// locale is the language of the screen.
func (p *previewVisit) locale() *locale {
	return p.catalog.negotiate(p.language, nil, p.r.Header.Get("Accept-Language"))
}

// previewNow is when the screens are shown, so that they look the same whenever they are.
var previewNow = time.Date(2026, time.March, 14, 9, 30, 0, 0, time.UTC)

// previewBase is the path of the preview below that of the pages, and previewLogin what stands for a login in it.
const (
	previewBase  = "preview/"
	previewLogin = "form"
	previewHost  = "id.example.org"
)

//go:embed preview/index.html
var previewFiles embed.FS

// Preview returns a handler that shows every page in every state: what [PreviewStates] lists, and a list of it at the
// path itself. It is to be mounted at "preview/" below [Config.BasePath], and not where people log in. The pages are those
// that people see, but their forms lead nowhere.
func (u *UI) Preview() http.Handler {
	index := &pageTemplate{sync.OnceValues(func() (*template.Template, error) {
		return template.ParseFS(previewFiles, "preview/index.html")
	})}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, u.base+previewBase)
		p := u.previewVisit(w, r)
		switch {
		case !ok:
			http.NotFound(w, r)
		case strings.HasPrefix(path, previewLogin+"/"):
			p.nowhere()
		case path == "":
			p.index(index)
		default:
			p.serve(path)
		}
	})
}

func (u *UI) previewVisit(w http.ResponseWriter, r *http.Request) *previewVisit {
	own := *u
	own.base = u.base + previewBase
	own.now = func() time.Time { return previewNow }
	own.linker, own.wallets = nil, nil
	p := &previewVisit{UI: &own, w: withoutCookies{w}, r: r}
	q := r.URL.Query()
	if l := u.catalog.byCode[q.Get("lang")]; l != nil {
		p.language = l.code
	}
	kept := url.Values{}
	if display := q.Get("display"); slices.Contains([]string{displayPopup, displayTouch, displayWAP}, display) {
		p.display = display
		kept.Set("display", display)
	}
	if scheme := q.Get("theme"); scheme == schemeLight || scheme == schemeDark {
		kept.Set("theme", scheme)
		l := p.locale()
		s := *u.site
		s.css = s.sheets[scheme]
		texts := func() map[string]string { return s.texts(l, u.names) }
		own.pages = pageSets{l: newPageSet(l, texts, u.templates)}
	}
	if len(kept) > 0 {
		l := p.locale()
		views := slices.Clone(u.languages[l])
		for i := range views {
			views[i].URI += "&" + kept.Encode()
		}
		own.languages = map[*locale][]languageView{l: views}
	}
	return p
}

// serve shows the screen.
func (p *previewVisit) serve(name string) {
	screens := previewScreens()
	i := slices.IndexFunc(screens, func(s screen) bool { return s.Name == name })
	if i < 0 {
		http.NotFound(p.w, p.r)
		return
	}
	screens[i].show(p)
}

// nowhere answers links and forms of the screens.
func (p *previewVisit) nowhere() {
	p.setHeaders(p.w.Header(), "")
	if p.r.Method == http.MethodPost {
		p.w.WriteHeader(http.StatusNoContent)
		return
	}
	redirect(p.w, p.base)
}

// index lists the screens.
func (p *previewVisit) index(t *pageTemplate) {
	q := url.Values{}
	for _, name := range []string{"lang", "theme", "display"} {
		if value := p.r.URL.Query().Get(name); value != "" {
			q.Set(name, value)
		}
	}
	query := ""
	if len(q) > 0 {
		query = "?" + q.Encode()
	}
	sheet := p.site.sheets[""]
	if s := p.site.sheets[q.Get("theme")]; s != nil {
		sheet = s
	}
	p.setHeaders(p.w.Header(), "")
	p.render(p.w, p.r, http.StatusOK, t, map[string]any{
		"States": PreviewStates(), "Query": query, "Languages": p.catalog.codes(),
		"Lang": q.Get("lang"), "Theme": q.Get("theme"), "Display": q.Get("display"),
		"Themes": []string{schemeLight, schemeDark}, "Displays": []string{displayPopup, displayTouch, displayWAP},
		"CSS": strings.TrimSuffix(p.base, previewBase) + "assets/" + sheet.name, "Integrity": sheet.integrity,
	})
}

// request is the one by which the browser would have come to a page, without what it says of itself.
func (p *previewVisit) request(path, query string) *http.Request {
	r := p.r.Clone(p.r.Context())
	r.Method, r.Host = http.MethodGet, previewHost
	r.URL = &url.URL{Path: path, RawQuery: query}
	r.Header = http.Header{"Accept-Language": p.r.Header["Accept-Language"]}
	return r
}

// withoutCookies keeps the preview from touching the browser's sessions.
type withoutCookies struct{ http.ResponseWriter }

func (w withoutCookies) WriteHeader(status int) {
	w.Header().Del("Set-Cookie")
	w.ResponseWriter.WriteHeader(status)
}
