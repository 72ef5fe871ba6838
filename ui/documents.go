package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// The documents that a deployment may have, as their files are called and their pages' URLs end.
const (
	termsDocument         = "terms"
	privacyDocument       = "privacy"
	accessibilityDocument = "accessibility"
)

var documentNames = []string{termsDocument, privacyDocument, accessibilityDocument}

// documentsPath is where their pages are, below the base path.
const documentsPath = "about/"

// maxDocumentBytes bounds a document.
const maxDocumentBytes = 256 << 10

// document is a text of the deployment in one language.
type document struct {
	tag    language.Tag
	dir    string
	blocks []block
}

// block is a part of a document: a heading ("h2"), a paragraph ("p") or a list ("ul").
type block struct {
	Kind  string
	Items [][]run
}

// run is text, or a link.
type run struct{ Text, URI string }

type documentView struct {
	*page
	// Language and Dir are set where the document is in another language than the page, which Note says.
	Language, Dir, Note string
	Blocks              []block
}

var documentFile = regexp.MustCompile(`^(` + strings.Join(documentNames, "|") + `)\.([A-Za-z0-9-]+)\.txt$`)

// readDocuments reads the texts by name and language. Every mistake is reported.
func readDocuments(files fs.FS, c *catalog) (map[string]map[string]*document, error) {
	all := map[string]map[string]*document{}
	if files == nil {
		return all, nil
	}
	names, err := fs.Glob(files, "*.txt")
	errs := []error{err}
	for _, name := range names {
		m := documentFile.FindStringSubmatch(name)
		if m == nil {
			errs = append(errs, fmt.Errorf("ui: document %s: is not called as terms.en.txt, privacy.en.txt or accessibility.en.txt", name))
			continue
		}
		tag, err := language.Parse(m[2])
		content, readErr := fs.ReadFile(files, path.Clean(name))
		if err = errors.Join(err, readErr); err == nil && (len(content) > maxDocumentBytes || len(strings.TrimSpace(string(content))) == 0) {
			err = errors.New("is empty, or larger than 256 KB")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("ui: document %s: %w", name, err))
			continue
		}
		if all[m[1]] == nil {
			all[m[1]] = map[string]*document{}
		}
		d := &document{tag: tag, dir: "auto", blocks: parseDocument(string(content))}
		if l := c.lookup(tag); l != nil {
			d.dir = l.dir
		}
		all[m[1]][tag.String()] = d
	}
	return all, errors.Join(errs...)
}

// parseDocument reads plain text: paragraphs with empty lines between them, headings that begin with "# ", and lists whose
// lines begin with "- ". All else is text as it stands.
func parseDocument(text string) []block {
	var blocks []block
	var lines []string
	end := func() {
		if len(lines) > 0 {
			blocks = append(blocks, block{"p", [][]run{runs(strings.Join(lines, " "))}})
			lines = nil
		}
	}
	text = strings.TrimPrefix(strings.ToValidUTF8(text, "\ufffd"), "\ufeff")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		heading, isHeading := strings.CutPrefix(line, "# ")
		item, isItem := strings.CutPrefix(line, "- ")
		switch {
		case line == "":
			end()
			if n := len(blocks); n > 0 && blocks[n-1].Kind == "ul" {
				blocks = append(blocks, block{}) // the next item begins another list
			}
		case isHeading:
			end()
			blocks = append(blocks, block{"h2", [][]run{runs(heading)}})
		case isItem:
			end()
			if n := len(blocks); n > 0 && blocks[n-1].Kind == "ul" {
				blocks[n-1].Items = append(blocks[n-1].Items, runs(item))
			} else {
				blocks = append(blocks, block{"ul", [][]run{runs(item)}})
			}
		default:
			lines = append(lines, line)
		}
	}
	end()
	return slices.DeleteFunc(blocks, func(b block) bool { return b.Kind == "" })
}

var uriInText = regexp.MustCompile(`https://[^\s<>"]*[^\s<>".,;:!?)]`)

// runs finds the links in a line of text.
func runs(text string) []run {
	var list []run
	end := 0
	for _, at := range uriInText.FindAllStringIndex(text, -1) {
		if uri := text[at[0]:at[1]]; webURI(uri) != "" {
			list = append(list, run{Text: text[end:at[0]]}, run{uri, uri})
			end = at[1]
		}
	}
	return append(list, run{Text: text[end:]})
}

// documentIn returns the document for the language of a page: its own, that of a language it is a part of, the default one,
// English, or whatever there is.
func (u *UI) documentIn(name string, l *locale) *document {
	versions := u.documents[name]
	if len(versions) == 0 {
		return nil
	}
	codes := make([]string, 0, 4+len(versions))
	for code := l.code; code != ""; code = parent(code) {
		codes = append(codes, code)
	}
	codes = append(codes, u.catalog.languages[0].code, fallbackLanguage)
	rest := make([]string, 0, len(versions))
	for code := range versions {
		rest = append(rest, code)
	}
	slices.Sort(rest)
	for _, code := range append(codes, rest...) {
		if d := versions[code]; d != nil {
			return d
		}
	}
	return nil
}

// serveDocument shows a document. The language is in the query, because there is no login that could remember it.
func (u *UI) serveDocument(w http.ResponseWriter, r *http.Request, name string) {
	l := u.openLocale(r)
	d := u.documentIn(name, l)
	if d == nil {
		u.fail(w, r, failure{kind: "not_found", status: http.StatusNotFound})
		return
	}
	v := &documentView{page: u.openPage(l, l.text("links."+name)), Blocks: d.blocks}
	if base, _ := d.tag.Base(); base.String() != parentmost(l.code) {
		v.Language, v.Dir, v.Note = d.tag.String(), d.dir, l.text("document.other_language")
	}
	u.showOpen(w, r, u.pages.in(l).document, v)
}

// parentmost is the language without a region or a script.
func parentmost(code string) string {
	base, _, _ := strings.Cut(code, "-")
	return base
}
