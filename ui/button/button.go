// Package button is the button "Sign in with …" that relying parties put on their pages.
//
// There are two of it, which look the same. [Button.Link] is a snippet of HTML, for relying parties that begin logins on
// their server: it needs the style sheet and no script. The script is for those that begin them in the browser. Its one
// function, SignInWithEsignetButton.init, takes the options of eSignet's button; docs/button.md lists them.
//
// A [Button] serves the script and the style sheet, under stable names to be linked from other sites, and under names that
// hold a hash of the content to be cached for good.
package button

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Names of the files under which other sites link them. That of the script is eSignet's.
const (
	ScriptName = "sign-in-button-plugin.js"
	StyleName  = "sign-in-button.css"
)

// DefaultBasePath is where eSignet serves its button.
const DefaultBasePath = "/plugins/"

// stableLifetime is how long browsers may use a file under its stable name without asking whether it changed.
const stableLifetime = time.Hour

var (
	//go:embed assets/sign-in-button-plugin.js
	scriptSource string
	//go:embed assets/sign-in-button.css
	styleSource []byte
	//go:embed texts.json
	textsSource []byte
)

// text is what the button says in a language.
type text struct {
	Direction string `json:"dir"`
	Text      string `json:"text"`
}

var basePath = regexp.MustCompile(`^/([A-Za-z0-9._~-]+/)*$`)

// Config configures a [Button].
type Config struct {
	// Names are the provider's names by language (BCP 47), for buttons without a label of their own; the name under the
	// empty language is used where no other fits. Nil means "Signet".
	Names map[string]string
	// BasePath is the path under which the files are served, with a slash at both ends. Empty means DefaultBasePath.
	BasePath string
}

// Button serves the files of the button, and renders it as a link. It is safe for concurrent use.
type Button struct {
	names         map[string]string
	texts         map[string]text
	files         map[string]*file // by path
	script, style *file
}

// file is served under two paths.
type file struct {
	contentType, path, etag, integrity string
	content                            []byte
}

// New returns the button, or all that is wrong with the configuration.
func New(c Config) (*Button, error) {
	if c.Names == nil {
		c.Names = map[string]string{"": "Signet"}
	}
	if c.BasePath == "" {
		c.BasePath = DefaultBasePath
	}
	var errs []error
	if c.Names[""] == "" {
		errs = append(errs, errors.New("button: Config.Names has no name under the empty language"))
	}
	if !basePath.MatchString(c.BasePath) {
		errs = append(errs, fmt.Errorf("button: Config.BasePath %q is not a path with a slash at both ends", c.BasePath))
	}
	b := &Button{names: maps.Clone(c.Names), files: map[string]*file{}}
	errs = append(errs, json.Unmarshal(textsSource, &b.texts))
	// JSON is JavaScript, and escaped by Marshal even for a script inside HTML.
	filling, err := json.Marshal(map[string]any{"css": string(styleSource), "texts": b.texts, "names": b.names})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	script := strings.Replace(scriptSource, "SIGNET_BUTTON", string(filling), 1)
	b.script = b.add(c.BasePath, ScriptName, "text/javascript; charset=utf-8", []byte(script))
	b.style = b.add(c.BasePath, StyleName, "text/css; charset=utf-8", styleSource)
	return b, nil
}

// add makes the file available under its name, and under one with a hash in it.
func (b *Button) add(base, name, contentType string, content []byte) *file {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:8])
	dot := strings.LastIndexByte(name, '.')
	f := &file{
		contentType: contentType,
		path:        base + name[:dot] + "." + hash + name[dot:],
		etag:        `"` + hash + `"`,
		integrity:   "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		content:     content,
	}
	b.files[base+name], b.files[f.path] = f, f
	return f
}

// ScriptPath is the path of the script that changes with it.
func (b *Button) ScriptPath() string { return b.script.path }

// ScriptIntegrity is the integrity attribute for the script, which changes with it.
func (b *Button) ScriptIntegrity() string { return b.script.integrity }

// StylePath is the path of the style sheet that changes with it.
func (b *Button) StylePath() string { return b.style.path }

// Languages are those for which the button has a text.
func (b *Button) Languages() []string { return slices.Sorted(maps.Keys(b.texts)) }

// ServeHTTP serves the files to every site.
func (b *Button) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := b.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", f.etag)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*") // subresource integrity needs it
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.URL.Path == f.path {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(stableLifetime.Seconds())))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}
