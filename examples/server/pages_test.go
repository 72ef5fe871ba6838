package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

func TestThePagesOfTheDocumentationAreUnderstood(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pages.json")
	require.NoError(t, os.WriteFile(file, []byte(examples(t, "pages.md")[0]), 0o600))
	p, err := (&config{pagesFile: file}).readPages()
	require.NoError(t, err)
	require.Len(t, p.IdentifierTypes, 3)
	assert.Equal(t, ui.IdentifierPrefix{Value: "+91", Label: "IND", Pattern: `\d{10}`, MaxLength: 10}, p.IdentifierTypes[1].Prefixes[1])
	assert.Equal(t, "https://join.example.org/reset", p.Links.ForgottenPassword)
}

func TestAMistakeInThePagesIsNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pages.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"identifier_type":[]}`), 0o600))
	_, err := (&config{pagesFile: file}).readPages()
	require.ErrorContains(t, err, "identifier_type: is not known")
	_, err = (&config{pagesFile: file + "x"}).readPages()
	require.ErrorContains(t, err, "-pages: ")
	p, err := (&config{}).readPages()
	require.NoError(t, err)
	assert.Zero(t, *p)
}
