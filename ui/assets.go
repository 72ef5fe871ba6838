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
)

// asset is a file that pages link. Its name holds the hash of its content, so that it can be cached for ever.
type asset struct {
	name, contentType string
	integrity         string
	plain             []byte
	// zipped is nil if there is nothing to gain by it.
	zipped []byte
}

func newAsset(stem, extension, contentType string, content []byte) (*asset, error) {
	sum := sha256.Sum256(content)
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	a := &asset{
		name:        fmt.Sprintf("%s.%s.%s", stem, hex.EncodeToString(sum[:8]), extension),
		contentType: contentType,
		integrity:   "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		plain:       content,
	}
	if zipped.Len() < len(content) {
		a.zipped = zipped.Bytes()
	}
	return a, nil
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
	if a.zipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		content = a.zipped
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
