package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// endpoint is an address and what is served there.
type endpoint struct {
	flag        string
	listener    net.Listener
	certificate *certificate // nil without TLS
	proxies     proxies
	server      *http.Server
}

// listen opens the address of a flag. Failing early, for all addresses, is what makes the messages clear.
func listen(flag, address string) (*endpoint, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("-%s: something else listens on %s already; choose another address", flag, address)
	case err != nil:
		return nil, fmt.Errorf("-%s: %w", flag, err)
	}
	return &endpoint{flag: flag, listener: l}, nil
}

// url is where a browser on this machine finds the endpoint.
func (e *endpoint) url() string {
	scheme := "http://"
	if e.certificate != nil {
		scheme = "https://"
	}
	_, port, err := net.SplitHostPort(e.listener.Addr().String())
	if err != nil {
		return scheme + e.listener.Addr().String()
	}
	return scheme + "localhost:" + port
}

func (e *endpoint) handle(handler http.Handler, logger *slog.Logger) {
	logger = logger.With(slog.String("listener", e.flag))
	e.server = &http.Server{
		Handler:           logRequests(handler, e.proxies, logger),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	if e.certificate != nil {
		e.server.TLSConfig = e.certificate.config()
	}
}

func (e *endpoint) serve() error {
	if e.certificate != nil {
		return e.server.ServeTLS(e.listener, "", "")
	}
	return e.server.Serve(e.listener)
}

// serve serves all endpoints until the context ends or one fails, and then lets each finish, in their order: an
// endpoint comes before those that its requests call.
func serve(ctx context.Context, c *config, h *health, logger *slog.Logger, endpoints []*endpoint) error {
	failed := make(chan error, len(endpoints))
	for _, e := range endpoints {
		go func() {
			if err := e.serve(); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("-%s: %w", e.flag, err)
			}
		}()
	}
	var err error
	select {
	case <-ctx.Done():
		logger.Info("shutting down")
	case err = <-failed:
	}
	h.draining.Store(true)
	if err == nil && c.drainDelay > 0 {
		<-time.After(c.drainDelay)
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.shutdownTimeout)
	defer cancel()
	for _, e := range endpoints {
		if e := e.stop(bounded); e != nil {
			err = errors.Join(err, e)
		}
	}
	return err
}

// stop accepts no more requests and waits for those in flight. What takes too long is cut off.
func (e *endpoint) stop(ctx context.Context) error {
	err := e.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		e.server.Close()
		return fmt.Errorf("-%s: requests in flight took too long and were cut off", e.flag)
	}
	return err
}

// logRequests logs who asked for what, and how it went. Queries are left out: codes and people's choices are in them.
func logRequests(next http.Handler, proxies proxies, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		logger.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("client", proxies.client(r).String()),
			slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", recorder.status), slog.Duration("duration", time.Since(start)))
	})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
