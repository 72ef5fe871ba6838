package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Linked is what the go command knows of a package.
type Linked struct {
	ImportPath string
	Name       string
	Deps       []string // all, direct and indirect, without those of tests
	Module     *struct {
		Path string
		Main bool
	}
}

// ListLinked asks the go command for the packages of the module in a directory and all that they link. The answer is
// for one platform, so that everybody gets the same.
func ListLinked(root string) ([]Linked, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Deps,Module", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
			err = fmt.Errorf("%w: %s", err, failed.Stderr)
		}
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []Linked
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p Linked
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, p)
	}
}

// Dependencies writes a line for each public package of the main module: its path relative to the module, and the
// third-party modules that a program gets by linking it. Private packages and examples are nobody's dependency.
func Dependencies(packages []Linked) string {
	modules := map[string]string{} // by package, of third parties
	for _, p := range packages {
		if p.Module != nil && !p.Module.Main {
			modules[p.ImportPath] = p.Module.Path
		}
	}
	var lines []string
	for _, p := range packages {
		if !public(p) {
			continue
		}
		linked := map[string]bool{}
		for _, dep := range p.Deps {
			if module, ok := modules[dep]; ok {
				linked[module] = true
			}
		}
		line := append([]string{relative(p)}, slices.Sorted(maps.Keys(linked))...)
		lines = append(lines, strings.Join(line, " ")+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func public(p Linked) bool {
	if p.Module == nil || !p.Module.Main || p.Name == "main" {
		return false
	}
	elements := strings.Split(relative(p), "/")
	return elements[0] != "examples" && !slices.Contains(elements, "internal")
}

// relative returns the package's path in its module, "." for the root.
func relative(p Linked) string {
	if p.ImportPath == p.Module.Path {
		return "."
	}
	return strings.TrimPrefix(p.ImportPath, p.Module.Path+"/")
}
