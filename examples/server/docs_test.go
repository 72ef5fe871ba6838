package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// guide returns the README and all pages of the documentation.
func guide(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var text strings.Builder
	for _, file := range append(files, "../../README.md") {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		text.Write(content)
	}
	return text.String()
}

func TestEveryFlagIsDocumented(t *testing.T) {
	t.Parallel()
	text := guide(t)
	for _, group := range optionGroups {
		for _, name := range group.names {
			assert.True(t, regexp.MustCompile("`[^`\n]*-"+name+"[` =;\n]").MatchString(text), "-%s", name)
		}
	}
	for words := range commands() {
		assert.True(t, regexp.MustCompile("(?:server |`)"+words+"[` \n]").MatchString(text), words)
	}
}

func TestEveryFlagInTheDocumentationIsThere(t *testing.T) {
	t.Parallel()
	text := guide(t)
	flags := new(config).flags()
	new(options).define(flags)
	// Those that stand alone, as `-keys` and `-captcha-on code` do. `-key-…` is several.
	named := regexp.MustCompile("`-([a-z][a-z-]*[a-z])\\b[^…`]*`").FindAllStringSubmatch(text, -1)
	// Those of commands, which may go on in the next line.
	for _, line := range regexp.MustCompile(`(?m)(?:^ *|\| )(?:go run \./examples/server|server)((?: [^\n]*\\\n)*[^\n]*)`).FindAllStringSubmatch(text, -1) {
		named = append(named, regexp.MustCompile(`[\s]-([a-z][a-z-]*)`).FindAllStringSubmatch(line[1], -1)...)
	}
	require.Greater(t, len(named), 150)
	others := []string{"help", "icon"} // the flag package's, and a class of the button
	for _, name := range named {
		assert.True(t, flags.Lookup(name[1]) != nil || slices.Contains(others, name[1]), "-%s", name[1])
	}
}
