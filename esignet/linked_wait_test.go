package esignet_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/esignet"
)

const (
	// perBrowser bounds what each takes. Three quarters of it are net/http's: its buffers and the stacks of two goroutines.
	perBrowser = 64 << 10
)

// TestTenThousandBrowsersWait has waiters of them wait over connections that take no file descriptors. The memory is that of both ends.
func TestTenThousandBrowsersWait(t *testing.T) {
	w := newWalletAPI(t)
	lines := newPipes()
	server := &http.Server{Handler: w.api}
	go server.Serve(lines)
	bodies := make([][]byte, waiters) // of logins, which have to be kept whether somebody waits or not
	for i := range bodies {
		transaction := w.begin()
		bodies[i] = envelopeOf(t, members{"transactionId": transaction, "linkCode": w.linkCode(transaction)})
	}
	settle()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()

	ctx, leave := context.WithCancel(t.Context())
	for _, body := range bodies {
		connection, err := lines.dial()
		require.NoError(t, err)
		context.AfterFunc(ctx, func() { connection.Close() })
		request, err := http.NewRequest(http.MethodPost, "http://id.example.org"+esignet.DefaultPrefix+linkedPath+"link-status", bytes.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		withCSRFToken(request)
		require.NoError(t, request.Write(connection))
	}
	stacks := make([]byte, 256<<20)
	waiting := func() int {
		return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "wallet.(*Linker).await(")
	}
	require.Eventually(t, func() bool { return waiting() == waiters }, time.Minute, 100*time.Millisecond)
	stacks = nil
	settle()
	runtime.ReadMemStats(&during)
	used := during.HeapInuse + during.StackInuse - before.HeapInuse - before.StackInuse
	t.Logf("%d browsers wait: %d MiB of heap, %d MiB of stacks, %d goroutines", waiters, (during.HeapInuse-before.HeapInuse)>>20,
		(during.StackInuse-before.StackInuse)>>20, runtime.NumGoroutine()-goroutines)
	assert.Less(t, used, uint64(waiters*perBrowser), "both ends of each connection")

	leave()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+10 }, time.Minute, 50*time.Millisecond,
		"whoever leaves takes everything along")
	require.NoError(t, server.Close())
}

// settle frees what nobody needs. Each collection halves stacks that have become too large.
func settle() {
	for range 4 {
		runtime.GC()
	}
}

// pipes is a listener whose connections are in memory.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newPipes() *pipes { return &pipes{connections: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.connections <- server:
		return client, nil
	case <-p.closed:
		return nil, io.ErrClosedPipe
	}
}
