package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/store"
)

const (
	probeKey        = "readyz"
	probeCollection = "readyz"
	probeTimeout    = 2 * time.Second
)

// health answers whoever supervises the server.
type health struct {
	keys     func(context.Context) rotation.Health
	store    store.Ephemeral
	ledger   store.Ledger
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
	if err := h.checkStore(ctx); err != nil {
		h.notReady(ctx, w, "store", err)
		return
	}
	keys := h.keys(ctx)
	if !keys.Ready {
		h.notReady(ctx, w, "keys", errors.New(strings.Join(keys.Problems, "; ")))
		return
	}
	// What lasts may be away for a while: clients and keys go on with what is known of them.
	text := "ok"
	if _, err := h.ledger.Read(ctx, probeCollection, probeKey); err != nil && !errors.Is(err, store.ErrNotFound) {
		h.logger.LogAttrs(ctx, slog.LevelWarn, "the store of what lasts is away", slog.Any("error", err))
		text += "\nledger: cannot be reached"
	}
	for _, problem := range keys.Problems {
		text += "\nkeys: " + problem
	}
	answer(w, http.StatusOK, text)
}

func (h *health) notReady(ctx context.Context, w http.ResponseWriter, probe string, err error) {
	h.logger.LogAttrs(ctx, slog.LevelError, "not ready", slog.String("probe", probe), slog.Any("error", err))
	answer(w, http.StatusServiceUnavailable, probe+" failed")
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
