package ui

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
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
	account, choose, identify, code, secret, form, biometrics, passkey, elsewhere *pageTemplate
	enroll, wallet, verification, consent, leave, done, failure, logout           *pageTemplate
	document, landing                                                             *pageTemplate

	all []*pageTemplate
}

// pageTemplate is a page in one language. It is read when somebody first sees it: all pages of a language take 3 MB, and
// most deployments use few of either.
type pageTemplate struct {
	read func() (*template.Template, error)
}

// pageSets holds them in all languages.
type pageSets map[*locale]*pageSet

func (p pageSets) in(l *locale) *pageSet { return p[l] }

// newPages makes the pages of all languages ready to be read.
func (u *UI) newPages() pageSets {
	p := pageSets{}
	for _, l := range u.catalog.languages {
		p[l] = newPageSet(l, func() map[string]string { return u.site.texts(l, u.names) }, u.templates)
	}
	return p
}

// readPages makes the pages ready. It tries a deployment's own templates in all languages first, and forgets what it
// read; the embedded ones are tried by tests.
func (u *UI) readPages() error {
	u.pages = u.newPages()
	if u.templates == nil {
		return nil
	}
	var errs []error
	for _, set := range u.newPages() {
		for _, t := range set.all {
			_, err := t.read()
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

var textAction = regexp.MustCompile(`\{\{t "([a-z_.]+)"\}\}`)

// newPageSet makes the templates for a language. Texts without placeholders are written into the templates when they
// are read, once, and cost nothing when a page is rendered.
func newPageSet(l *locale, siteTexts func() map[string]string, own fs.FS) *pageSet {
	siteTexts = sync.OnceValue(siteTexts)
	source := func(name string) (string, error) {
		b, err := readTemplate(own, name)
		errs := []error{err}
		text := textAction.ReplaceAllStringFunc(string(b), func(action string) string {
			key := textAction.FindStringSubmatch(action)[1]
			text, ok := siteTexts()[key]
			if !ok {
				if !l.has(key) {
					errs = append(errs, fmt.Errorf("ui: template %s: there is no text %s", name, key))
				}
				text = l.text(key)
			}
			return strings.ReplaceAll(html.EscapeString(text), "{", "&#123;")
		})
		return text, errors.Join(errs...)
	}
	layout := sync.OnceValues(func() (*template.Template, error) {
		text, err := source("layout")
		if err != nil {
			return nil, err
		}
		t, err := template.New("layout").Parse(text)
		if err != nil {
			return nil, fmt.Errorf("ui: template layout in %s: %w", l.code, err)
		}
		return t, nil
	})
	p := new(pageSet)
	page := func(name string) *pageTemplate {
		t := &pageTemplate{sync.OnceValues(func() (*template.Template, error) {
			layout, err := layout()
			if err != nil {
				return nil, err
			}
			text, err := source(name)
			if err != nil {
				return nil, err
			}
			t, err := layout.Clone()
			if err == nil {
				t, err = t.Parse(text)
			}
			if err != nil {
				return nil, fmt.Errorf("ui: template %s in %s: %w", name, l.code, err)
			}
			return t, nil
		})}
		p.all = append(p.all, t)
		return t
	}
	p.account = page("account")
	p.choose = page("choose")
	p.identify = page("identify")
	p.code = page("code")
	p.secret = page("password")
	p.form = page("form")
	p.biometrics = page("biometrics")
	p.passkey = page("passkey")
	p.elsewhere = page("elsewhere")
	p.enroll = page("enroll")
	p.wallet = page("wallet")
	p.consent = page("consent")
	p.verification = page("verification")
	p.leave = page("leave")
	p.done = page("done")
	p.failure = page("error")
	p.logout = page("logout")
	p.document = page("document")
	p.landing = page("landing")
	p.sharing = sharingPages{page("consents"), page("consentdetails"), page("withdraw"), page("removepasskey")}
	return p
}

// execute writes the page.
func (t *pageTemplate) execute(w io.Writer, view any) error {
	read, err := t.read()
	if err != nil {
		return err
	}
	return read.Execute(w, view)
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooledBytes keeps an unusually large page from staying in memory.
const maxPooledBytes = 64 << 10

// render writes a page. The headers are set before.
func (u *UI) render(w http.ResponseWriter, r *http.Request, status int, t *pageTemplate, view any) {
	b := buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= maxPooledBytes {
			b.Reset()
			buffers.Put(b)
		}
	}()
	if err := t.execute(b, view); err != nil {
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
