package conformance

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Page is a page of the provider, as a browser without JavaScript has it.
type Page struct {
	// URL is where the page is.
	URL *url.URL
	// Status and Header are those of its answer.
	Status int
	Header http.Header
	// Body is the page as it came.
	Body []byte

	root *html.Node
}

func newPage(u *url.URL, a *answer) (*Page, error) {
	root, err := html.Parse(bytes.NewReader(a.body))
	if err != nil {
		return nil, err
	}
	return &Page{URL: u, Status: a.status, Header: a.header, Body: a.body, root: root}, nil
}

// Has says whether an element with the id or the name is on the page.
func (p *Page) Has(id string) bool { return p.find(id) != nil }

// Text returns the text of the page, without markup and scripts.
func (p *Page) Text() string {
	var text []string
	for n := range p.root.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			text = append(text, strings.TrimSpace(n.Data))
		}
	}
	return strings.Join(text, " ")
}

// Submit returns the request that pressing the element with the id or the name makes: a link, a button of a form, or
// a form itself. Fill has the values of fields by id or name; "" unchecks a checkbox, and any other value checks it.
// Checkboxes that are named in no other way are checked if checkAll is set.
func (p *Page) Submit(ctx context.Context, id string, fill map[string]string, checkAll bool) (*http.Request, error) {
	element := p.find(id)
	if element == nil {
		return nil, fmt.Errorf("the page %s has no element %q", p.URL, id)
	}
	if element.Data == "a" {
		target, err := p.URL.Parse(attribute(element, "href"))
		if err != nil {
			return nil, err
		}
		return http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	}
	form := element
	if form.Data != "form" {
		if form = p.formOf(element); form == nil {
			return nil, fmt.Errorf("the element %q of the page %s is in no form", id, p.URL)
		}
	}
	values, err := p.values(form, fill, checkAll)
	if err != nil {
		return nil, err
	}
	action, method := attribute(form, "action"), attribute(form, "method")
	if element != form {
		if name := attribute(element, "name"); name != "" {
			values.Set(name, attribute(element, "value"))
		}
		action = cmp.Or(attribute(element, "formaction"), action)
		method = cmp.Or(attribute(element, "formmethod"), method)
	}
	target, err := p.URL.Parse(action)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(method, http.MethodPost) {
		target.RawQuery = values.Encode()
		return http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}

// values returns what the form sends apart from its buttons.
func (p *Page) values(form *html.Node, fill map[string]string, checkAll bool) (url.Values, error) {
	values := url.Values{}
	used := map[string]bool{}
	for n := range p.root.Descendants() {
		if n.Type != html.ElementNode || p.formOf(n) != form || hasAttribute(n, "disabled") {
			continue
		}
		name := attribute(n, "name")
		wanted, filled := fill[attribute(n, "id")]
		used[attribute(n, "id")] = true
		if !filled {
			wanted, filled = fill[name]
			used[name] = true
		}
		if value, ok := fieldValue(n, wanted, filled, checkAll); ok && name != "" {
			values.Add(name, value)
		}
	}
	for name := range fill {
		if !used[name] {
			return nil, fmt.Errorf("the form has no field %q", name)
		}
	}
	return values, nil
}

// fieldValue returns what a field sends, and whether it sends anything.
func fieldValue(n *html.Node, wanted string, filled, checkAll bool) (string, bool) {
	value := attribute(n, "value")
	switch n.Data {
	case "input":
		switch attribute(n, "type") {
		case "submit", "button", "image", "reset", "file":
			return "", false
		case "checkbox":
			checked := hasAttribute(n, "checked") || checkAll
			if filled {
				checked = wanted != ""
			}
			return cmp.Or(value, "on"), checked
		case "radio":
			if filled {
				return value, wanted == value || wanted == attribute(n, "id")
			}
			return value, hasAttribute(n, "checked")
		}
	case "textarea":
		value = content(n)
	case "select":
		value = selected(n)
	default:
		return "", false
	}
	if filled {
		value = wanted
	}
	return value, true
}

func selected(n *html.Node) string {
	var first, chosen *html.Node
	for option := range n.Descendants() {
		if option.Data == "option" {
			if first == nil {
				first = option
			}
			if hasAttribute(option, "selected") {
				chosen = option
			}
		}
	}
	if chosen == nil {
		chosen = first
	}
	if chosen == nil {
		return ""
	}
	if hasAttribute(chosen, "value") {
		return attribute(chosen, "value")
	}
	return content(chosen)
}

func content(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return strings.TrimSpace(n.FirstChild.Data)
}

// formOf returns the form that the element belongs to, nil for none.
func (p *Page) formOf(n *html.Node) *html.Node {
	if id := attribute(n, "form"); id != "" {
		return p.find(id)
	}
	for ; n != nil; n = n.Parent {
		if n.Type == html.ElementNode && n.Data == "form" {
			return n
		}
	}
	return nil
}

// find returns the element with the id, or else the first with the name.
func (p *Page) find(id string) *html.Node {
	for _, key := range []string{"id", "name"} {
		for n := range p.root.Descendants() {
			if n.Type == html.ElementNode && attribute(n, key) == id {
				return n
			}
		}
	}
	return nil
}

// refresh returns the URL that the page leads to by itself with a meta element, or nil.
func (p *Page) refresh() *url.URL {
	for n := range p.root.Descendants() {
		if n.Data != "meta" || !strings.EqualFold(attribute(n, "http-equiv"), "refresh") {
			continue
		}
		_, target, ok := strings.Cut(attribute(n, "content"), ";")
		if !ok {
			continue
		}
		target = strings.TrimSpace(target)
		if len(target) > 4 && strings.EqualFold(target[:4], "url=") {
			target = target[4:]
		}
		if u, err := p.URL.Parse(strings.Trim(target, `'"`)); err == nil {
			return u
		}
	}
	return nil
}

// forms returns the page's forms.
func (p *Page) forms() []*html.Node {
	return slices.Collect(func(yield func(*html.Node) bool) {
		for n := range p.root.Descendants() {
			if n.Type == html.ElementNode && n.Data == "form" && !yield(n) {
				return
			}
		}
	})
}

// asksForText says whether there is something to type.
func (p *Page) asksForText() bool {
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "input" &&
			slices.Contains([]string{"", "text", "password", "tel", "number", "email"}, attribute(n, "type")) {
			return true
		}
	}
	return false
}

// frames returns the URLs that the page loads in frames.
func (p *Page) frames() []*url.URL {
	var all []*url.URL
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "iframe" {
			if u, err := p.URL.Parse(attribute(n, "src")); err == nil {
				all = append(all, u)
			}
		}
	}
	return all
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

var errTooManySteps = errors.New("the login does not end")
