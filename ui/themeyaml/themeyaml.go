// Package themeyaml reads themes of the pages from YAML, for those who write them by hand. It is apart from package ui so
// that nobody else links a reader of YAML.
package themeyaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/gosignet/signet/ui"
)

const (
	maxBytes = 512 << 10
	maxDepth = 16
)

// Parse reads a theme from YAML, with the members and the rules of [ui.ParseTheme]. Colours need quotation marks: what
// begins with # is a comment. Anchors, aliases and tags are refused.
func Parse(data []byte) (ui.Theme, error) {
	if len(data) > maxBytes {
		return ui.Theme{}, fmt.Errorf("themeyaml: the theme has more than %d bytes", maxBytes)
	}
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); err != nil {
		return ui.Theme{}, fmt.Errorf("themeyaml: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return ui.Theme{}, errors.New("themeyaml: there is more than one document")
	}
	var out bytes.Buffer
	if err := write(&out, document.Content[0], 0); err != nil {
		return ui.Theme{}, err
	}
	return ui.ParseTheme(out.Bytes())
}

// write writes the node as JSON, with every member that it has, twice too: ParseTheme is who minds.
func write(out *bytes.Buffer, n *yaml.Node, depth int) error {
	wrong := func(what string) error { return fmt.Errorf("themeyaml: line %d: %s", n.Line, what) }
	switch {
	case depth > maxDepth:
		return wrong("it is nested too deep")
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return wrong("there are no anchors and aliases here")
	case n.Style&yaml.TaggedStyle != 0:
		return wrong("there are no tags here")
	}
	switch n.Kind {
	case yaml.MappingNode:
		return writeAll(out, n, depth, "{}", func(i int) byte { return ",:"[i%2] })
	case yaml.SequenceNode:
		return writeAll(out, n, depth, "[]", func(int) byte { return ',' })
	}
	var value any
	switch n.Tag {
	case "!!str":
		value = n.Value
	case "!!null":
	case "!!bool", "!!int", "!!float":
		if err := n.Decode(&value); err != nil {
			return wrong("it is no number")
		}
	default:
		return wrong("it is neither a text nor a number")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return wrong("it is no number") // infinity, say
	}
	out.Write(text)
	return nil
}

// writeAll writes what is in the node between brackets, after its first with what comes before it.
func writeAll(out *bytes.Buffer, n *yaml.Node, depth int, brackets string, before func(i int) byte) error {
	out.WriteByte(brackets[0])
	for i, child := range n.Content {
		if i > 0 {
			out.WriteByte(before(i))
		}
		if n.Kind == yaml.MappingNode && i%2 == 0 && (child.Kind != yaml.ScalarNode || child.Tag != "!!str") {
			return fmt.Errorf("themeyaml: line %d: the name of a member is no text", child.Line)
		}
		if err := write(out, child, depth+1); err != nil {
			return err
		}
	}
	out.WriteByte(brackets[1])
	return nil
}
