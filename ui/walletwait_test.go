package ui_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
)

// waiting is a browser with a connection of its own, whose script waits for a wallet.
type waiting struct {
	net.Conn
	*testing.T
}

func (w *walletLogin) wait(t *testing.T, version string) *waiting {
	t.Helper()
	at, err := url.Parse(w.server.URL)
	require.NoError(t, err)
	c, err := net.Dial("tcp", at.Host)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = io.WriteString(c, "GET /login/"+login.ID(fakeHandle)+"/wallet?seen=0 "+version+"\r\nHost: "+at.Host+
		"\r\nCookie: signet-"+login.ID(fakeHandle)+"="+fakeHandle+"\r\n\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.waiting.Load() == 1 }, time.Minute, time.Millisecond)
	return &waiting{c, t}
}

func (w *waiting) answer() (*http.Response, string) {
	w.Helper()
	res, err := http.ReadResponse(bufio.NewReader(w), nil)
	require.NoError(w, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(w, err)
	return res, string(body)
}

// handlers serves the pages anew, and tells when a handler returned.
func (w *walletLogin) handlers() chan struct{} {
	returned := make(chan struct{}, 10)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.pages.ServeHTTP(rw, r)
		returned <- struct{}{}
	}))
	w.tb.Cleanup(w.server.Close)
	return returned
}

func TestABrowserWaitsForAWalletOutsideTheServersHandlers(t *testing.T) {
	t.Parallel()
	w := newWalletLogin(t, callback, nil)
	link := w.page().deepLink()
	returned := w.handlers()
	b := w.wait(t, "HTTP/1.1")
	<-returned
	_, err := w.scan(link)
	require.NoError(t, err)
	res, body := b.answer()
	assert.JSONEq(t, `{"stage":"linked"}`, body)
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, "application/json", res.Header.Get("Content-Type"))
	assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	assert.NotEmpty(t, res.Header.Get("Content-Security-Policy"), "with the headers of every page")
	assert.True(t, res.Close)
}

func TestABrowserThatLeavesDoesNotWaitForAWalletAnyMore(t *testing.T) {
	t.Parallel()
	w := newWalletLogin(t, callback, nil)
	w.page()
	b := w.wait(t, "HTTP/1.1")
	require.NoError(t, b.Close())
	require.Eventually(t, func() bool { return w.waiting.Load() == 0 }, time.Minute, time.Millisecond)
	require.NoError(t, w.pages.Close(t.Context()))
}

// TestClosingThePagesAnswersBrowsersThatWait whether they wait outside the server or, as over HTTP/1.0, in its handlers.
func TestClosingThePagesAnswersBrowsersThatWait(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"HTTP/1.1", "HTTP/1.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w := newWalletLogin(t, callback, nil)
			w.page()
			b := w.wait(t, version)
			ctx, cancel := context.WithTimeout(t.Context(), walletPatience) // less than the browser would wait
			defer cancel()
			require.NoError(t, w.pages.Close(ctx))
			_, body := b.answer()
			assert.JSONEq(t, `{"stage":"unlinked"}`, body)
			require.NoError(t, w.server.Config.Shutdown(ctx))
		})
	}
}

func TestPagesWithoutWalletsCloseAtOnce(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	require.NoError(t, pages.Close(t.Context()))
}

// walletPatience is less than a script waits in one call.
const walletPatience = 20 * time.Second
