package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATranslatorIsToldWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file   string
		status int
		want   string
	}{
		"a single text of a language that is there": {`{"identifier": {"label": "Civil number"}}`, 0, "No text is missing or wrong.\n"},
		"a text that no page shows":                 {`{"identifer": {"label": "x"}}`, 1, "en: identifer.label is not used\n"},
		"a file that is not JSON":                   {`{`, 1, "ui: language file en.json: unexpected end of JSON input\n"},
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "en.json"), []byte(c.file), 0o600))
		var out bytes.Buffer
		assert.Equal(t, c.status, run([]string{dir}, &out, &out), name)
		assert.Equal(t, c.want, out.String(), name)
	}
}

func TestWhatIsNoDirectoryIsSaid(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	assert.Equal(t, 2, run([]string{filepath.Join(t.TempDir(), "nowhere")}, &out, &out))
	assert.Contains(t, out.String(), "is not a directory")
	assert.Equal(t, 2, run([]string{"a", "b"}, &out, &out))
}
