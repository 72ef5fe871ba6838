package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store/memory"
)

func newHealth(t *testing.T) (h *health, ask func(path string) int) {
	t.Helper()
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	store, err := memory.New(memory.Config{})
	require.NoError(t, err)
	h = &health{keys: keys, store: store, logger: slog.New(slog.DiscardHandler)}
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

type noKeys struct{ keystore.Keystore }

func (noKeys) Signer(context.Context, keystore.Role, jose.SignatureAlgorithm) (*keystore.Key, error) {
	return nil, keystore.ErrNoKey
}

func TestNotReadyWithoutKeys(t *testing.T) {
	t.Parallel()
	h, ask := newHealth(t)
	h.keys = noKeys{}
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
