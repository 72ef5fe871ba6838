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
	Logos           ui.Logos            `json:"logos"`
}

// readPages reads the file, if there is one.
func (c *config) readPages() (p pages, err error) {
	p.Logos.AllowPrivate = c.onLoopback() // one that is itself on this machine may show its neighbours' logos
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

// documents is the directory of -documents, or nil.
func (c *config) documents() fs.FS {
	if c.documentsDir == "" {
		return nil
	}
	return os.DirFS(c.documentsDir)
}

// catalog is the directory of -texts, or nil.
func (c *config) catalog() fs.FS {
	if c.texts == "" {
		return nil
	}
	return os.DirFS(c.texts)
}
