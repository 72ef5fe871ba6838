package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// metadata is the provider's discovery document.
type metadata struct {
	answer *answer
	url    string
	suffix string
	raw    map[string]any
}

const (
	openIDSuffix = "/.well-known/openid-configuration"
	oauthSuffix  = "/.well-known/oauth-authorization-server"
)

// fetchMetadata reads the document. Without OpenID it may also be where RFC 8414 puts it.
func fetchMetadata(ctx context.Context, transport http.RoundTripper, issuer string, p plan) (*metadata, error) {
	openID := strings.TrimSuffix(issuer, "/") + openIDSuffix
	if p.openid {
		return fetchDocument(ctx, transport, openID, openIDSuffix)
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	u.Path = oauthSuffix + strings.TrimSuffix(u.Path, "/")
	m, err := fetchDocument(ctx, transport, u.String(), oauthSuffix)
	if err != nil || m.answer.status == http.StatusOK {
		return m, err
	}
	return fetchDocument(ctx, transport, openID, openIDSuffix)
}

func fetchDocument(ctx context.Context, transport http.RoundTripper, u, suffix string) (*metadata, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	a, err := exchange(ctx, transport, req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u, err)
	}
	return &metadata{answer: a, url: u, suffix: suffix, raw: a.object()}, nil
}

// metadata returns the document. Without one the check ends.
func (t *trial) metadata() *metadata {
	m, err := t.discovery()
	if err != nil {
		t.fatal("the discovery document cannot be read: %v", err)
	}
	if m.raw == nil {
		t.fatal("%s does not answer with a JSON object but %v", m.url, m.answer)
	}
	return m
}

// endpoint returns the URL that the document names. Without it the check ends.
func (t *trial) endpoint(name string) string {
	u := t.metadata().text(name)
	if u == "" {
		t.fatal("the discovery document has no %s", name)
	}
	return u
}

func (m *metadata) has(name string) bool {
	_, ok := m.raw[name]
	return ok
}

func (m *metadata) text(name string) string {
	s, _ := m.raw[name].(string)
	return s
}

// flag returns the boolean, false if it is absent.
func (m *metadata) flag(name string) bool {
	b, _ := m.raw[name].(bool)
	return b
}

// list returns the strings of the array, nil if it is absent.
func (m *metadata) list(name string) []string {
	return stringsOf(m.raw[name])
}

func (m *metadata) listHas(name string, anyOf ...string) bool {
	return slices.ContainsFunc(m.list(name), func(s string) bool { return slices.Contains(anyOf, s) })
}

func stringsOf(v any) []string {
	array, _ := v.([]any)
	var all []string
	for _, e := range array {
		if s, ok := e.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
