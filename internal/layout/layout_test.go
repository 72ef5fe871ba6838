package layout_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/layout"
)

const (
	root         = "../.."
	module       = "github.com/gosignet/signet"
	dependencies = "dependencies.txt"
)

var update = flag.Bool("update", false, "rewrite "+dependencies)

func TestEveryPackageImportsOnlyLowerFloors(t *testing.T) {
	t.Parallel()
	packages, err := layout.ReadTree(root, module)
	require.NoError(t, err)
	require.NotEmpty(t, packages)
	assert.Empty(t, layout.Violations(layout.Floors, packages))
}

// It reads the tree first, because go test would otherwise not see that a package changed and repeat an old result.
func TestDependenciesAreReviewed(t *testing.T) {
	t.Parallel()
	_, err := layout.ReadTree(root, module)
	require.NoError(t, err)
	_, err = os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)

	packages, err := layout.ListLinked(root)
	require.NoError(t, err)
	now := layout.Dependencies(packages)
	if *update {
		require.NoError(t, os.WriteFile(dependencies, []byte(now), 0o644))
	}
	reviewed, err := os.ReadFile(dependencies)
	require.NoError(t, err)
	assert.Equal(t, string(reviewed), now,
		"public packages link other modules than were reviewed: think twice, then run \"make deps\" and commit the list")
}

func TestViolations(t *testing.T) {
	t.Parallel()
	floors := []layout.Floor{
		{"private", []string{"internal/..."}},
		{"contracts", []string{"store", "keystore"}},
		{"implementations", []string{"keystore/..."}},
		{"root", []string{"."}},
		{"backends", []string{"store/..."}},
		{"special", []string{"store/special"}},
	}
	tests := []struct {
		name string
		pkg  layout.Package
		want []string
	}{
		{"down", layout.Package{Path: ".", Imports: []string{"store", "internal/jwt"}}, nil},
		{"an implementation of its contract", layout.Package{Path: "keystore/file", Imports: []string{"keystore"}}, nil},
		{"up", layout.Package{Path: "store", Imports: []string{"store/memory"}},
			[]string{"store (floor contracts) reaches up to store/memory (floor backends)"}},
		{"up to the root", layout.Package{Path: "keystore/file", Imports: []string{"."}},
			[]string{"keystore/file (floor implementations) reaches up to . (floor root)"}},
		{"sideways", layout.Package{Path: "store", Imports: []string{"keystore"}},
			[]string{"store reaches sideways to keystore (floor contracts)"}},
		{"sideways under one pattern", layout.Package{Path: "internal/a/b", Imports: []string{"internal/c"}},
			[]string{"internal/a/b reaches sideways to internal/c (floor private)"}},
		{"the most precise place counts", layout.Package{Path: "store/special", Imports: []string{"store/memory"}}, nil},
		{"not on the map", layout.Package{Path: "util", Imports: []string{"store"}},
			[]string{"util is not on the map: give it a place in layout.Floors"}},
		{"below a package without a pattern", layout.Package{Path: "other/store"},
			[]string{"other/store is not on the map: give it a place in layout.Floors"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, layout.Violations(floors, []layout.Package{tt.pkg}))
		})
	}
}

func TestReadTreeSeesWhatIsBuiltAnywhereAndLeavesOutTests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                  "module example.org/m\n",
		"m.go":                    "package m\nimport \"example.org/m/a\"\nimport \"fmt\"\n",
		"m_test.go":               "package m\nimport \"example.org/m/only/in/tests\"\n",
		"a/a.go":                  "package a\n",
		"a/windows.go":            "//go:build windows\n\npackage a\nimport \"example.org/m/b\"\n",
		"a/other.go":              "package a\nimport \"example.org/m/b\"\nimport \"example.org/module\"\nimport m \"example.org/m\"\n",
		"a/testdata/x.go":         "package x\n",
		"_ignored/x.go":           "package x\n",
		".hidden/x.go":            "package x\n",
		"nested/go.mod":           "module example.org/nested\n",
		"nested/x.go":             "package x\n",
		"onlytests/only_test.go":  "package onlytests\n",
		"nogo/notes.txt":          "",
		"deep/er/package/deep.go": "package deep\n",
	} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	packages, err := layout.ReadTree(dir, "example.org/m")
	require.NoError(t, err)
	assert.Equal(t, []layout.Package{
		{Path: ".", Imports: []string{"a"}},
		{Path: "a", Imports: []string{".", "b"}},
		{Path: "deep/er/package"},
	}, packages)
}

func TestDependenciesNameTheModulesThatAProgramLinks(t *testing.T) {
	t.Parallel()
	type mod = struct {
		Path string
		Main bool
	}
	own := &mod{"example.org/m", true}
	packages := []layout.Linked{
		{ImportPath: "fmt", Name: "fmt"},
		{ImportPath: "example.org/jose/json", Name: "json", Module: &mod{"example.org/jose", false}},
		{ImportPath: "example.org/jose", Name: "jose", Deps: []string{"example.org/jose/json"}, Module: &mod{"example.org/jose", false}},
		{ImportPath: "example.org/crypto/x", Name: "x", Module: &mod{"example.org/crypto", false}},
		{ImportPath: "example.org/m", Name: "m", Module: own,
			Deps: []string{"fmt", "example.org/m/store", "example.org/jose", "example.org/jose/json", "example.org/crypto/x"}},
		{ImportPath: "example.org/m/store", Name: "store", Deps: []string{"fmt"}, Module: own},
		{ImportPath: "example.org/m/internal/a", Name: "a", Deps: []string{"example.org/jose"}, Module: own},
		{ImportPath: "example.org/m/store/internal/b", Name: "b", Deps: []string{"example.org/jose"}, Module: own},
		{ImportPath: "example.org/m/cmd", Name: "main", Deps: []string{"example.org/jose"}, Module: own},
		{ImportPath: "example.org/m/examples/portal", Name: "portal", Deps: []string{"example.org/jose"}, Module: own},
	}
	assert.Equal(t, ". example.org/crypto example.org/jose\nstore\n", layout.Dependencies(packages))

	packages[5].Deps = []string{"fmt", "example.org/jose"}
	assert.Equal(t, ". example.org/crypto example.org/jose\nstore example.org/jose\n", layout.Dependencies(packages),
		"a new dependency changes the list")
}
