package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slow is a server with one request in flight, which ends when the test says so.
type slow struct {
	health   *health
	config   *config
	endpoint *endpoint
	finish   chan struct{}
	answer   chan string // what the request was answered, or its error
	stop     func()      // ends the context of serve
	stopped  chan error  // what serve returned
}

func startSlow(t *testing.T, c config) *slow {
	t.Helper()
	e, err := listen("listen", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	s := &slow{
		health: &health{}, config: &c, endpoint: e, stop: stop,
		finish: make(chan struct{}), answer: make(chan string, 1), stopped: make(chan error, 1),
	}
	started := make(chan struct{})
	logger := slog.New(slog.DiscardHandler)
	e.handle(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-s.finish
		io.WriteString(w, "finished")
	}), logger)
	go func() { s.stopped <- serve(ctx, s.config, s.health, logger, []*endpoint{e}) }()
	go func() {
		res, err := http.Get(e.url())
		if err != nil {
			s.answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		s.answer <- string(body)
	}()
	<-started
	return s
}

func TestShutdownFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	s := startSlow(t, config{shutdownTimeout: time.Minute})
	s.stop()
	// The listener closes before the request ends: new connections are refused meanwhile.
	for {
		res, err := http.Get(s.endpoint.url() + "/")
		if err != nil {
			break
		}
		res.Body.Close()
	}
	assert.True(t, s.health.draining.Load())
	close(s.finish)
	assert.Equal(t, "finished", <-s.answer)
	assert.NoError(t, <-s.stopped)
}

func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	s := startSlow(t, config{shutdownTimeout: time.Millisecond})
	s.stop()
	assert.ErrorContains(t, <-s.stopped, "cut off")
	assert.Contains(t, <-s.answer, "EOF")
	close(s.finish)
}

func TestRequestsAreLoggedWithoutTheirQuery(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e, err := listen("listen", "127.0.0.1:0")
	require.NoError(t, err)
	logger := (&config{logFormat: "json", logLevel: slog.LevelDebug}).logger(&log)
	e.handle(http.NotFoundHandler(), logger)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		stopped <- serve(ctx, &config{shutdownTimeout: time.Minute}, &health{}, logger, []*endpoint{e})
	}()
	res, err := http.Get(e.url() + "/callback?code=secret")
	require.NoError(t, err)
	res.Body.Close()
	stop()
	require.NoError(t, <-stopped)
	assert.Contains(t, log.String(), `"path":"/callback","status":404`)
	assert.NotContains(t, log.String(), "secret")
}
