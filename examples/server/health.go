package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

const (
	probeKey     = "readyz"
	probeTimeout = 2 * time.Second
)

// health answers whoever supervises the server.
type health struct {
	keys     keystore.Keystore
	store    store.Ephemeral
	logger   *slog.Logger
	draining atomic.Bool
}

// register mounts /healthz, which says that the process lives, and /readyz, which says whether to send people here.
func (h *health) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	if h.draining.Load() {
		answer(w, http.StatusServiceUnavailable, "shutting down")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	for _, probe := range []struct {
		name  string
		check func(context.Context) error
	}{{"keys", h.checkKeys}, {"store", h.checkStore}} {
		if err := probe.check(ctx); err != nil {
			h.logger.LogAttrs(ctx, slog.LevelError, "not ready", slog.String("probe", probe.name), slog.Any("error", err))
			answer(w, http.StatusServiceUnavailable, probe.name+" failed")
			return
		}
	}
	answer(w, http.StatusOK, "ok")
}

func (h *health) checkKeys(ctx context.Context) error {
	_, err := h.keys.Signer(ctx, keystore.TokenSigning, jose.ES256)
	return err
}

func (h *health) checkStore(ctx context.Context) error {
	if err := h.store.Put(ctx, probeKey, []byte{1}, time.Minute); err != nil {
		return err
	}
	_, err := h.store.Get(ctx, probeKey)
	return err
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
