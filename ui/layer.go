package ui

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// layer is the texts of one file in a language.
type layer struct {
	tag  language.Tag
	head map[string]message
	// rest reads the texts that head has not. Nil means that there are none.
	rest func() map[string]message
}

// languageGroup holds what a file says of its language: the first group of those that are embedded.
const languageGroup = "language"

func (y *layer) find(key string) (message, bool) {
	m, ok := y.head[key]
	if !ok && y.rest != nil && !strings.HasPrefix(key, languageGroup+".") {
		m, ok = y.rest()[key]
	}
	return m, ok
}

func find(layers []*layer, key string) (message, bool) {
	for _, y := range layers {
		if m, ok := y.find(key); ok {
			return m, ok
		}
	}
	return message{}, false
}

// builtin returns the embedded languages by their codes. It is a cache and no state: they are part of the program and
// nothing changes them, so that all UIs of a process can share them, however many there are. Of each language only the
// name, the direction and the digits are read before somebody wants a page in it: most deployments use few of them.
var builtin = sync.OnceValues(func() (map[string]*layer, error) {
	locales, err := fs.Sub(embedded, "locales")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(locales, "*.json")
	if err != nil {
		return nil, err
	}
	layers := map[string]*layer{}
	for _, name := range names {
		head, err := readHead(locales, name)
		if err != nil {
			return nil, fmt.Errorf("ui: language file %s: %w", name, err)
		}
		code := strings.TrimSuffix(path.Base(name), ".json")
		layers[code] = &layer{tag: language.Make(code), head: head, rest: sync.OnceValue(func() map[string]message {
			_, messages, _ := readLocale(locales, name) // CheckCatalog finds what is wrong with a file, and a test has it do so
			return messages
		})}
	}
	return layers, nil
})

// readHead reads what a file says of its language, which is what it begins with.
func readHead(files fs.FS, name string) (map[string]message, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	for _, want := range []json.Token{json.Delim('{'), languageGroup} {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		if token != want {
			return nil, fmt.Errorf("it does not begin with the group %s", languageGroup)
		}
	}
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	head := map[string]message{}
	return head, flatten(languageGroup+".", tree, head)
}
