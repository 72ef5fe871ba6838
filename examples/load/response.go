package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

const maxBody = 1 << 20

// RefusedError is an answer that says no in a way that a relying party or a person can do something with.
type RefusedError struct {
	// Status is that of the HTTP response.
	Status int
	// Code is the registered error code, or the heading of a page.
	Code string
}

func (e *RefusedError) Error() string { return fmt.Sprintf("refused with %d: %s", e.Status, e.Code) }

// response is an answer that was read whole.
type response struct {
	url    *url.URL
	header http.Header
	body   []byte
}

func (l *Loader) send(ctx context.Context, client *http.Client, method, target string, form url.Values) (*response, error) {
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	return do(client, r)
}

// do returns the answer if it is a good one, and otherwise an error that says how bad it is.
func do(client *http.Client, r *http.Request) (*response, error) {
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return nil, refusal(res.StatusCode, res.Header, body)
	}
	return &response{url: res.Request.URL, header: res.Header, body: body}, nil
}

// refusal is a *RefusedError for an OAuth error and for a page, and another error for everything else.
func refusal(status int, header http.Header, body []byte) error {
	kind := header.Get("Content-Type")
	switch {
	case strings.HasPrefix(kind, "application/json"):
		var oauth struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(body, &oauth) == nil && oauth.Error != "" {
			return &RefusedError{Status: status, Code: oauth.Error}
		}
	case strings.HasPrefix(kind, "text/html"):
		if root, err := html.Parse(bytes.NewReader(body)); err == nil {
			if heading := find(root, "h1"); heading != nil {
				return &RefusedError{Status: status, Code: strings.TrimSpace(text(heading))}
			}
		}
	case strings.Contains(header.Get("WWW-Authenticate"), `error="`):
		_, code, _ := strings.Cut(header.Get("WWW-Authenticate"), `error="`)
		code, _, _ = strings.Cut(code, `"`)
		return &RefusedError{Status: status, Code: code}
	}
	return fmt.Errorf("an answer with status %d that says nothing", status)
}

func (r *response) json(v any) error {
	if err := json.Unmarshal(r.body, v); err != nil {
		return fmt.Errorf("%s is not the JSON that it should be: %w", r.url.Path, err)
	}
	return nil
}

// form returns what the first form of the page sends when it is filled in.
func (r *response) form(fill map[string]string) (action string, values url.Values, err error) {
	root, err := html.Parse(bytes.NewReader(r.body))
	if err != nil {
		return "", nil, err
	}
	form := find(root, "form")
	if form == nil {
		return "", nil, errors.New("the page has no form")
	}
	target, err := r.url.Parse(attribute(form, "action"))
	if err != nil {
		return "", nil, err
	}
	values = url.Values{}
	for n := range form.Descendants() {
		if n.Type != html.ElementNode || n.Data != "input" {
			continue
		}
		name := attribute(n, "name")
		kind := attribute(n, "type")
		chosen := kind != "checkbox" && kind != "radio" || hasAttribute(n, "checked")
		if name != "" && chosen {
			if value, ok := fill[name]; ok {
				values.Add(name, value)
			} else {
				values.Add(name, attribute(n, "value"))
			}
		}
	}
	return target.String(), values, nil
}

func hasAttribute(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func find(root *html.Node, element string) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == element {
			return n
		}
	}
	return nil
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
