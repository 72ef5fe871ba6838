package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"

	"github.com/gosignet/signet/ui"
)

// pages is what the file of -pages says.
type pages struct {
	IdentifierTypes []ui.IdentifierType `json:"identifier_types"`
	Links           ui.Links            `json:"links"`
	FrameAncestors  []string            `json:"frame_ancestors"`
}

// readPages reads the file, if there is one.
func (c *config) readPages() (p pages, err error) {
	if c.pagesFile == "" {
		return p, nil
	}
	data, err := readBounded(c.pagesFile)
	if err != nil {
		return p, fmt.Errorf("-pages: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return p, fmt.Errorf("-pages: %s: %w", c.pagesFile, err)
	}
	return p, nil
}

// catalog is the directory of -texts, or nil.
func (c *config) catalog() fs.FS {
	if c.texts == "" {
		return nil
	}
	return os.DirFS(c.texts)
}
