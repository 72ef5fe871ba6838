package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// examples returns the JSON of a page of the documentation.
func examples(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", page))
	require.NoError(t, err)
	var all []string
	for _, m := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	return all
}

// withFiles writes an example, and the files that it names, and returns where it is.
func withFiles(t *testing.T, example string) string {
	t.Helper()
	known, err := filepath.Abs(filepath.Dir(configuration(t, example)))
	require.NoError(t, err)
	for _, name := range regexp.MustCompile(`"[\w/-]+\.(?:key|pem)"|"secrets/[\w-]+"`).FindAllString(example, -1) {
		name = strings.Trim(name, `"`)
		source := map[string]string{".key": "partner.key", ".pem": "partner.pem", "": "secret"}[filepath.Ext(name)]
		content, err := os.ReadFile(filepath.Join(known, source))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Join(known, filepath.Dir(name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(known, name), content, 0o600))
	}
	return filepath.Join(known, "configuration.json")
}

func TestTheExamplesOfTheDocumentationAreRight(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int)
	for _, example := range examples(t, "login-methods.md") {
		var members struct{ Type, Service string }
		require.NoError(t, json.Unmarshal([]byte(example), &members), example)
		file := withFiles(t, example)
		switch {
		case members.Type != "":
			seen[members.Type]++
			// Nobody is asked: the examples name nobody who is there.
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			s, err := build(t, ctx, file)
			if strings.Contains(example, `"remote"`) {
				require.ErrorContains(t, err, "remote: capabilities", example)
				require.NotContains(t, strings.SplitN(err.Error(), ":\n", 2)[1], "\n", "nothing else is wrong")
				continue
			}
			require.NoError(t, err, example)
			require.NoError(t, s.close())
		case members.Service != "":
			seen["captcha"]++
			_, err := readReCaptcha(file)
			require.NoError(t, err)
		default:
			seen["acrs"]++
			_, err := readACRs(file)
			require.NoError(t, err)
		}
	}
	assert.Equal(t, map[string]int{"acrs": 2, "captcha": 1, "mock": 1, "csv": 1, "ida": 1, "sunbird": 1, "remote": 2, "router": 1}, seen)
}

func TestEveryFlagOfLoginsIsDocumented(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, page := range []string{"login-methods.md", "operating.md"} {
		content, err := os.ReadFile(filepath.Join("../../docs", page))
		require.NoError(t, err)
		text.Write(content)
	}
	for _, group := range optionGroups {
		if group.title != "People" && group.title != "Ways to log in" && group.title != "Limits of logins" {
			continue
		}
		for _, name := range group.names {
			assert.Contains(t, text.String(), "`-"+name)
		}
	}
}
