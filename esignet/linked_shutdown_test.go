package esignet_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store/memory"
)

// TestShutdownAnswersBrowsersThatWait has them answered at once, whether they wait outside the server or, as over HTTP/1.0, in
// its handlers.
func TestShutdownAnswersBrowsersThatWait(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"HTTP/1.1", "HTTP/1.0"} {
		t.Run(strings.ReplaceAll(version, "/", ""), func(t *testing.T) {
			t.Parallel()
			backend, err := memory.New(memory.Config{})
			require.NoError(t, err)
			waiting := &subscriptions{Notifier: backend}
			w := newWalletAPI(t, func(o *options) {
				o.backend, o.linker.Notifier, o.wallet.Wait = backend, waiting, time.Minute
			})
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			server := &http.Server{Handler: w.api}
			server.RegisterOnShutdown(w.linker.Release)
			go server.Serve(listener)

			transaction := w.begin()
			request := requestOf(t, members{"transactionId": transaction, "linkCode": w.linkCode(transaction)})
			browser, err := net.Dial("tcp", listener.Addr().String())
			require.NoError(t, err)
			defer browser.Close()
			_, err = browser.Write(bytes.Replace(request, []byte("HTTP/1.1"), []byte(version), 1))
			require.NoError(t, err)
			require.Eventually(t, func() bool { return waiting.Load() == 1 }, time.Minute, time.Millisecond)

			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // less than the browser would wait
			defer cancel()
			require.NoError(t, server.Shutdown(ctx))
			require.NoError(t, w.api.Close(ctx))
			answer, err := http.ReadResponse(bufio.NewReader(browser), nil)
			require.NoError(t, err)
			body, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			assert.Contains(t, string(body), "response_timeout")
		})
	}
}
