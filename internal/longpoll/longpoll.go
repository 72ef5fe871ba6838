// Package longpoll lets requests wait for long at little cost. While a handler runs, net/http keeps about 20 KB of buffers
// and stacks for its connection: too much for ten thousand browsers that only wait.
package longpoll

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// sending is how long a client may take to read an answer.
const sending = 30 * time.Second

// Room is where requests wait. It is made with New, and safe for concurrent use.
type Room struct {
	log *slog.Logger

	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// New returns a Room that logs what goes wrong.
func New(log *slog.Logger) *Room { return &Room{log: log} }

// Answer calls answer, which may wait for as long as it is told, whatever bound the server has. The body of the request must
// have been read to its end.
//
// From HTTP/1.1 servers it takes over the connection and returns at once. The request that answer then gets has only the
// method, URL, pattern and context of r, but the context ends when the client leaves, not when the handler returns. The
// connection is closed after the answer, which must say what its Content-Type is. Others are answered before Answer returns.
func (p *Room) Answer(w http.ResponseWriter, r *http.Request, wait time.Duration, answer http.HandlerFunc) {
	if r.ProtoMajor != 1 || r.ProtoMinor != 1 || !p.enter() {
		p.stay(w, r, wait, answer)
		return
	}
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.inside.Done()
		p.stay(w, r, wait, answer)
		return
	}
	ctx, left := context.WithCancel(context.WithoutCancel(r.Context()))
	waiting := (&http.Request{Method: r.Method, URL: r.URL, Pattern: r.Pattern}).WithContext(ctx)
	answered := &response{header: w.Header().Clone(), status: http.StatusOK}
	go watch(connection, left)
	go func() {
		defer p.inside.Done()
		defer left()
		defer connection.Close() // which ends the watch
		defer p.recover(waiting)
		answer(answered, waiting)
		if ctx.Err() == nil {
			answered.send(connection)
		}
	}()
}

// Close waits until all requests are answered that have their answers outside the server, or the context ends. From then on
// the server has to wait for its requests by itself.
func (p *Room) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	empty := make(chan struct{})
	go func() {
		p.inside.Wait()
		close(empty)
	}()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Room) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.inside.Add(1)
	}
	return !p.closed
}

// stay answers in the server's handler.
func (p *Room) stay(w http.ResponseWriter, r *http.Request, wait time.Duration, answer http.HandlerFunc) {
	err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wait + sending))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		p.log.WarnContext(r.Context(), "a client may not wait as long as it should", "error", err)
	}
	answer(w, r)
}

// recover keeps the process alive, as net/http does for handlers.
func (p *Room) recover(r *http.Request) {
	if reason := recover(); reason != nil && reason != http.ErrAbortHandler {
		p.log.ErrorContext(r.Context(), "panic in an answer", "pattern", r.Pattern, "reason", reason, "stack", string(debug.Stack()))
	}
}

// watch tells when a client leaves. One that sends another request before it has its answer is not watched any more.
func watch(c net.Conn, left func()) {
	var more [1]byte
	if _, err := c.Read(more[:]); err != nil {
		left()
	}
}

// response is what is answered.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *response) Header() http.Header { return r.header }

func (r *response) WriteHeader(status int) { r.status = status }

func (r *response) Write(b []byte) (int, error) { return r.body.Write(b) }

// send sends the answer in one piece. Nobody learns of a failure: it is the client that is gone.
func (r *response) send(c net.Conn) {
	r.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var b bytes.Buffer
	(&http.Response{
		StatusCode: r.status, ProtoMajor: 1, ProtoMinor: 1, Header: r.header, Close: true,
		Body: io.NopCloser(&r.body), ContentLength: int64(r.body.Len()),
	}).Write(&b)
	c.SetWriteDeadline(time.Now().Add(sending))
	c.Write(b.Bytes())
}
