package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
)

// minZippedBytes is the length from which a page is compressed.
const minZippedBytes = 1 << 10

var zippers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a valid one
	return w
}}

// compress returns the page as the browser takes it, and what to say about that. Pages hold what is only for the person beside
// what others may have put into a request, and who sees how long answers are could guess the one by the other (BREACH). The
// token of forms is masked against that; a comment of random length makes guesses at the rest, such as the name of an account,
// cost many more answers.
func compress(r *http.Request, page []byte) (content []byte, coding string) {
	if len(page) < minZippedBytes || !acceptsGzip(strings.Join(r.Header.Values("Accept-Encoding"), ",")) {
		return page, ""
	}
	var b bytes.Buffer
	w := zippers.Get().(*gzip.Writer)
	defer zippers.Put(w)
	w.Reset(&b)
	var length [1]byte
	rand.Read(length[:])
	w.Comment = strings.Repeat(".", int(length[0]))
	if _, err := w.Write(page); err != nil {
		return page, ""
	}
	if w.Close() != nil {
		return page, ""
	}
	return b.Bytes(), "gzip"
}
