// Package captcha tells people from programs before they may guess at other people's secrets.
package captcha

import (
	"context"
	"encoding/json"
	"net/netip"
)

// Verifier is one kind of captcha. Its methods are called concurrently.
type Verifier interface {
	// Widget returns what a page shows. It is new for every page.
	Widget(ctx context.Context) (*Widget, error)
	// Verify says whether the response, which the widget put into the form, is a solution. Each counts once, whichever
	// instance sees it. An error means that nobody knows: the captcha's own service cannot be reached. The source is where
	// the person's request comes from, if that is known.
	Verify(ctx context.Context, response string, source netip.Addr) (bool, error)
}

// Widget is what a page shows.
type Widget struct {
	// Kind names the page's own script for it: "altcha", or that of the service, "recaptcha".
	Kind string
	// SiteKey names the deployment to the service, and ScriptURL is the service's script. Origins are those that the page's
	// Content-Security-Policy has to allow for scripts and frames. They are empty if no third party is needed.
	SiteKey, ScriptURL string
	Origins            []string
	// Challenge is a JSON value that the page's own script solves.
	Challenge json.RawMessage
}
