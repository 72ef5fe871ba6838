package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuickstartIsAProvider(t *testing.T) {
	t.Parallel()
	provider := newProvider()
	for _, path := range []string{
		"/.well-known/openid-configuration",
		"/authorize?client_id=portal&redirect_uri=http://localhost:8081/callback&response_type=code&scope=openid" +
			"&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
	} {
		w := httptest.NewRecorder()
		provider.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost:8080"+path, nil))
		assert.Less(t, w.Code, http.StatusBadRequest, "%s: %s", path, w.Body)
	}
}

func TestQuickstartIsUnder60Lines(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	assert.Less(t, bytes.Count(source, []byte("\n")), 60)
}
