// Package layout keeps the shape of the module: which package may import which, and which third-party modules a
// program gets from each public package. Its tests read the source tree and fail when the shape is broken; CONTRIBUTING.md
// says what to do then.
package layout

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Floor is a set of packages that may import the packages of every lower Floor and none of their own.
type Floor struct {
	// Name is what messages call the floor: its number in the architecture, and what tells it from others beside it.
	Name string
	// Packages are import paths relative to the module, "." for its root. "dir/..." stands for every package below
	// dir that is not named more precisely elsewhere.
	Packages []string
}

// Floors is the map of the module, the lowest floor first. Test files may import anything.
var Floors = []Floor{
	{"below 0: private", []string{"internal/...", "authenticator/internal/...", "conformance/internal/...", "oidc/internal/document"}},
	{"0: contracts", []string{"store", "keystore", "audit", "authenticator", "openapi"}},
	{"0: authenticators are built from", []string{"authenticator/directory"}},
	{"0: implementations", []string{"keystore/...", "authenticator/...", "captcha"}},
	{"0: stubs of identity systems", []string{"authenticator/ida/idatest", "authenticator/sunbird/sunbirdtest"}},
	{"1", []string{"dpop", "oidc/internal/assurance", "ui/button"}},
	{"2", []string{"oauth"}},
	{"3", []string{"par", "consent", "oidc", "registry"}},
	{"4", []string{"login"}},
	{"5", []string{"wallet"}},
	{"6", []string{"ui", "esignet"}},
	{"7", []string{".", "ui/themeyaml"}},
	{"8: backends", []string{"store/...", "esignet/migration"}},
	{"9: from outside", []string{"conformance", "conformance/oidf", "examples/..."}},
	{"9: programs over it", []string{"conformance/...", "examples/cluster", "examples/portal/cmd/...", "examples/registry", "examples/server", "examples/wallet"}},
}

// Package is what the layout needs to know of a package.
type Package struct {
	// Path is relative to the module, "." for its root.
	Path string
	// Imports are the packages of this module that its files, other than tests, import; also relative.
	Imports []string
}

// Violations returns a sentence for each package that is not on the map, and for each import that does not go down.
func Violations(floors []Floor, packages []Package) []string {
	var all []string
	for _, p := range packages {
		own := floorOf(floors, p.Path)
		if own < 0 {
			all = append(all, fmt.Sprintf("%s is not on the map: give it a place in layout.Floors", p.Path))
			continue
		}
		for _, imported := range p.Imports {
			switch other := floorOf(floors, imported); {
			case other > own:
				all = append(all, fmt.Sprintf("%s (floor %s) reaches up to %s (floor %s)",
					p.Path, floors[own].Name, imported, floors[other].Name))
			case other == own:
				all = append(all, fmt.Sprintf("%s reaches sideways to %s (floor %s)", p.Path, imported, floors[own].Name))
			}
		}
	}
	slices.Sort(all)
	return all
}

// floorOf returns the index of the floor that names the package most precisely, or -1.
func floorOf(floors []Floor, pkg string) int {
	for pattern := pkg; ; {
		for i, f := range floors {
			if slices.Contains(f.Packages, pattern) {
				return i
			}
		}
		dir := path.Dir(strings.TrimSuffix(pattern, "/..."))
		if dir == "." {
			return -1
		}
		pattern = dir + "/..."
	}
}
