package ui

import (
	"errors"
	"io/fs"
)

// readTemplate returns the template that a deployment has in the place of ours, or ours.
func readTemplate(own fs.FS, name string) ([]byte, error) {
	if own != nil {
		b, err := fs.ReadFile(own, name+".html")
		if !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	return embedded.ReadFile("templates/" + name + ".html")
}
