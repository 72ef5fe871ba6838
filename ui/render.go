package ui

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// pageSet holds the templates of the pages in one language.
type pageSet struct {
	sharing                                                                       sharingPages
	account, choose, identify, code, secret, form, biometrics, passkey, elsewhere *template.Template
	enroll, wallet, verification, consent, leave, done, failure, logout           *template.Template
	document, landing                                                             *template.Template
}

// pageSets holds them in all languages. Those of a language are read when somebody first needs them: a language takes
// 3 MB, and most deployments use few.
type pageSets map[*locale]func() *pageSet

func (p pageSets) in(l *locale) *pageSet { return p[l]() }

// readPages makes the pages of all languages ready to be read. It tries those of one, which finds what is wrong with the
// built-in templates, and with a deployment's own those of all.
func (u *UI) readPages() error {
	u.pages = pageSets{}
	var errs []error
	for i, l := range u.catalog.languages {
		read := sync.OnceValues(func() (*pageSet, error) { return parsePages(l, u.site.texts(l, u.names), u.templates) })
		u.pages[l] = func() *pageSet {
			set, _ := read() // the texts cannot break what the templates of one language, or these themselves, have passed
			return set
		}
		if i == 0 || u.templates != nil {
			_, err := read()
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

var textAction = regexp.MustCompile(`\{\{t "([a-z_.]+)"\}\}`)

// parsePages reads the templates for a language. Texts without placeholders are written into the templates here, once,
// and cost nothing when a page is rendered.
func parsePages(l *locale, site map[string]string, own fs.FS) (*pageSet, error) {
	var errs []error
	read := func(name string) string {
		b, err := readTemplate(own, name)
		errs = append(errs, err)
		return textAction.ReplaceAllStringFunc(string(b), func(action string) string {
			key := textAction.FindStringSubmatch(action)[1]
			text, ok := site[key]
			if !ok {
				if !l.has(key) {
					errs = append(errs, fmt.Errorf("ui: template %s: there is no text %s", name, key))
				}
				text = l.text(key)
			}
			return strings.ReplaceAll(html.EscapeString(text), "{", "&#123;")
		})
	}
	layout, err := template.New("layout").Parse(read("layout"))
	if err != nil {
		return nil, errors.Join(append(errs, fmt.Errorf("ui: template layout in %s: %w", l.code, err))...)
	}
	page := func(name string) *template.Template {
		t, err := layout.Clone()
		if err == nil {
			t, err = t.Parse(read(name))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("ui: template %s in %s: %w", name, l.code, err))
		}
		return t
	}
	p := &pageSet{
		account:      page("account"),
		choose:       page("choose"),
		identify:     page("identify"),
		code:         page("code"),
		secret:       page("password"),
		form:         page("form"),
		biometrics:   page("biometrics"),
		passkey:      page("passkey"),
		elsewhere:    page("elsewhere"),
		enroll:       page("enroll"),
		wallet:       page("wallet"),
		consent:      page("consent"),
		verification: page("verification"),
		leave:        page("leave"),
		done:         page("done"),
		failure:      page("error"),
		logout:       page("logout"),
		document:     page("document"),
		landing:      page("landing"),
	}
	p.sharing = sharingPages{page("consents"), page("consentdetails"), page("withdraw"), page("removepasskey")}
	return p, errors.Join(errs...)
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooledBytes keeps an unusually large page from staying in memory.
const maxPooledBytes = 64 << 10

// render writes a page. The headers are set before.
func (u *UI) render(w http.ResponseWriter, r *http.Request, status int, t *template.Template, view any) {
	b := buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= maxPooledBytes {
			b.Reset()
			buffers.Put(b)
		}
	}()
	if err := t.Execute(b, view); err != nil {
		if u.unrendered != nil {
			u.unrendered(err)
			return
		}
		u.log.ErrorContext(r.Context(), "a page cannot be rendered", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	content, coding := compress(r, b.Bytes())
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(content)
	}
}
