package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// asset is a file that pages link. Its name holds the hash of its content, so that it can be cached for ever.
type asset struct {
	name, contentType string
	integrity         string
	plain             []byte
	// zipped compresses the file when somebody first asks for it. It returns nil if there is nothing to gain by it.
	zipped func() []byte
}

func newAsset(stem, extension, contentType string, content []byte) *asset {
	sum := sha256.Sum256(content)
	return &asset{
		name:        fmt.Sprintf("%s.%s.%s", stem, hex.EncodeToString(sum[:8]), extension),
		contentType: contentType,
		integrity:   "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		plain:       content,
		zipped:      sync.OnceValue(func() []byte { return zip(content) }),
	}
}

func zip(content []byte) []byte {
	var zipped bytes.Buffer
	w, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level is a valid one, and a buffer takes everything
	w.Write(content)
	w.Close()
	if zipped.Len() >= len(content) {
		return nil
	}
	return bytes.Clone(zipped.Bytes())
}

func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Vary", "Accept-Encoding")
	if a.contentType == svgType {
		h.Set("Content-Security-Policy", imagePolicy)
	}
	content := a.plain
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if zipped := a.zipped(); zipped != nil {
			h.Set("Content-Encoding", "gzip")
			content = zipped
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method != http.MethodHead {
		w.Write(content)
	}
}

func acceptsGzip(acceptEncoding string) bool {
	for coding := range strings.SplitSeq(acceptEncoding, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			q := strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			return strings.Trim(q, "0.") != "" || q == ""
		}
	}
	return false
}
