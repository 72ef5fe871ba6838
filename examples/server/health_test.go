package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

func newHealth(t *testing.T) (h *health, ask func(path string) int) {
	t.Helper()
	store, err := memory.New(memory.Config{})
	require.NoError(t, err)
	ready := func(context.Context) rotation.Health { return rotation.Health{Ready: true} }
	h = &health{keys: ready, store: store, ledger: store, logger: slog.New(slog.DiscardHandler)}
	mux := http.NewServeMux()
	h.register(mux)
	return h, func(path string) int {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code
	}
}

func TestReadyWhileKeysAndStoreWork(t *testing.T) {
	t.Parallel()
	_, ask := newHealth(t)
	assert.Equal(t, http.StatusOK, ask("/readyz"))
	assert.Equal(t, http.StatusOK, ask("/readyz"), "the probe may be repeated")
}

func TestNotReadyWithoutStore(t *testing.T) {
	t.Parallel()
	h, ask := newHealth(t)
	require.NoError(t, h.store.(*memory.Store).Close())
	assert.Equal(t, http.StatusServiceUnavailable, ask("/readyz"))
	assert.Equal(t, http.StatusOK, ask("/healthz"))
}

func TestNotReadyWithoutKeys(t *testing.T) {
	t.Parallel()
	h, ask := newHealth(t)
	h.keys = func(context.Context) rotation.Health { return rotation.Health{} }
	assert.Equal(t, http.StatusServiceUnavailable, ask("/readyz"))
	assert.Equal(t, http.StatusOK, ask("/healthz"))
}

func TestNotReadyWhileShuttingDown(t *testing.T) {
	t.Parallel()
	h, ask := newHealth(t)
	h.draining.Store(true)
	assert.Equal(t, http.StatusServiceUnavailable, ask("/readyz"))
	assert.Equal(t, http.StatusOK, ask("/healthz"))
}

// away is a ledger that cannot be reached.
type away struct{ store.Ledger }

func (away) Read(context.Context, string, string) (store.Record, error) {
	return store.Record{}, errors.New("no connection")
}

func TestReadinessTellsWhatSomebodyShouldLookAt(t *testing.T) {
	t.Parallel()
	h, ask := newHealth(t)
	h.ledger = away{}
	h.keys = func(context.Context) rotation.Health {
		return rotation.Health{Ready: true, Problems: []string{"the certificate of key 1 expires tomorrow"}}
	}
	assert.Equal(t, http.StatusOK, ask("/readyz"), "the instance can work for a while")
	w := httptest.NewRecorder()
	h.ready(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	assert.Equal(t, "ok\nledger: cannot be reached\nkeys: the certificate of key 1 expires tomorrow\n", w.Body.String())
}
