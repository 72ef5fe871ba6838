package conformance

import (
	"context"
	"net/http"
)

// Wish is what a person wants.
type Wish int

// The wishes of a person.
const (
	// LogIn means to log in and to consent to everything.
	LogIn Wish = iota
	// Refuse means to cancel.
	Refuse
)

// Person acts on the provider's pages. It is safe for concurrent use.
type Person interface {
	// Act returns the request that the person's next step on the page makes, or nil if the page asks nothing of them, as
	// an error page does. The request is sent with the browser's cookies and its redirects are followed.
	Act(ctx context.Context, page *Page, wish Wish) (*http.Request, error)
}

// Script is a Person who fills in plain HTML forms.
type Script struct {
	// Steps are tried in order; the first that matches the page is done.
	Steps []Step `json:"steps"`
	// Cancel is the id or name of the element that a person presses who refuses. On pages without it they do the steps.
	Cancel string `json:"cancel"`
}

// Step is what a person does on one page.
type Step struct {
	// Match is the id or name of an element by which the page is known. Empty means Submit.
	Match string `json:"match,omitempty"`
	// Fill has the values of fields, by id or name.
	Fill map[string]string `json:"fill,omitempty"`
	// CheckAll checks every checkbox of the form that Fill does not name, as people do who consent to everything.
	CheckAll bool `json:"check_all,omitempty"`
	// Submit is the id or name of the button, link or form that is pressed.
	Submit string `json:"submit"`
}

// Act does the first step that matches the page.
func (s *Script) Act(ctx context.Context, page *Page, wish Wish) (*http.Request, error) {
	if wish == Refuse && s.Cancel != "" && page.Has(s.Cancel) {
		return page.Submit(ctx, s.Cancel, nil, false)
	}
	for _, step := range s.Steps {
		match := step.Match
		if match == "" {
			match = step.Submit
		}
		if page.Has(match) {
			return page.Submit(ctx, step.Submit, step.Fill, step.CheckAll)
		}
	}
	return nil, nil
}
