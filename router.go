package signet

import (
	"net/http"
	"slices"
	"strings"
)

// router is a mux that remembers what it serves.
type router struct {
	http.ServeMux
	patterns []string
}

// Handle is that of the mux.
func (r *router) Handle(pattern string, h http.Handler) {
	r.ServeMux.Handle(pattern, h)
	r.patterns = append(r.patterns, pattern)
}

// Patterns returns what the provider serves, as patterns of net/http's mux, the path of the issuer included. Those of
// eSignet's API are in it one by one.
func (p *Provider) Patterns() []string {
	if p.ESignet == nil {
		return slices.Clone(p.mux.patterns)
	}
	own := p.ESignet.Patterns()
	mounted := slices.DeleteFunc(slices.Clone(p.mux.patterns), func(pattern string) bool {
		return strings.HasSuffix(pattern, "/") && slices.ContainsFunc(own, func(s string) bool { return strings.Contains(s, " "+pattern) })
	})
	return append(mounted, own...)
}
