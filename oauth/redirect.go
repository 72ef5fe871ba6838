package oauth

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// dangerousSchemes are those that a browser does something with beside calling an app.
var dangerousSchemes = []string{
	"about", "blob", "data", "file", "filesystem", "ftp", "http", "https", "intent", "javascript", "mailto", "vbscript",
	"view-source", "ws", "wss",
}

// AcceptsRedirectURI reports whether authorization responses may go to the URI: it is one of RedirectURIs, character by
// character (RFC 9700 section 4.1.3), or fits one of RedirectURIPatterns.
func (c *Client) AcceptsRedirectURI(uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	if len(c.RedirectURIPatterns) == 0 || checkPlainURI(uri) != nil {
		return false
	}
	origin, path, ok := splitOrigin(uri)
	if !ok || !plainPath(path) {
		return false
	}
	return slices.ContainsFunc(c.RedirectURIPatterns, func(pattern string) bool {
		o, p, ok := splitOrigin(pattern)
		return ok && o == origin && matchPath(p, path)
	})
}

// CheckRedirectURI returns what is wrong with an entry of RedirectURIs.
func CheckRedirectURI(uri string) error { return checkRedirectURI(uri) }

// CheckRedirectURIPattern returns what is wrong with an entry of RedirectURIPatterns.
func CheckRedirectURIPattern(pattern string) error {
	origin, path, ok := splitOrigin(pattern)
	switch {
	case !ok:
		return errors.New("it has no scheme and authority")
	case strings.Contains(origin, "*"):
		return errors.New("it has a wildcard before the path")
	case !plainPath(path):
		return errors.New("its path has an empty segment, or one of dots")
	}
	return checkPlainURI(pattern)
}

// checkPlainURI is checkRedirectURI for what patterns are of and match. The schemes of apps need no dot there: eSignet
// wanted none, and apps cannot change theirs.
func checkPlainURI(uri string) error {
	err := checkRedirectURI(uri)
	if err == nil {
		return nil
	}
	u, parseErr := url.Parse(uri)
	if parseErr != nil || u.Host == "" || slices.Contains(dangerousSchemes, u.Scheme) {
		return err
	}
	// The rest of the rules are those for a scheme with a dot, which wants a path.
	if u.Path == "" && u.RawQuery == "" {
		uri += "/"
	}
	return checkRedirectURI("app." + uri)
}

// splitOrigin splits a URI after its authority.
func splitOrigin(uri string) (origin, path string, ok bool) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || scheme == "" {
		return "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return uri[:len(scheme)+len("://")+end], rest[end:], end > 0
}

// plainPath reports whether browsers and apps take the path as it stands: they resolve segments of dots, encoded ones too,
// and differ about empty ones.
func plainPath(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for _, s := range segments[min(1, len(segments)):] {
		if s = strings.ReplaceAll(strings.ToLower(s), "%2e", "."); s == "" || s == "." || s == ".." {
			return false
		}
	}
	return true
}

// matchPath matches what follows the authority: between two slashes * is any text, and ** any number of segments. A slash
// at the end is in both or in neither, but where a last * or ** stands for what follows it.
func matchPath(pattern, path string) bool {
	p, s := segments(pattern), segments(path)
	if len(p) > 0 && p[len(p)-1] == "**" {
		return matchSegments(p, s)
	}
	if strings.HasSuffix(path, "/") && !strings.HasSuffix(pattern, "/") {
		// A last * matches the empty text behind the slash.
		return len(p) > 0 && p[len(p)-1] == "*" && matchSegments(p[:len(p)-1], s)
	}
	return strings.HasSuffix(pattern, "/") == strings.HasSuffix(path, "/") && matchSegments(p, s)
}

func segments(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" })
}

// matchSegments takes time in proportion to the product of the lengths: of ** only the latest is tried again.
func matchSegments(pattern, path []string) bool {
	return glob(len(pattern), len(path), func(i int) bool { return pattern[i] == "**" },
		func(i, j int) bool { return matchSegment(pattern[i], path[j]) })
}

func matchSegment(pattern, segment string) bool {
	return glob(len(pattern), len(segment), func(i int) bool { return pattern[i] == '*' },
		func(i, j int) bool { return pattern[i] == segment[j] })
}

// glob matches n elements of a pattern, some of which stand for any number, with m elements.
func glob(n, m int, wild func(i int) bool, equal func(i, j int) bool) bool {
	i, star, mark := 0, -1, 0
	for j := 0; j < m; {
		switch {
		case i < n && wild(i):
			star, mark = i, j
			i++
		case i < n && equal(i, j):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < n && wild(i) {
		i++
	}
	return i == n
}
