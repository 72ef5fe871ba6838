package dpop_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
)

func TestURLsThatAreEqual(t *testing.T) {
	t.Parallel()
	for want, equal := range map[string][]string{
		"https://rs.example/a/b": {
			"https://rs.example/a/b", "HTTPS://RS.Example/a/b", "https://rs.example:443/a/b", "https://rs.example:/a/b",
			"https://rs.example/a/b?x=y", "https://rs.example/a/b#f", "https://rs.example/a/b?#", "https://rs.example/a/b#?",
			"https://rs.example/a/./b", "https://rs.example/x/../a/b", "https://rs.example/../../a/b",
			"https://rs.example/%61/%62", "https://rs.example/x/%2e%2E/a/b",
		},
		"http://rs.example/": {
			"http://rs.example", "http://rs.example/", "http://rs.example:80", "http://rs.example?x", "http://rs.example#x",
			"http://rs.example/.", "http://rs.example/..", "http://rs.example/a/..", "http://rs.example/a/b/../..",
		},
		"http://rs.example:443/":             {"http://rs.example:443/"},
		"https://rs.example:80/":             {"https://rs.example:80/"},
		"https://rs.example:8443/":           {"https://rs.example:8443"},
		"https://[::1]:8443/":                {"https://[::1]:8443/"},
		"https://[2001:db8::a]/":             {"https://[2001:DB8::A]:443/"},
		"https://rs.example/a/":              {"https://rs.example/a/", "https://rs.example/a/.", "https://rs.example/a/b/.."},
		"https://rs.example//a//":            {"https://rs.example//a//"},
		"https://rs.example/~a-b._c":         {"https://rs.example/%7ea%2Db%2E%5Fc", "https://rs.example/%7Ea-b._c"},
		"https://rs.example/a%2Fb%3Fc%25%C3": {"https://rs.example/a%2fb%3fc%25%c3"},
		"https://rs.example/.well-known/x":   {"https://rs.example/.well-known/x"},
		"https://rs.example/...":             {"https://rs.example/...", "https://rs.example/a/../..."},
		"https://rs.example/a;b=c,d:e@f!$&'": {"https://rs.example/a;b=c,d:e@f!$&'"},
	} {
		for _, raw := range equal {
			got, err := dpop.Normalise(raw)
			require.NoError(t, err, raw)
			assert.Equal(t, want, got, raw)
		}
	}
}

func TestURLsThatDiffer(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	for _, raw := range []string{
		"https://rs.example/a", "https://rs.example/a/", "https://rs.example/A", "https://rs.example//a", "https://rs.example/a%2F",
		"https://rs.example/a%20", "https://rs.example/a+", "https://rs.example/a%2B", "http://rs.example/a", "https://rs.example:8443/a",
		"https://rs.example./a", "https://www.rs.example/a", "https://rs.example/a%252F", "https://rs.example/", "https://rs.example:0443/a",
	} {
		got, err := dpop.Normalise(raw)
		require.NoError(t, err, raw)
		assert.Empty(t, seen[got], raw)
		seen[got] = raw
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", "/", "rs.example/a", "//rs.example/a", "https:", "https:/a", "https:rs.example/a", "https:///a", "https://:443/a",
		"ftp://rs.example/a", "javascript:alert(1)", "https://user@rs.example/a", "https://user:pass@rs.example/a", "https://@rs.example/a",
		"https://rs.example:port/a", "https://rs.example/%", "https://rs.example/%2", "https://rs.example/%zz", "https://rs.example/a b",
		" https://rs.example/a", "https://rs.example/a\n", "https://rs.example/\x00", "https://rs.example/é", "https://rs.example\\@evil.example/",
		"https://rs%2eexample/a", "https://rs.ex%C3%A9mple/", "https://[::1", "https://[fe80::1%25eth0]/", `https://rs.example/"`, "https://rs.example/<a>",
		"https://rs.example/{a}", "https://rs.example/^", "https://rs.example/`", "https://rs.example/a|b", "https://rs.example/" + strings.Repeat("a", 4096),
	} {
		got, err := dpop.Normalise(raw)
		assert.Error(t, err, raw)
		assert.Empty(t, got, raw)
	}
}
