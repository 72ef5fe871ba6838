package layout

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ReadTree returns the packages in the directory of a module. It reads every file whatever its build constraints, so
// that no platform hides an import.
func ReadTree(root, module string) ([]Package, error) {
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skip(root, name)
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(dir)
		found, err := readImports(name, module)
		imports[pkg] = append(imports[pkg], found...)
		return err
	})
	var packages []Package
	for pkg, found := range imports {
		slices.Sort(found)
		packages = append(packages, Package{Path: pkg, Imports: slices.Compact(found)})
	}
	slices.SortFunc(packages, func(a, b Package) int { return strings.Compare(a.Path, b.Path) })
	return packages, err
}

// skip leaves out the directories that the go command leaves out.
func skip(root, dir string) error {
	if dir == root {
		return nil
	}
	if base := filepath.Base(dir); base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// readImports returns the packages of the module that a file imports, relative to the module.
func readImports(name, module string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if imported == module {
			found = append(found, ".")
		} else if rest, ok := strings.CutPrefix(imported, module+"/"); ok {
			found = append(found, path.Clean(rest))
		}
	}
	return found, nil
}
