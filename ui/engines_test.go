package ui_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Telephones of six years ago have engines of 2020 (Chrome 87, Firefox 83, Safari 14): a script with newer syntax is none to
// them, and a rule with a newer selector neither.
func TestScriptsAndSheetsAreForEnginesOf2020(t *testing.T) {
	t.Parallel()
	newer := map[string]*regexp.Regexp{
		".js":  regexp.MustCompile(`\|\|=|&&=|\?\?=|\.at\(|\.replaceAll\(|\.findLast\(|Object\.hasOwn\(|\.replaceChildren\(|structuredClone\(|AbortSignal\.|Promise\.any\(|\bstatic \{|\bthis\.#`),
		".css": regexp.MustCompile(`:is\(|:where\(|:has\(|@layer|@container|@scope|@starting-style|(?m)^\s*&|\blight-dark\(|\boklch\(|\brgb\(from|\binset(-\w+)*:|(padding|margin|border)-(inline|block):`),
	}
	// These are used where the engine has them, with something else before or beside them.
	guarded := map[string]string{
		"form.requestSubmit()": "form.requestSubmit ? form.requestSubmit() : form.submit()",
		"showModal()":          "leave.showModal &&",
		"Intl.DisplayNames":    "Intl && Intl.DisplayNames ?",
		"trustedTypes.":        "window.trustedTypes &&",
		"OTPCredential":        `"OTPCredential" in window`,
		"color-mix(":           "background: var(--accent); background: color-mix(",
		"100dvh":               "min-block-size: 100vh;",
		"dialog {":             "dialog:not([open]) { display: none; }",
	}
	files, err := filepath.Glob("assets/*")
	require.NoError(t, err)
	buttons, err := filepath.Glob("button/assets/*.*s*")
	require.NoError(t, err)
	require.NotEmpty(t, buttons)
	files = append(files, buttons...)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		text := string(content)
		assert.Empty(t, newer[filepath.Ext(file)].FindAllString(text, -1), file)
		for use, guard := range guarded {
			if strings.Contains(text, use) {
				assert.Contains(t, text, guard, "%s in %s", use, file)
			}
		}
	}
}
