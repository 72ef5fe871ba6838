// Package openapi is the description of the provider's whole HTTP surface, OpenAPI 3.1 in JSON: the standard endpoints,
// the API of consents, and eSignet's API. A test of the module's root sends requests that are generated from it.
package openapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

//go:embed openapi.json
var description []byte

// wellKnown is the document whose path comes before that of the issuer (RFC 8414 section 3.1).
const wellKnown = "/.well-known/oauth-authorization-server"

// Document returns the description of everything that a provider with the default paths can serve, for an invented issuer.
func Document() []byte { return slices.Clone(description) }

// For returns the description of what a provider with the issuer serves under the patterns, which are those of net/http's
// mux, as [signet.Provider.Patterns] returns them. Paths other than the defaults are not described.
//
// [signet.Provider.Patterns]: https://pkg.go.dev/github.com/gosignet/signet#Provider.Patterns
func For(issuer string, patterns []string) ([]byte, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("openapi: %q is not an issuer", issuer)
	}
	var root map[string]any
	if err := json.Unmarshal(description, &root); err != nil {
		return nil, fmt.Errorf("openapi: the description: %w", err)
	}
	base := u.EscapedPath()
	origin := strings.TrimSuffix(issuer, base)
	root["servers"] = []any{map[string]any{"url": issuer}}
	described, _ := root["paths"].(map[string]any)
	served := make(map[string]any)
	for path, item := range described {
		operations, _ := item.(map[string]any)
		full := base + path
		if path == wellKnown {
			full = path + base
		}
		for method := range operations {
			if !mounted(patterns, strings.ToUpper(method), full) {
				delete(operations, method)
			}
		}
		if len(operations) == 0 {
			continue
		}
		if path == wellKnown && base != "" {
			operations["servers"] = []any{map[string]any{"url": origin}}
			path = full
		}
		served[path] = operations
	}
	root["paths"] = served
	return json.MarshalIndent(root, "", "  ")
}

// mounted reports whether a pattern is the path's own, or that of everything below, as for consents by their names.
func mounted(patterns []string, method, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if m, rest, ok := strings.Cut(pattern, " "); ok {
			return m == method && rest == path
		}
		return pattern == path || pattern == path+"{$}" || strings.HasSuffix(pattern, "/") && strings.HasPrefix(path, pattern+"{")
	})
}
